"""The words for every closed list that people read: levels, roles, kinds, answers, outcomes, states.

Each function translates when it is called, so that one process serves many languages. Sentences with
numbers in them are sentences.py; messages are templates_text. Anyone in alerts or coordination may import
it, most easily through alerts.sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from committees import catalogue, profiles
from foundation.web.words import N_, current
from foundation.web.words import gettext as _

LEVELS = (N_("Not known"), N_("Quiet"), N_("Watch"), N_("Raised"), N_("High"), N_("Severe"))
LEVEL_MEANS = (
    N_("Please ring somebody there."),
    N_("No trouble reported. Please keep checking in."),
    N_("Small signs. Please listen, and answer rumours."),
    N_("Please meet this week and talk to those concerned."),
    N_("Please act today. The city officer has been told."),
    N_("Please act now. A person has confirmed this level."),
)
ROLES = {
    "member": N_("committee member"),
    "touch_point": N_("touch point"),
    "secretary": N_("secretary"),
    "chair": N_("chair"),
    "city_officer": N_("city officer"),
    "district_administration": N_("district administration"),
    "police_liaison": N_("police liaison"),
    "services_focal_person": N_("services focal person"),
    "oversight": N_("oversight office"),
    "national_contact": N_("national contact"),
    "hub_analyst": N_("analyst of the hub"),
    "administrator": N_("administrator"),
    "auditor": N_("auditor"),
    "deputy": N_("deputy"),
    "committee": N_("committee"),
    "dispute_resolution": N_("dispute resolution council"),
    "ladder": N_("the clock, because nobody answered"),
    "nobody": N_("nobody yet"),
}
WHAT = {
    "private": N_("A private matter"),
    "private_matter": N_("A private matter"),
    "several": N_("Several reports"),
    "tension": N_("Local tension"),
    "date_ahead": N_("A difficult date is near"),
    "shock_elsewhere": N_("Something happened elsewhere"),
    "rumours": N_("Rumours going round"),
    "imported": N_("An event from older records"),
}
DETECTORS = {
    "c2": N_("far more than in the weeks before"),
    "cusum": N_("a lasting rise above the year before"),
    "surge": N_("much trouble is likely in the next 4 weeks"),
}
FORMS = {
    "rumour": N_("Rumour or hate message"),
    "threat": N_("Threat"),
    "crowd": N_("Argument or crowd"),
    "fight": N_("Fight or injury"),
    "damage": N_("Damage"),
    "other": N_("Something else that worries people"),
}
HOW_KNOWN = {
    "saw": N_("seen in person"),
    "told": N_("told by someone who was there"),
    "heard": N_("heard from others"),
    "media": N_("seen on a phone or on paper"),
}
SEVERITIES = {
    1: N_("Words, complaints or a gathering; nobody threatened"),
    2: N_("Threat, pressure, small fight or small damage"),
    3: N_("People hurt, serious damage, people forced out, or a crowd likely within hours"),
    4: N_("One to four people killed, a life in immediate danger, or many homes burned"),
    5: N_("Five or more people killed, or an attack on many people at once"),
}
SURE = {
    "confirmed": N_("Confirmed by a person"),
    "not_confirmed": N_("Not confirmed"),
    "being_checked": N_("Being checked"),
    "several": N_("Told by several people, not confirmed"),
}
ANSWERS = {
    "seen": N_("Seen"),
    "acting": N_("Acting on it"),
    "cannot": N_("Cannot, passed it on"),
}
OUTCOMES = {
    "settled": N_("Settled between those concerned"),
    "prevented": N_("Harm was prevented"),
    "happened": N_("It happened"),
    "passed_on": N_("Passed to another office"),
    "not_true": N_("Checked and not true"),
    "nothing_more": N_("Nothing more was reported"),
}
DECISIONS = {
    "take": N_("Take it on"),
    "ask": N_("Ask the committee a question"),
    "pass": N_("Not a police matter, pass it on"),
    "not_true": N_("Checked and not true"),
}
FEEDBACK = {
    "met": N_("Those concerned met and talked."),
    "checked_true": N_("It was checked and is true."),
    "checked_not_true": N_("It was checked and is not true."),
    "visited": N_("A committee member went there."),
    "passed_on": N_("It was passed to the right office."),
    "police_helped": N_("The police were asked to keep people safe."),
    "service_helped": N_("The town service is mending it."),
    "calm_now": N_("It is calm there now."),
    "still_working": N_("We are still working on it."),
    "nothing_found": N_("We went there and found nothing."),
    "rumour:true": N_("This is true."),
    "rumour:not_true": N_("This is not true."),
    "rumour:being_checked": N_("This is being checked."),
    "rumour:cannot_tell": N_("We asked, and nobody can tell."),
}
MARKINGS = {
    "RED": N_("only us"),
    "AMBER+STRICT": N_("only us"),
    "AMBER": N_("officers"),
    "GREEN": N_("partners"),
    "CLEAR": N_("anyone"),
}
STATES = {
    "reported": N_("Reported, not checked yet"),
    "verified": N_("Checked and true"),
    "unable_to_verify": N_("Could not be checked"),
    "not_true": N_("Checked and not true"),
    "merged": N_("Joined with another report"),
    "withdrawn": N_("Taken back by its reporter"),
}
DELIVERY_STATES = {
    "due": N_("Waiting to be sent"),
    "claimed": N_("Being sent"),
    "sending": N_("Being sent"),
    "sent": N_("Sent"),
    "delivered": N_("Received"),
    "undelivered": N_("Not received"),
    "failed": N_("Could not be sent"),
    "unknown": N_("We do not know if it arrived"),
    "cancelled": N_("Not sent"),
}
# A message that is held, and none at all: no states of the outbox.
NO_MESSAGE = {"held": N_("Waits"), "not_asked": N_("Not asked")}
# Why a message waits, or waited (holding.HOLDS); and why one never went out (told.py).
HELD_BY = {
    "silence": N_("A silence holds here."),
    "covered": N_("They were told of the alert for the whole place."),
    "digest": N_("It goes into the message at 6pm."),
    "group": N_("It goes out together with other wards."),
    "quiet": N_("This person has quiet hours or days."),
    "paused": N_("This person paused their messages."),
    "later": N_("It goes out together with other news."),
}
WHY_NOT = {
    "ended": N_("The alert had ended."),
    "rose": N_("The level rose; they were told of the new one."),
    "lowered": N_("The level was lowered first."),
    "told": N_("They were asked about it in another way first."),
    "excluded": N_("Somebody who reported asked that this office is not told."),
    "no_contact": N_("This person has no phone number or address that works."),
    "stopped": N_("This person wants no messages."),
    "off_duty": N_("This person is off duty; another holder of the office is asked."),
    "stood_in": N_("Somebody stands in for this person."),
}
REASONS_TOLD = {
    "rule": N_("The rule names this role."),
    "linked": N_("This office is linked to the place."),
    "no_answer": N_("Nobody answered in time."),
    "deputy": N_("The office that was asked did not decide in time; this is its deputy."),
    "review_late": N_("The time to decide passed without a decision."),
    "passed_on": N_("The matter was passed to this office."),
    "asked": N_("The committee asked for help."),
    "other_provider": N_("The first provider did not bring this message; another one was tried."),
    "next_channel": N_("A message by another way did not arrive."),
    "stands_in": N_("The office that was asked could not be reached; this is its deputy."),
    "no_contact": N_("This person has no phone number or address that works."),
    "told_before": N_("They were told of the alert, and hear how it went on."),
    "behind_alert": N_("What to do, right behind the alert."),
}
WHY_UNREAD = {
    "MISSED_CALL": N_("A missed call"),
    "CALL": N_("Asks to be rung"),
    "STOP": N_("Wants no more SMS from us"),
    "wrong_code": N_("Answers with a code that is not open on that phone"),
    "claimed": N_("Sent from the phone of somebody else"),
    "stranger": N_("From somebody whom we do not know"),
    "NO_COMMAND": N_("Does not begin with a word we know"),
    "LEFT_OVER": N_("Begins with a word we know, but other words follow"),
    "CODE_NOT_OPEN": N_("Only a number, and no open alert for that phone has it as its code"),
    "FORWARDED": N_("Looks like a message passed on from somebody else"),
    "NO_LANGUAGE": N_("Asks for a language that we do not know"),
    "NO_FORM": N_("Came from a form server, but is no answer to our form"),
    "CHANGED": N_("Was changed on its form server after it came in. Compare it with the report"),
    "NOT_APPROVED": N_("Marked as not approved on its form server"),
    "NOT_PROVEN": N_("A letter whose sender our mail server could not check"),
    "EMPTY": N_("Holds no words"),
}
CHANNELS = {
    "sms": N_("SMS"),
    "email": N_("e-mail"),
    "voice": N_("phone call"),
    "missed_call": N_("missed call"),
    "whatsapp": N_("WhatsApp"),
    "apprise": N_("another service"),
    "console": N_("outbox page"),
    "link": N_("link"),
    "web": N_("web page"),
    "page": N_("web page"),
    "api": N_("another system"),
    "csv": N_("file"),
    "acled": "ACLED",
    "cap": N_("CAP message of another system"),
    "form": N_("form of another server"),
    "webhook": N_("message to a program"),
    "walk_in": N_("written down for somebody else"),
    "unnamed": N_("web page, without a name"),
    "vouched": N_("vouched for by a focal person"),
    "none": N_("no message"),
}
CALL_REASONS = {
    "unknown_source": N_("A number we do not know sent a report"),
    "private_matter": N_("A private matter: please ring soon, and ask only what help is needed"),
    "heard_only": N_("A crowd was only heard of: please ask somebody who is near"),
    "asked": N_("This person asked to be rung"),
    "no_news": N_("No news from here for two weeks"),
    "disagrees": N_("Somebody does not agree with the level of this place: please ask why"),
    "grave_unconfirmed": N_("A grave report is not confirmed: please ring somebody who is near"),
    "half_told": N_("Somebody began to report by phone: please ring and ask the rest"),
    "answers_differ": N_("Check-in answers from here differ much: a call may be worth it"),
    "check_in": N_("Only calls reach a member here: please ring and ask for the check-in"),
}


def level_word(level: int | None) -> str:
    """The word of a level 0..5; None is Not known."""
    return _(LEVELS[level or 0])


def level_meaning(level: int | None) -> str:
    """What a level asks people to do, in one line."""
    return _(LEVEL_MEANS[level or 0])


def role_name(role: str) -> str:
    """The name of a role, as it stands inside a sentence."""
    return _(ROLES.get(role, role))


def role_names(roles: list[str] | tuple[str, ...]) -> str:
    """Several roles in one line."""
    return _(", ").join(role_name(role) for role in roles)


def kind_label(kind: str) -> str:
    """What happened, in words: a kind of the catalogue, or the closed word of an alert."""
    if kind in catalogue.KINDS:
        return _(catalogue.KINDS[kind].label)
    return _(WHAT.get(kind, WHAT["imported"]))


def threat_label(threat: str, document: Mapping[str, Any] | None = None) -> str:
    """The line of tension called `threat`; `document` is the profile that may name lines of its own."""
    if threat == "*":
        return _("The place as a whole")
    return _label_in("threats", threat, document) or _("Not sorted yet")


def trigger_label(trigger: str, document: Mapping[str, Any] | None = None) -> str:
    """The kind of date called `trigger`."""
    return _label_in("triggers", trigger, document) or _("A date to prepare for")


def date_name(names: Mapping[str, str] | None, trigger: str) -> str:
    """What a date is called in the language of the moment; where nobody gave it a name, its kind."""
    known = names or {}
    return str(
        known.get(current().language) or _(known.get("en", "")) or next(iter(known.values()), "")
    ) or trigger_label(trigger)


def indicator_label(indicator: str, document: Mapping[str, Any] | None = None) -> str:
    """The sign of peace called `indicator`."""
    return _label_in("indicators", indicator, document) or _("A sign that members watch")


def rule_label(rule: str, document: Mapping[str, Any] | None = None) -> str:
    """What a rule looks for, in one line."""
    return _label_in("rules", rule, document) or _("A rule of this place")


def _label_in(part: str, key: str, document: Mapping[str, Any] | None) -> str:
    """A label of a profile document, translated where it is one of the starter's; empty if unknown."""
    for source in (document or {}, profiles.starter()):
        for row in source.get(part, ()):
            if row.get("key") == key and row.get("label"):
                return _(str(row["label"]))
    return ""


