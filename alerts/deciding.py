"""What the conclusions of a place's rules do: open an alert, raise it, add to it, or nothing, each with its why. Pure.

One alert is open per (locality, threat). After it ended, a rule rests for its own time; while an alert is open, the rules that its rule
keeps quiet open and raise nothing that is not graver. Nothing is lost by either: evidence joins the open alert, and a finding says why
nothing was raised. The rows are raising.py; a dry run (dry_run.py) asks here and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.alert import WHOLE
from alerts.risk.facts import Facts
from alerts.risk.rules import Conclusion, Rule, conclude
from committees import catalogue
from foundation.policy import kept_from, kept_private

OPEN_STEP, UPDATE, RAISE, NOTHING = "open", "update", "raise", "nothing"
INHIBITED = "inhibited"
HIGHEST_UNASKED = 4  # a proposed 5 goes out as 4 until a person confirms it
#: Why nothing was raised, where a finding keeps it: the rule did apply, or could not be judged.
KEPT = ("cooling_down", "already_handled", "not_an_alert", INHIBITED, "not_judged", "lowered_by_person")


@dataclass(frozen=True)
class Before:
    """What stands already for a (locality, threat): the open alert's level, rule and evidence, or the last closed one's."""

    open_level: int | None = None
    evidence: frozenset[str] = frozenset()
    closed_at: datetime | None = None
    closed_level: int = 0
    closed_evidence: frozenset[str] = frozenset()
    rule: str = ""
    lowered_from: int = 0  # the level from which persons lowered it


@dataclass(frozen=True)
class Decision:
    """One rule's conclusion on one threat, what it does and why; `values` fill the sentence of the why."""

    threat: str
    conclusion: Conclusion
    act: str
    why: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def worth_keeping(self) -> bool:
        """Whether a finding is stored: something was done, or there is a reason that nothing was."""
        return self.act != NOTHING or self.why in KEPT

    @property
    def why_data(self) -> dict[str, Any]:
        """The why as a stored reason."""
        return {"key": self.why, **self.values}


def decide(conclusion: Conclusion, before: Before, now: datetime) -> tuple[str, str]:
    """What a conclusion by itself does: open, raise, update or nothing; and why, as a key of sentences."""
    if not conclusion.judged:
        return NOTHING, "not_judged"
    if not conclusion.raised:
        return NOTHING, "not_raised"
    if not conclusion.rule.alerts:
        return NOTHING, "not_an_alert"
    new = frozenset(conclusion.evidence)
    if before.open_level is not None:
        level = min(conclusion.level, HIGHEST_UNASKED)
        if level > before.open_level and level <= before.lowered_from and new <= before.evidence:
            return NOTHING, "lowered_by_person"
        if level > before.open_level:
            return RAISE, "higher"
        return (UPDATE, "more_evidence") if new - before.evidence else (NOTHING, "nothing_new")
    if before.closed_at is not None and new and new <= before.closed_evidence:
        return NOTHING, "already_handled"
    if (
        before.closed_at is not None
        and now < before.closed_at + timedelta(hours=conclusion.rule.cool_down_hours)
        and conclusion.level <= before.closed_level
    ):
        return NOTHING, "cooling_down"
    return OPEN_STEP, "new"


def decisions(
    rules: Sequence[Rule], facts: Facts, before: Mapping[str, Before], now: datetime
) -> list[Decision]:
    """What each rule does at a place, on each threat that it is asked about, in the order of the rules.

    `before` is what stands, by threat; `facts` hold only what may be shared.
    """
    stands = dict(before)
    concluded = [
        (threat, conclude(rule, narrowed(facts, threat)))
        for rule in rules
        for threat in threats_in(rule, facts)
    ]
    quiet = kept_quiet(rules, concluded, stands, now)
    made = []
    for threat, conclusion in concluded:
        was = stands.get(threat, Before())
        act, why = decide(conclusion, was, now)
        values: dict[str, Any] = {"hours": conclusion.rule.cool_down_hours} if why == "cooling_down" else {}
        by = quiet.get(conclusion.rule.key)
        if by and act in (OPEN_STEP, RAISE) and conclusion.level <= by[1]:
            joins = was.open_level is not None and frozenset(conclusion.evidence) - was.evidence
            act, why, values = UPDATE if joins else NOTHING, INHIBITED, {"rule": by[0]}
        stands[threat] = after(was, conclusion, act)
        made.append(Decision(threat, conclusion, act, why, values))
    return made


