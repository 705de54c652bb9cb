"""What rules would do now at watched places, were they in force. Reads as the worker does; writes nothing.

The facts hold only what the asking reader may read: a rule is no way to ask after incidents that are hidden from them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from alerts.deciding import Decision, asked_here, decisions, shareable
from alerts.evidence import state_of
from alerts.gathering import facts_of
from alerts.raising import before_of
from alerts.risk.facts import Facts
from alerts.risk.rules import Rule, read_rules
from alerts.survey import Survey
from committees.places import Locality, town_of


@dataclass(frozen=True)
class WouldDo:
    """What one rule would do at a place; `hidden` counts the incidents that the reader may not know of and that were left out."""

    place: Locality
    decisions: tuple[Decision, ...]
    hidden: int


def would_do(
    survey: Survey,
    places: Sequence[Locality],
    document: Mapping[str, Any],
    key: str,
    readable: Collection[UUID],
) -> list[WouldDo]:
    """What the rule `key` of a document would do now at each place that asks it, from the incidents and alerts that are `readable`.

    The other rules are heard too, since they may keep it quiet.
    """
    rules = read_rules(document)
    found = []
    for place in places:
        here = _asked(survey, place, rules)
        if not any(rule.key == key for rule in here):
            continue
        facts, hidden = _readable(survey, place, readable)
        made = decisions(here, facts, before_of(survey, place, readable), survey.now)
        found.append(WouldDo(place, tuple(one for one in made if one.conclusion.rule.key == key), hidden))
    return found


def _asked(survey: Survey, place: Locality, rules: list[Rule]) -> list[Rule]:
    is_town = town_of(survey.session, place).id == place.id
    return asked_here(rules, is_town=is_town, has_watched_below=place.id in survey.has_watched_below)


def _readable(survey: Survey, place: Locality, readable: Collection[UUID]) -> tuple[Facts, int]:
    level = state_of(survey.session, place.id).level
    facts = shareable(facts_of(survey, place, level_before=level))
    shown = {str(one) for one in readable}
    kept = [i for i in facts.incidents if i.id in shown]
    heard = len(frozenset().union(*(i.sources for i in kept))) if kept else 0
    return replace(facts, incidents=kept, sources_28d=heard), len(facts.incidents) - len(kept)
