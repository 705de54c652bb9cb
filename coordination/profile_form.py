"""The form with which a meeting's local picture is typed in: values from a document, and a document from what was sent. Pure; no session.

Only what differs from the places above is kept as a place's own. What the form does not show (rules, formula, soft signs) stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any

from werkzeug.datastructures import MultiDict

from alerts.risk.documents import TIMESCALES, WATCHED
from alerts.risk.peace_terms import STRENGTHS
from alerts.risk.scoring import MULTIPLIER_BOUNDS
from committees import catalogue
from committees.profile_templates import Template
from foundation.web.forms import Form
from foundation.web.words import N_
from foundation.web.words import gettext as _

MOST_ROWS, BLANK = 20, 2
ROWS: dict[str, tuple[str, ...]] = {
    "threat": ("label", "timescale"),
    "watch": ("kind", "ward", "why", "when"),
    "holds": ("label", "who", "strength", "last_seen"),
    "past": ("when", "what", "helped"),
    "link": ("code", "weight", "why"),
}
LENGTHS = {"label": 160, "why": 300, "when": 80, "who": 160, "what": 600, "helped": 600, "code": 40}
WEIGHTS = ("0.5", "0.75", "1", "1.25", "1.5", "2")
LONGEST_NOTE = 2000
TOO_LONG = N_("Make it shorter. You have used %(used)d of %(most)d letters")
#: What stands in a row of itself: a row with nothing else is empty.
UNTYPED = ("timescale", "weight", "strength", "last_seen")
Row = dict[str, Any]
Values = MultiDict[str, str]


@dataclass(frozen=True)
class Offer:
    """What the form of one place offers: what it inherits, wards by code, headings of notes."""

    inherited: Mapping[str, Any]
    wards: tuple[str, ...]
    headings: tuple[tuple[str, str, str], ...]

    def keys(self, part: str) -> list[str]:
        """The keys of an inherited list."""
        return [row["key"] for row in self.inherited.get(part, ())]


def headings_of(own: Mapping[str, Any], template: Template | None) -> tuple[tuple[str, str, str], ...]:
    """The headings to write under: the template's with hints, then those that the version has besides."""
    found = {h.key: (h.key, h.heading, h.hint) for h in template.headings} if template else {}
    for row in own.get("notes", ()):
        if not row.get("off"):
            found.setdefault(row["key"], (row["key"], row["heading"], ""))
    return tuple(found.values())


# ------------------------------------------------------------------------------------ a document as form values


def values_of(own: Mapping[str, Any], whole: Mapping[str, Any], offer: Offer) -> Values:
    """What stands in the form when it is opened: `whole` is the document with everything inherited."""
    values: Values = MultiDict()
    for name in ("threats", "triggers"):
        values.setlist(f"{name}_on", [row["key"] for row in whole[name]])
    for row in whole["triggers"]:
        for side, days in zip(("before", "after"), row["days"], strict=True):
            values[f"trigger_{row['key']}_{side}"] = str(days)
    new = [row for row in whole["threats"] if row["key"] not in offer.keys("threats")]
    _put_rows(values, "threat", new)
    for name, part in (("watch", "places_to_watch"), ("holds", "holds_peace"), ("past", "past_events")):
        _put_rows(values, name, (row for row in own.get(part, ()) if not row.get("off")))
    links = [{**row, "code": row["key"]} for row in own.get("neighbours", ()) if "weight" in row]
    _put_rows(values, "link", links)
    for row in own.get("notes", ()):
        values[f"note_{row['key']}"] = row.get("text", "")
    for kind, weight in whole.get("multipliers", {}).items():
        values[f"weight_{kind}"] = f"{weight:g}"
    for level, boundary in enumerate(whole["boundaries"], 2):
        values[f"level_{level}"] = f"{100 * boundary:g}"
    values["step_down"] = f"{100 * whole.get('step_down', 0.8):g}"
    if by := whole.get("review", {}).get("by"):
        for part, text in zip(("year", "month", "day"), by.split("-"), strict=True):
            values[f"by_{part}"] = text.lstrip("0")
    return values