def after(was: Before, conclusion: Conclusion, act: str) -> Before:
    """What stands once an act is carried out."""
    if act == NOTHING:
        return was
    evidence = was.evidence | frozenset(conclusion.evidence)
    if act == UPDATE:
        return replace(was, evidence=evidence)
    return Before(min(conclusion.level, HIGHEST_UNASKED), evidence, rule=conclusion.rule.key)


def kept_quiet(
    rules: Iterable[Rule],
    concluded: Iterable[tuple[str, Conclusion]],
    before: Mapping[str, Before],
    now: datetime,
) -> dict[str, tuple[str, int]]:
    """The rules that stay quiet at this place: by key, which rule keeps them so and up to which level.

    A rule keeps others quiet while its alert is open or when it speaks now. The graver rule goes first; one that is kept quiet itself
    keeps nobody quiet, so two rules that name each other never silence both.
    """
    by_key = {rule.key: rule for rule in rules}
    quiet: dict[str, tuple[str, int]] = {}

    def speaks(rule: Rule, level: int) -> None:
        for key in rule.inhibits:
            quiet[key] = max(quiet.get(key, (rule.key, 0)), (rule.key, level), key=lambda pair: pair[1])

    for stands in before.values():
        if stands.open_level is not None and stands.rule in by_key:
            speaks(by_key[stands.rule], stands.open_level)
    for threat, conclusion in sorted(concluded, key=lambda pair: -pair[1].level):
        rule = conclusion.rule
        by = quiet.get(rule.key)
        if not rule.inhibits or (by and conclusion.level <= by[1]):
            continue
        if decide(conclusion, before.get(threat, Before()), now)[0] != NOTHING:
            speaks(rule, conclusion.level)
    return quiet


def asked_here(rules: Iterable[Rule], *, is_town: bool, has_watched_below: bool) -> list[Rule]:
    """The rules that are asked at a place: of one spot, of the whole town, or (above watched places) of the town and its level."""
    kinds = {"town"} if is_town and has_watched_below else {"here", "town"} if is_town else {"here"}
    above = is_town and has_watched_below
    return [rule for rule in rules if rule.place in kinds or (above and rule.key == "level_rise")]


def threats_in(rule: Rule, facts: Facts) -> list[str]:
    """The threats a rule is asked about: each that has evidence, or the locality as a whole."""
    if not rule.per_threat:
        return [WHOLE]
    return sorted({i.threat for i in facts.incidents}) or [WHOLE]


def narrowed(facts: Facts, threat: str) -> Facts:
    """The same facts with the incidents of one threat only."""
    if threat == WHOLE:
        return facts
    return replace(facts, incidents=[i for i in facts.incidents if i.threat == threat])


def shareable(facts: Facts) -> Facts:
    """The same facts without what nobody but the oversight office may learn of."""
    shared = [i for i in facts.incidents if not catalogue.only_for_oversight(i.kind, i.withheld_from)]
    return replace(facts, incidents=shared)


def told_to(role: str, facts: Facts) -> Facts:
    """The same facts without what this role is never told by its place: what was withheld from it, and private matters."""
    private = kept_private(role)
    kept = [
        i for i in facts.incidents if not kept_from(role, i.withheld_from) and not (private and i.sensitive)
    ]
    if len(kept) == len(facts.incidents):
        return facts
    heard = len(frozenset().union(*(i.sources for i in kept)))
    return replace(facts, incidents=kept, sources_28d=heard)
