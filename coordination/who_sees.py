"""The table "who sees what", made from the same rules that the database keeps to, in plain words. Reads policy only, no rows."""

from __future__ import annotations

from typing import Any

from foundation.policy import RULES
from foundation.web.words import N_
from foundation.web.words import gettext as _

COLUMNS = (
    ("member", N_("Member")),
    ("chair", N_("Secretary, chair")),
    ("city_officer", N_("City officer")),
    ("police_liaison", N_("Police liaison")),
    ("national_contact", N_("National contact")),
    ("administrator", N_("Administrator")),
    ("auditor", N_("Auditor")),
)
# What each kind of data is called, and the tables that hold it.
DATA = (
    (N_("Name or number of the person who reported"), ("identity", "reply_handle")),
    (N_("The number to ring about a private matter"), ("number_to_ring",)),
    (N_("Which reports came from the same person (a random mark, no name)"), ("report",)),
    (N_("What was written, as it came"), ("incident_text",)),
    (N_("The exact spot and minute"), ("incident_place",)),
    (N_("Ward, hour, kind, how serious, checked or not"), ("incident",)),
    (N_("The committee's own sentence about it"), ("incident_summary",)),
    (N_("Which line of tension it touches"), ("incident_group",)),
    (N_("Where people may be blamed for something elsewhere"), ("flashpoint_place",)),
    (N_("What was written down of a date for the next year"), ("flashpoint_note",)),
    (N_("One member's check-in answers"), ("checkin",)),
    (N_("The level of a place"), ("score",)),
    (N_("An alert and its story"), ("alert", "alert_update")),
    (N_("Who was told, and how it fared"), ("delivery",)),
    (N_("Decisions of the police liaison"), ("review",)),
    (N_("Phone numbers of members and officers"), ("contact_point",)),
    (N_("The record of who did what (no content)"), ("journal",)),
)
KEPT = (
    (
        N_("The way back to a reporter (number for the answer)"),
        N_("until the answer is given, 90 days at most"),
    ),
    (N_("The number to ring about a private matter"), N_("one day after the call, 30 days at most")),
    (N_("A sealed name, where three keepers exist"), N_("30 days after closing, 90 days at most")),
    (N_("The exact spot"), N_("90 days; then the ward only")),
    (N_("What was written"), N_("12 months")),
    (N_("The talk about a report without a name"), N_("90 days after its last word")),
    (N_("Kind, ward and hour, and the committee's sentence"), N_("kept, to learn from")),
    (N_("The record of who did what"), N_("10 years, without any content")),
    (
        N_("Drafts and reports that wait on a reporter's phone"),
        N_("until they are sent, on that phone alone; nothing on a shared phone"),
    ),
    (N_("Technical logs"), N_("14 days")),
    (N_("Backups"), N_("35 days")),
)
LIMITS = (
    N_("An SMS or a call can be seen by the phone company and by the company that carries our messages."),
    N_("Whoever controls the running server sees new reports as they come in."),
    N_("Whoever runs the server, with its keys, could link the random mark of a reporter to an account."),
    N_("Two keepers together can open a sealed name. One alone cannot."),
    N_("A phone that others use shows them what is on it."),
    N_("A PIN keeps what waits on a phone from curious eyes, not from a laboratory."),
)
POLICE = (
    N_("Who reported, and any phone number"),
    N_("What people wrote, in their own words"),
    N_("One member's check-in answers"),
    N_("Reports whose reporter ticked “not the police”, and alerts that rest on them"),
    N_("Private matters, such as harm at home"),
    N_("Reports of a place before an alert there was put to them"),
)


def table() -> list[tuple[str, ...]]:
    """One row per kind of data: its name, then a word for each column."""
    return [(_(name), *(cell(tables, role) for role, _label in COLUMNS)) for name, tables in DATA]


def headers() -> list[str]:
    """The heads of the columns."""
    return [_("What"), *(_(label) for _role, label in COLUMNS)]


def cell(tables: tuple[str, ...], role: str) -> str:
    """What one role sees of these tables, in a few words; the widest of them counts."""
    return max((_one(RULES["tables"][name], role) for name in tables), key=lambda found: found[0])[1]


def _one(rule: dict[str, Any], role: str) -> tuple[int, str]:
    if role in rule.get("own", ()):
        marked = rule.get("fields", "").split()[0] in ("F3", "F4", "F5", "F6", "F7")
        need = RULES["need"][role] if marked else ""
        words = {
            "AMBER": _("own area, once checked or opened to officers"),
            "GREEN": _("own area, once opened to partners"),
        }
        return 4, words.get(need, _("yes, own area"))
    if role in rule.get("roles", ()):
        return 4, _("yes")
    if "grant" in rule and role not in ("administrator", "auditor"):
        return 2, _("only what was put to them")
    if "mine" in rule:
        return 1, _("only their own")
    return 0, _("no")
