"""What a threat profile may say: every part with its type and its range. `check` is called by every door that writes one.

With what passes here, no score can be other than a finite number, and no part of a score can leave its bound. A part's own words (labels,
places, dates) are checked for length only: what they may not name is asked of the people who write them. Rules are read by rules.py.
Pure; anyone in alerts or coordination may import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alerts.risk import rules
from alerts.risk.peace_terms import STRENGTHS
from alerts.risk.rules import BadRule
from alerts.risk.scoring import MULTIPLIER_BOUNDS, STARTER
from alerts.risk.shapes import (
    Check,
    Choice,
    Fields,
    Items,
    Keyed,
    Like,
    Number,
    Table,
    Text,
    Wrong,
    anything,
    day,
    flag,
    rising,
)
from committees.catalogue import KINDS
from committees.intake.form import LANDMARKS
from committees.layers import NEEDED as OF_ITEMS
from foundation.web.words import N_

TIMESCALES = ("fast", "slow", "both")
SOFT = 0.10  # the largest soft term: below the smallest distance between two level boundaries
#: Kinds of place to watch: the closed list of landmarks. A community's own place is never named; its ward is enough.
WATCHED = tuple(LANDMARKS)

_size = Number(-SOFT, SOFT)
_bound = Number(0, SOFT)
_label = Text(160, needed=True)
_words = Text(600)
_place = Like(r"[A-Za-z0-9-]{2,40}", "PK-KP-MARDAN-W7")

_coefficients: dict[str, Check] = {
    "half_life_fast": Number(3, 90),
    "half_life_slow": Number(30, 1500),
    "exponent": Number(0.3, 1),
    "severity_weights": Items(Number(0, 10), exactly=5),
    "background": Number(0.0001, 0.2),
    "fast": Number(0, 1),
    "slow": Number(0, 1),
    "neighbours": Number(0, 1),
    "soft_bound": Number(0, SOFT),
}
_soft: dict[str, Check] = {
    "bound": _bound,
    "checkin_median": Table(("1", "2", "3", "4", "5"), _size, whole=True),
    "all_calm_factor": Number(0, 1),
    "voices": Number(1, 50, whole=True),
    "holds_peace": Table(STRENGTHS, Number(-SOFT, 0), whole=True),
    "holds_peace_bound": _bound,
    "holds_peace_days": Number(1, 366, whole=True),
}
_threat: dict[str, Check] = {
    "label": _label,
    "timescale": Choice(TIMESCALES),
    "about": Text(160, none=True),
    "scored": flag,
    "note": _words,
}
_indicator: dict[str, Check] = {
    "label": _label,
    "seen": _size,
    "stopped": _size,
    "lasts_days": Number(1, 365, whole=True),
    "bound": _bound,
}
_trigger: dict[str, Check] = {
    "label": _label,
    "days": Items(Number(0, 365, whole=True), exactly=2),
    "term": _bound,
    "bound": _bound,
}
_watched: dict[str, Check] = {
    "kind": Choice(WATCHED),
    "ward": _place,
    "why": Text(300, needed=True),
    "when": Text(160),
    "label": Text(160),
}
_holds: dict[str, Check] = {
    "label": Text(300, needed=True),
    "who": Text(160),
    "strength": Choice(STRENGTHS),
    "last_seen": day,
}

PARTS: dict[str, Check] = {
    "version": Text(60),
    "coefficients": Fields(_coefficients),
    "boundaries": Items(Number(0.001, 0.999), exactly=4),
    "step_down": Number(0.5, 1),
    "kappa": Fields({"low": Number(0.1, 1), "high": Number(1, 10)}, ("low", "high")),
    "multipliers": Table(tuple(KINDS), Number(*MULTIPLIER_BOUNDS)),
    "timescales": Table(tuple(KINDS), Choice(TIMESCALES)),
    "threats": Keyed(_threat, OF_ITEMS["threats"]),
    "soft": Fields(_soft, tuple(_soft)),
    "indicators": Keyed(_indicator, OF_ITEMS["indicators"]),
    "triggers": Keyed(_trigger, OF_ITEMS["triggers"]),
    "neighbours": Keyed({"weight": Number(0, 10), "why": Text(300)}, ("weight",), _place),
    "places_to_watch": Keyed(_watched, OF_ITEMS["places_to_watch"]),
    "holds_peace": Keyed(_holds, OF_ITEMS["holds_peace"]),
    "past_events": Keyed(
        {"when": Text(80, needed=True), "what": Text(600, needed=True), "helped": _words},
        OF_ITEMS["past_events"],
    ),
    "notes": Keyed({"heading": _label, "text": Text(2000)}, OF_ITEMS["notes"]),
    "review": Fields({"last": day, "by": day, "template": Text(60)}),
    # Read below: a rule names audiences, and rules.py alone knows what both may be.
    "audiences": anything,
    "rules": anything,
}
NEEDED = ("boundaries", "threats", "soft", "indicators", "triggers", "audiences", "rules")


def check(whole: Mapping[str, Any]) -> None:
    """Raise Wrong with the path, the words and a hint where a merged document could not be used for scoring."""
    Fields(PARTS, NEEDED)(whole, "")
    if not rising(whole["boundaries"]):
        raise Wrong("boundaries", N_("Each boundary must be higher than the one before."))
    _bounds(whole)
    _holding(whole.get("holds_peace", ()))
    _threats(whole["threats"])
    _rules(whole)


def check_own(own: Mapping[str, Any]) -> None:
    """Raise Wrong where what one place sets itself names unknown parts, also in items that it switches off."""
    for name, part in own.items():
        if name not in PARTS:
            raise Wrong(
                name,
                N_("There is no such part: %(name)s."),
                N_("Choose one of: %(known)s."),
                name=name[:60],
                known=", ".join(PARTS),
            )
        for item in part if isinstance(part, list) else ():
            if isinstance(item, Mapping) and "off" in item and (item["off"] is not True or len(item) > 2):
                raise Wrong(
                    f"{name}.{item.get('key', '')}",
                    N_("What is switched off has its key and nothing else."),
                    "{key: ..., off: true}",
                )


def _bounds(whole: Mapping[str, Any]) -> None:
    """Each soft sign within its own bound, all together within that of the formula."""
    most = whole.get("coefficients", {}).get("soft_bound", STARTER.soft_bound)
    soft = whole["soft"]
    _within("soft.bound", soft["bound"], most)
    for answer, size in soft["checkin_median"].items():
        _within(f"soft.checkin_median.{answer}", size, soft["bound"])
    _within("soft.holds_peace_bound", soft["holds_peace_bound"], most)
    for strength, size in soft["holds_peace"].items():
        _within(f"soft.holds_peace.{strength}", size, soft["holds_peace_bound"])
    for part, names in (("indicators", ("seen", "stopped")), ("triggers", ("term",))):
        for row in whole[part]:
            _within(f"{part}.{row['key']}.bound", row["bound"], most)
            for name in names:
                _within(f"{part}.{row['key']}.{name}", row[name], row["bound"])


def _within(path: str, value: float, bound: float) -> None:
    if abs(value) > bound:
        raise Wrong(path, N_("This is larger than its bound."), N_("At most %(most)s."), most=bound)


def _holding(rows: Iterable[Mapping[str, Any]]) -> None:
    """What lowers a score was seen on a day: without one nobody could say until when it counts."""
    for row in rows:
        if row.get("strength") and not row.get("last_seen"):
            raise Wrong(
                f"holds_peace.{row['key']}.last_seen",
                N_("Say on which day it was last seen."),
                N_("Like %(example)s."),
                example="2026-11-28",
            )


def _threats(rows: Iterable[Mapping[str, Any]]) -> None:
    """A report that nobody has sorted yet needs a line to stand under."""
    if "unsorted" not in {row["key"] for row in rows}:
        raise Wrong("threats.unsorted", N_("This line is needed for reports that nobody has sorted yet."))


def _rules(whole: Mapping[str, Any]) -> None:
    """All rules as rules.py reads them, with its own words, path and suggestion for what is wrong."""
    try:
        rules.read_rules(whole)
    except BadRule as bad:
        (said, values), *more = bad.parts
        hint, hints = more[0] if more else ("", {})
        raise Wrong(bad.where or "rules", said, hint, **values, **hints) from bad
