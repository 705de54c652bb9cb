"""How the message of a rule would read at a place, in every language, before the rule is saved. The words are alerts/rule_messages.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from alerts import routing, rule_messages
from alerts.risk.rule_checks import SAME_AS_SCORE
from alerts.risk.rules import Rule
from alerts.rule_messages import WHATS, Preview
from alerts.slots import SlotRefused
from committees import places
from committees.places import Locality

HIGHEST_UNASKED, OF_SCORE, CODE = 4, 3, "123"


def previews(session: Session, place: Locality, rule: Rule, now: datetime) -> list[Preview]:
    """The SMS of a rule in each language: with this place, and for what a report will say with the first kind that the rule asks after.

    A rule that raises no alert sends nothing.
    """
    if not rule.alerts:
        return []
    level = OF_SCORE if rule.level == SAME_AS_SCORE else min(int(rule.level), HIGHEST_UNASKED)
    template = rule_messages.message_of(rule.template, level=level, sure="not_confirmed")
    moment = now.astimezone(places.zone_of(session, place)).isoformat()
    known: dict[str, Any] = {
        "level": max(1, level),
        "what": _what(rule),
        "when": moment,
        "sure": "not_confirmed",
        "action": rule_messages.advice_of(rule.action, private=rule.private),
        "code": CODE,
    }
    here = {"source": routing.sender_of(session, place.id), "place": {"names": dict(place.names.items())}}
    try:
        return rule_messages.previews(template, {**known, **here})
    except (
        SlotRefused
    ):  # a name that is too long for a message is not mended here: the widest that fits stands in for it
        return rule_messages.previews(template, known)


def _what(rule: Rule) -> str:
    if word := WHATS.get(rule.what):
        return word
    return next((kind for kind in _kinds(rule.when) if WHATS.get(kind)), WHATS["several"])


def _kinds(tree: Any) -> Iterator[str]:
    """The kinds of report that conditions name, in their order."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from value if name == "kinds" else _kinds(value)
    elif isinstance(tree, (list, tuple)):
        for part in tree:
            yield from _kinds(part)