def detector_labels(detectors: list[str] | tuple[str, ...]) -> str:
    """What several detectors found unusual, in one line."""
    return _(", ").join(_(DETECTORS[detector]) for detector in detectors)


def form_label(form: str) -> str:
    """One of the six answers of the report form."""
    return _(FORMS[form])


def how_known_label(how: str) -> str:
    """How a source knows, as it stands inside a sentence."""
    return _(HOW_KNOWN.get(how, N_("we do not know how")))


def severity_label(severity: int) -> str:
    """What a severity 1..5 stands for."""
    return _(SEVERITIES[severity])


def sure_label(sure: str) -> str:
    """How sure we are of an alert."""
    return _(SURE.get(sure, SURE["not_confirmed"]))


def answer_label(answer: str) -> str:
    """An answer to an alert."""
    return _(ANSWERS[answer])


def outcome_label(outcome: str | None) -> str:
    """How an alert ended."""
    return _(OUTCOMES.get(outcome or "", OUTCOMES["nothing_more"]))


def decision_label(decision: str) -> str:
    """What a police liaison decided."""
    return _(DECISIONS[decision])


def feedback_label(outcome: str) -> str:
    """What a reporter is told, as a sentence."""
    return _(FEEDBACK[outcome])


def marking_label(marking: str) -> str:
    """Who may see a thing, in the four plain words."""
    return _(MARKINGS[marking])


