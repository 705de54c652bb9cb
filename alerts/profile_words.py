"""The local picture in words: its parts and fields, how a version stands, and what changes between two versions, sentence by sentence.

Data comes from committees/changes.py. A part or field that is not on these lists is named by its key, never left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from alerts.labels import kind_label, level_word
from alerts.risk.scoring import STARTER
from committees import catalogue
from committees.changes import MISSING, Change, at
from foundation.web import words
from foundation.web.words import N_
from foundation.web.words import gettext as _

PARTS = {
    "coefficients": N_("Numbers of the formula"),
    "boundaries": N_("Where levels begin"),
    "step_down": N_("When a level falls"),
    "kappa": N_("Bounds of the calibration"),
    "multipliers": N_("Weights of kinds"),
    "timescales": N_("How long kinds count"),
    "threats": N_("Lines of tension"),
    "soft": N_("Check-ins and other soft signs"),
    "indicators": N_("Signs of peace that members watch"),
    "triggers": N_("What can set things off"),
    "neighbours": N_("Links to other places"),
    "places_to_watch": N_("Places to watch"),
    "holds_peace": N_("What holds peace together"),
    "past_events": N_("What happened before"),
    "notes": N_("About this place"),
    "review": N_("When it was looked at"),
    "audiences": N_("Who is told together"),
    "rules": N_("Rules"),
}
FIELDS = {
    "label": N_("name"),
    "heading": N_("heading"),
    "text": N_("text"),
    "timescale": N_("how long it counts"),
    "about": N_("words of the report form"),
    "scored": N_("counts in the score"),
    "note": N_("note"),
    "seen": N_("size when seen"),
    "stopped": N_("size when it stopped"),
    "lasts_days": N_("days it lasts"),
    "bound": N_("largest size"),
    "term": N_("size"),
    "days": N_("days before and after"),
    "weight": N_("weight"),
    "why": N_("reason"),
    "when": N_("when"),
    "kind": N_("kind of place"),
    "ward": N_("ward"),
    "who": N_("who keeps it"),
    "what": N_("what happened"),
    "helped": N_("what helped"),
    "last": N_("last looked at"),
    "by": N_("to be looked at by"),
    "template": N_("started from"),
    "low": N_("lowest"),
    "high": N_("highest"),
    "level": N_("level"),
    "stronger": N_("what makes it graver"),
    "stronger_level": N_("level when graver"),
    "tell": N_("who is told"),
    "stronger_tell": N_("who is told when graver"),
    "clock_minutes": N_("minutes to answer"),
    "cool_down_hours": N_("hours before it speaks again"),
    "inhibits": N_("rules that it silences"),
    "expression": N_("condition"),
    "half_life_fast": N_("days until a recent report counts half"),
    "half_life_slow": N_("days until the memory of a report counts half"),
    "exponent": N_("how much more reports add"),
    "severity_weights": N_("weights of severity 1 to 5"),
    "background": N_("what remains without reports"),
    "fast": N_("part of recent reports"),
    "slow": N_("part of the long memory"),
    "neighbours": N_("part of the neighbours"),
    "soft_bound": N_("largest part of soft signs"),
    "checkin_median": N_("sizes of check-in answers"),
    "all_calm_factor": N_("share when all is calm"),
    "voices": N_("people needed"),
    "strength": N_("meeting says"),
    "last_seen": N_("said on"),
    "holds_peace": N_("sizes of what holds peace"),
    "holds_peace_bound": N_("largest size of what holds peace"),
    "holds_peace_days": N_("days for which what holds peace counts"),
    "some": N_("it holds a little"),
    "strong": N_("it holds well"),
}
#: The parts of a rule that mean something else than the same word elsewhere.
OF_RULES = {
    "template": N_("which message"),
    "what": N_("what the message says has happened"),
    "action": N_("what the message asks"),
    "per_threat": N_("an alert for each line of tension"),
    "place": N_("whole town at once or each place"),
}
TIMESCALES = {
    "fast": N_("for weeks"),
    "slow": N_("for months"),
    "both": N_("for weeks and for months"),
}
STRENGTHS = {
    "some": N_("it holds a little"),
    "strong": N_("it holds well"),
}
STATES = {
    "draft": N_("Draft"),
    "proposed": N_("Waiting for a second person"),
    "approved": N_("Approved, its day has not come"),
    "in_force": N_("In force"),
    "replaced": N_("Replaced by a newer version"),
    "refused": N_("Refused"),
    "withdrawn": N_("Taken back"),
}
DAY = re.compile(r"\d{4}-\d\d-\d\d")
NAMES = ("label", "heading", "what", "why")

#: Parts that are lists of items with a key.
BY_KEY = (
    "threats", "indicators", "triggers", "neighbours", "places_to_watch", "holds_peace", "past_events", "notes", "rules"
)  # fmt: skip

Say = Callable[[Change], str]
SetBy = Callable[[Change], str]


def part_label(part: str) -> str:
    """A part of the local picture, as a heading."""
    return _(PARTS[part]) if part in PARTS else part


def field_label(field: str, part: str = "") -> str:
    """One field, as it stands inside a sentence; `part` is where it stands."""
    words = {**FIELDS, **OF_RULES} if part == "rules" else FIELDS
    return _(words[field]) if field in words else field


def version_state(state: str) -> str:
    """How a version stands."""
    return _(STATES.get(state, STATES["draft"]))


def timescale_label(timescale: str) -> str:
    """How long something counts, as it stands inside a sentence."""
    return _(TIMESCALES.get(timescale, TIMESCALES["both"]))


def strength_label(strength: str) -> str:
    """How well something holds peace together, as it stands inside a sentence."""
    return _(STRENGTHS.get(strength, STRENGTHS["some"]))


def sentences(found: Iterable[Change], document: Mapping[str, Any], set_by: SetBy | None = None) -> list[str]:
    """A sentence for each change; `document` is the newer one, for the names of its items.

    `set_by` says in words who set what was before, or nothing.
    """
    return [_with_origin(sentence(change, document), set_by(change) if set_by else "") for change in found]


def _with_origin(said: str, who: str) -> str:
    return _("%(said)s (was: %(who)s)", said=said, who=who) if who else said


def sentence(change: Change, document: Mapping[str, Any]) -> str:
    """One change in words."""
    part, *rest = change.path
    if part in OWN and (rest or part not in ("multipliers", "timescales", "coefficients")):
        return OWN[part](change)
    if not rest:
        return _pair(part_label(part), change)
    if part not in BY_KEY:
        return _pair(_subject([part_label(part), *map(field_label, rest)]), change)
    name = _name(part, rest[0], change, document)
    if len(rest) == 1 and change.added:
        return _("New in “%(part)s”: %(what)s.", part=part_label(part), what=_whole(part, name, change.now))
    if len(rest) == 1 and change.removed:
        return _("No longer in “%(part)s”: %(what)s.", part=part_label(part), what=name)
    return _pair(_subject([name, *(field_label(field, part) for field in rest[1:])]), change)


def _subject(words: list[str]) -> str:
    first, *fields = words
    return _("%(what)s, %(field)s", what=first, field=" ".join(fields)) if fields else first


def _pair(what: str, change: Change) -> str:
    """What a value is and what it was."""
    if change.added:
        return _("%(what)s: now %(now)s.", what=what, now=_value(change.now))
    if change.removed:
        return _("%(what)s: no longer %(was)s.", what=what, was=_value(change.was))
    return _(
        "%(what)s: now %(now)s, before %(was)s.", what=what, was=_value(change.was), now=_value(change.now)
    )


def _name(part: str, key: str, change: Change, document: Mapping[str, Any]) -> str:
    """The name of an item: its own words, translated where they are the starter's."""
    item = (
        change.now if isinstance(change.now, Mapping) and len(change.path) == 2 else at(document, (part, key))
    )
    if item is MISSING:
        item = change.was
    if not isinstance(item, Mapping):
        return key
    if part == "neighbours":  # its reason is no name
        return str(item.get("label", key))
    return next((_(str(item[name])) for name in NAMES if item.get(name)), key)