def _put_rows(values: Values, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    for number, row in enumerate(rows):
        values[f"{name}_{number}_key"] = row["key"]
        for field in ROWS[name]:
            value = row.get(field, "")
            values[f"{name}_{number}_{field}"] = f"{value:g}" if isinstance(value, float) else str(value)


def row_numbers(values: Values, *, more: str = "") -> dict[str, range]:
    """How many rows of each kind to draw: those with something in them, and two blank ones (four where more were asked for)."""
    found = {}
    for name, fields in ROWS.items():
        used = [n for n in range(MOST_ROWS) if any(values.get(f"{name}_{n}_{field}") for field in fields)]
        blank = 2 * BLANK if more == name else BLANK
        found[name] = range(min(MOST_ROWS, max(used, default=-1) + 1 + blank))
    return found


# ------------------------------------------------------------------------------------ what was sent as a document


def read(form: Form, own: Mapping[str, Any], offer: Offer, today: date, template: str = "") -> Row:
    """The document that a sent form makes of a place's own one; what is wrong is noted on the form by field."""
    document = deepcopy(dict(own))
    _keep(document, "threats", _threats(form, own, offer))
    _keep(document, "triggers", _triggers(form, own, offer))
    _keep(document, "places_to_watch", _watched(form, offer))
    _keep(document, "holds_peace", _holding(form, today))
    _keep(document, "past_events", _lines(form, "past", "when", "what"))
    _keep(document, "neighbours", _links(form))
    _keep(document, "notes", _notes(form, offer))
    _keep(document, "multipliers", _multipliers(form, offer))
    _keep(document, "boundaries", _boundaries(form, offer))
    share = _percent(form, "step_down", 50, 100)
    _keep(document, "step_down", share if share != offer.inherited.get("step_down") else None)
    review = {"last": today.isoformat(), "template": template or own.get("review", {}).get("template", "")}
    if any(form.values.get(f"by_{part}") for part in ("day", "month", "year")):
        by = form.date_parts("by", _("Enter a real date, like 27 11 2026"))
        if by and by <= today:
            form.errors["by"] = _("Choose a day that is still to come")
        review["by"] = by.isoformat() if by else ""
    document["review"] = {name: value for name, value in review.items() if value}
    return document


def _keep(document: Row, part: str, value: Any) -> None:
    """Keep what a place says itself; nothing said leaves the part to the places above."""
    document.pop(part, None)
    if value not in (None, [], {}):
        document[part] = value


def sent_rows(form: Form, name: str) -> list[tuple[int, Row]]:
    """The rows of one kind that have something in them, with their numbers; each text within its length."""
    found = []
    for number in range(MOST_ROWS):
        row = {
            field: form.text(f"{name}_{number}_{field}", LENGTHS.get(field, 40), _(TOO_LONG))
            for field in ROWS[name]
        }
        typed = [field for field in row if field not in UNTYPED and row[field]]
        if typed:
            found.append((number, {"key": form.values.get(f"{name}_{number}_key", "").strip(), **row}))
    return _with_keys(found, name)


def _with_keys(rows: list[tuple[int, Row]], name: str) -> list[tuple[int, Row]]:
    """Give new rows a key of their own; a row keeps its key for as long as it lives, whatever its words become."""
    taken = {row["key"] for _number, row in rows}
    for _number, row in rows:
        if not row["key"]:
            row["key"] = next(key for n in range(1, 999) if (key := f"{name}_{n}") not in taken)
            taken.add(row["key"])
    return rows


def _lines(form: Form, name: str, *needed: str) -> list[Row]:
    """Rows of plain words."""
    found = []
    for number, row in sent_rows(form, name):
        for field in needed:
            if not row[field]:
                form.errors.setdefault(f"{name}_{number}_{field}", _("Fill this in, or empty the whole line"))
        found.append({field: value for field, value in row.items() if value})
    return found


def _holding(form: Form, today: date) -> list[Row]:
    """What holds peace together. What lowers the score was seen on a day: the day of this meeting, where it says so again."""
    found = []
    for number, row in sent_rows(form, "holds"):
        name = f"holds_{number}"
        if not row["label"]:
            form.errors.setdefault(f"{name}_label", _("Fill this in, or empty the whole line"))
        if form.choice(f"{name}_strength", ("", *STRENGTHS), _("Choose how well it holds")):
            if form.values.get(f"{name}_again"):
                row["last_seen"] = today.isoformat()
            if not _day_until(row["last_seen"], today):
                form.errors.setdefault(
                    f"{name}_again", _("Tick this if the meeting said so, or choose “Noted only”")
                )
        else:
            row["last_seen"] = ""
        found.append({field: value for field, value in row.items() if value})
    return found


def _day_until(text: str, today: date) -> bool:
    """Whether this is a day, and not one that is still to come."""
    try:
        return date.fromisoformat(text) <= today
    except ValueError:
        return False


def _threats(form: Form, own: Mapping[str, Any], offer: Offer) -> list[Row]:
    on = set(form.values.getlist("threats_on"))
    inherited = offer.keys("threats")
    said = {row["key"]: row for row in own.get("threats", ()) if not row.get("off")}
    found: list[Row] = []
    for key in inherited:
        if key not in on and key != "unsorted":
            found.append({"key": key, "off": True})
        elif key in said:
            found.append(dict(said[key]))
    for number, row in sent_rows(form, "threat"):
        form.choice(f"threat_{number}_timescale", TIMESCALES, _("Choose how long reports count"))
        known = said.get(row["key"], {}) if row["key"] not in inherited else {}
        found.append({**known, **row})
    return found


def _triggers(form: Form, own: Mapping[str, Any], offer: Offer) -> list[Row]:
    on = set(form.values.getlist("triggers_on"))
    said = {row["key"]: row for row in own.get("triggers", ()) if not row.get("off")}
    usual = {row["key"]: row for row in offer.inherited["triggers"]}
    found: list[Row] = []
    for key in [*usual, *(key for key in said if key not in usual)]:
        if key not in on:
            if key in usual:
                found.append({"key": key, "off": True})
            continue
        error = _("Enter a number of days from 0 to 365")
        days = [form.whole(f"trigger_{key}_{side}", 0, 365, error) for side in ("before", "after")]
        row = {name: value for name, value in said.get(key, {}).items() if name != "days"}
        if key not in usual or days != list(usual[key]["days"]):
            row["days"] = days
        if row.keys() - {"key"}:
            found.append({"key": key, **row})
    return found


def _watched(form: Form, offer: Offer) -> list[Row]:
    found = []
    for number, row in sent_rows(form, "watch"):
        name = f"watch_{number}"
        form.choice(f"{name}_kind", WATCHED, _("Choose what kind of place it is"))
        form.choice(f"{name}_ward", offer.wards, _("Choose the ward"))
        if not row["why"]:
            form.errors.setdefault(f"{name}_why", _("Write in a few words why"))
        found.append({field: value for field, value in row.items() if value})
    return found


def _links(form: Form) -> list[Row]:
    found: dict[str, Row] = {}
    for number, row in sent_rows(form, "link"):
        weight = _decimal(form, f"link_{number}_weight", 0, 10)
        code = row["code"].upper()
        if not code or code in found:
            form.errors.setdefault(f"link_{number}_code", _("Write the code of another place, once"))
            continue
        found[code] = {
            "key": code,
            "weight": weight,
            **({"why": row["why"]} if row["why"] else {}),
        }
    return list(found.values())


def _notes(form: Form, offer: Offer) -> list[Row]:
    found = []
    for key, heading, _hint in offer.headings:
        if text := form.text(f"note_{key}", LONGEST_NOTE, _(TOO_LONG)):
            found.append({"key": key, "heading": heading, "text": text})
    return found


def _multipliers(form: Form, offer: Offer) -> dict[str, float]:
    inherited, found = offer.inherited.get("multipliers", {}), {}
    for kind in weighed():
        usual = inherited.get(kind, catalogue.KINDS[kind].multiplier)
        if not form.values.get(f"weight_{kind}", "").strip():
            continue
        chosen = _decimal(form, f"weight_{kind}", *MULTIPLIER_BOUNDS)
        if chosen != usual:
            found[kind] = chosen
    return found


def weight_choices(*standing: str) -> list[tuple[str, str]]:
    """The weights to choose from, with those that stand already."""
    return [(text, text) for text in sorted({*WEIGHTS, *filter(None, standing)}, key=float)]


def weighed() -> Sequence[str]:
    """The kinds whose weight a place may change: those that are scored."""
    return [key for key, kind in catalogue.KINDS.items() if kind.scored]


def _boundaries(form: Form, offer: Offer) -> list[float] | None:
    found = [_percent(form, f"level_{level}", 0.1, 99.9) for level in range(2, 6)]
    if not form.errors and found != sorted(set(found)):
        form.errors.setdefault("level_2", _("Each level must begin higher than the one before"))
    return found if found != [round(value, 6) for value in offer.inherited["boundaries"]] else None


def _percent(form: Form, name: str, low: float, high: float) -> float:
    return round(_decimal(form, name, low, high) / 100, 6)


def _decimal(form: Form, name: str, low: float, high: float) -> float:
    """A number in a range; `low` where it is none, and the words for its field are noted."""
    try:
        value = float(form.values.get(name, "").strip().rstrip("%").replace(",", "."))
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        form.errors.setdefault(
            name, _("Enter a number from %(low)s to %(high)s", low=f"{low:g}", high=f"{high:g}")
        )
        return low
    return value