def state_label(state: str) -> str:
    """How far the checking of an incident has come."""
    return _(STATES[state])


def delivery_state_label(state: str) -> str:
    """How a message fared."""
    return _((NO_MESSAGE | DELIVERY_STATES).get(state, DELIVERY_STATES["unknown"]))


def delivery_reason(reason: str) -> str:
    """Why somebody was told, as a sentence."""
    return _(REASONS_TOLD.get(reason, REASONS_TOLD["rule"]))


def why_held(held_by: str | None, why_not: str) -> str:
    """Why a message waits, or never went out, as a sentence; empty for one that did."""
    if why_not:
        return _(WHY_NOT.get(why_not, WHY_NOT["ended"]))
    return _(HELD_BY[held_by]) if held_by in HELD_BY else ""


def why_unread(reading: Mapping[str, Any] | None, *, known: bool) -> str:
    """Why a person must look at an SMS, from what the grammar made of it; `known`: we know the number."""
    said = reading or {}
    marks = [mark for mark in ("wrong_code", "claimed") if said.get(mark)]
    keys = [*marks, str(said.get("reason", "")), str(said.get("command", ""))]
    found = next((key for key in keys if key in WHY_UNREAD), "NO_COMMAND")
    if not known:
        return f"{_(WHY_UNREAD['stranger'])}. {_(WHY_UNREAD[found])}."
    return f"{_(WHY_UNREAD[found])}."


def channel_label(channel: str) -> str:
    """A channel, as it stands inside a sentence."""
    return _(CHANNELS.get(channel, channel))


def call_reason(why: str) -> str:
    """Why somebody is to be rung."""
    return _(CALL_REASONS.get(why, CALL_REASONS["asked"]))