def _whole(part: str, name: str, item: Any) -> str:
    """A new item with what it sets."""
    if not isinstance(item, Mapping):
        return f"{name} {_value(item)}"
    rest = [
        _("%(field)s %(value)s", field=field_label(field, part), value=_value(value))
        for field, value in item.items()
        if field not in ("key", "about") and _(str(value)) != name
    ]
    return f"{name} ({'; '.join(rest)})" if rest else name


def _value(value: Any) -> str:
    """A value as people read it."""
    if value is None or value == "" or value is MISSING:
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, (int, float)):
        return f"{value:g}"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return words.listed(_value(part) for part in value) or _("nothing")
    if isinstance(value, Mapping):
        return "; ".join(f"{field_label(str(key))} {_value(part)}" for key, part in value.items())
    return str(value)


def _text(value: str) -> str:
    """Words in quotation marks; a date as a date, a timescale as it is said."""
    if value in TIMESCALES:
        return timescale_label(value)
    if value in STRENGTHS:
        return strength_label(value)
    try:
        return words.day_and_year(date.fromisoformat(value)) if DAY.fullmatch(value) else f"“{_(value)}”"
    except ValueError:  # a day that is in no calendar
        return f"“{value}”"


def percent(share: float) -> str:
    """A probability as people read it."""
    return f"{100 * share:.3g} %"


def _coefficient(change: Change) -> str:
    name = change.path[1]
    was, now = (
        getattr(STARTER, name, "") if value is MISSING else value for value in (change.was, change.now)
    )
    what = _subject([part_label("coefficients"), field_label(name)])
    return _pair(what, Change(change.path, was, now))


def _weight(change: Change) -> str:
    kind = change.path[1]
    usual = catalogue.kind(kind).multiplier
    was, now = (usual if value is MISSING else value for value in (change.was, change.now))
    return _(
        "The weight of “%(what)s” goes from %(was)s to %(now)s.",
        what=kind_label(kind),
        was=_value(was),
        now=_value(now),
    )


def _timescale(change: Change) -> str:
    kind = change.path[1]
    usual = catalogue.kind(kind).timescale
    was, now = (timescale_label(usual if v is MISSING else v) for v in (change.was, change.now))
    return _("“%(what)s” counts %(now)s, before %(was)s.", what=kind_label(kind), was=was, now=now)


def _boundaries(change: Change) -> str:
    if not all(isinstance(value, list) and len(value) == 4 for value in (change.was, change.now)):
        return _pair(part_label("boundaries"), change)
    pairs = enumerate(zip(change.was, change.now, strict=True), 2)
    lines = [
        _(
            "%(level)s begins at %(now)s, before at %(was)s.",
            level=level_word(n),
            was=percent(a),
            now=percent(b),
        )
        for n, (a, b) in pairs
        if a != b
    ]
    return " ".join(lines)


def _step_down(change: Change) -> str:
    was, now = (_("nothing") if v is MISSING else percent(v) for v in (change.was, change.now))
    return _("A level falls below %(now)s of the boundary it rose over, before %(was)s.", was=was, now=now)


OWN: dict[str, Say] = {
    "coefficients": _coefficient,
    "multipliers": _weight,
    "timescales": _timescale,
    "boundaries": _boundaries,
    "step_down": _step_down,
}
