"""Rules as data: which conditions, how severe, whom to tell, by when. Checked when read; evaluated purely; every answer has its reasons.

A rule is refused at saving for any word, type or range that is wrong (rule_checks.py). What is in force is never refused later: a rule
that can no longer be read, or that fails while it is judged, is a conclusion "could not be judged" with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.risk import rule_checks
from alerts.risk.bad_rule import BadRule
from alerts.risk.conditions import CONDITIONS, Found, Reason, reason
from alerts.risk.facts import Facts
from alerts.risk.rule_checks import COOL_DOWN_HOURS, SAME_AS_SCORE
from alerts.rule_messages import ACTION, ALERT

__all__ = [
    "BadRule",
    "Conclusion",
    "Rule",
    "conclude",
    "conclude_all",
    "evaluate",
    "read_rules",
    "rules_in_force",
]

CLOCK = 240


@dataclass(frozen=True)
class Rule:
    """One rule of a profile. `when` and `stronger` are trees of {all|any: [...]} or {not: ...} over {condition: settings}.

    `inhibits` names the rules that stay quiet while its alert is open; `broken` says why it cannot be read. `template`, `what` and `action`
    are what its message is, says and asks for.
    """

    key: str
    when: Mapping[str, Any]
    level: int | str
    tell: Mapping[str, tuple[str, ...]]
    clocks: Mapping[str, int]
    label: str = ""
    stronger: Mapping[str, Any] | None = None
    stronger_level: int = 0
    stronger_tell: tuple[str, ...] = ()
    what: str = ""
    template: str = ALERT
    action: str = ACTION
    place: str = "here"
    per_threat: bool = False
    alerts: bool = True
    cool_down_hours: float = COOL_DOWN_HOURS
    inhibits: tuple[str, ...] = ()
    expression: str = ""
    broken: BadRule | None = None

    @property
    def private(self) -> bool:
        """Whether its alert tells nobody what happened, and goes to nobody but whom it names."""
        return self.what == "private_matter"


@dataclass(frozen=True)
class Conclusion:
    """What a rule concluded: raise at a level or not, whom to tell, the evidence and the reasons.

    `judged` is false where the rule could not be judged; it then raises nothing and its reasons say why.
    """

    rule: Rule
    raised: bool
    level: int
    tell: tuple[str, ...]
    evidence: tuple[str, ...]
    reasons: tuple[Reason, ...]
    judged: bool = True


def read_rules(document: Mapping[str, Any]) -> list[Rule]:
    """The rules of a profile document; raise BadRule with the path of the first word that cannot be understood."""
    return [_read(row, document) for row in rule_checks.check_rules(document)]


def rules_in_force(document: Mapping[str, Any]) -> list[Rule]:
    """The rules of a document that was saved, perhaps by an older version: one that cannot be read any more says so in its findings."""
    found = []
    for row in rule_checks.rows_of(document):
        try:
            rule_checks.check_audiences(document)
            rule_checks.check_rule(row, document)
            found.append(_read(row, document))
        except BadRule as bad:
            key = str(row.get("key", "?")) if isinstance(row, Mapping) else "?"
            found.append(Rule(key, {}, 0, {}, {}, broken=bad.with_traceback(None)))
    return found


def _read(row: Mapping[str, Any], document: Mapping[str, Any]) -> Rule:
    audiences: Mapping[str, Any] = document.get("audiences", {})
    text = row.get("expression") or ""
    plain = (
        "label",
        "what",
        "template",
        "action",
        "place",
        "per_threat",
        "alerts",
        "cool_down_hours",
        "stronger_level",
    )
    return Rule(
        key=row["key"],
        when={"expression": {"text": text}} if text else row["when"],
        level=row["level"],
        tell=_tell(row.get("tell", ()), audiences),
        clocks=_clocks(row.get("clock_minutes", CLOCK)),
        stronger=row.get("stronger"),
        stronger_tell=_roles(row.get("stronger_tell", ()), audiences),
        inhibits=tuple(row.get("inhibits", ())),
        expression=text,
        **{name: row[name] for name in plain if name in row},
    )


def _tell(value: Any, audiences: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    if isinstance(value, Mapping):
        return {str(level): _roles(names, audiences) for level, names in value.items()}
    return {"*": _roles(value, audiences)}


def _roles(value: Any, audiences: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(audiences[value]) if isinstance(value, str) else tuple(value)


def _clocks(value: Any) -> dict[str, int]:
    return {str(k): int(v) for k, v in value.items()} if isinstance(value, Mapping) else {"*": int(value)}


def evaluate(tree: Mapping[str, Any], facts: Facts) -> Found:
    """Evaluate a tree of conditions; evidence and reasons of the parts that held are kept (of all parts, where it does not hold).

    A part that could not be judged leaves the whole unjudged, unless the other parts decide it.
    """
    (name, value), *_ = tree.items()
    if name == "not":
        found = evaluate(value, facts)
        return Found(found.judged and not found.holds, (), found.reasons, found.judged)
    if name not in ("all", "any"):
        return CONDITIONS[name](facts, **(value or {}))
    parts = [evaluate(part, facts) for part in value]
    known = [part for part in parts if part.judged]
    decided = any(p.holds for p in known) if name == "any" else any(not p.holds for p in known)
    if len(known) < len(parts) and not decided:
        unknown = [part for part in parts if not part.judged]
        return Found(False, (), tuple(dict.fromkeys(r for p in unknown for r in p.reasons)), judged=False)
    holds = decided if name == "any" else not decided
    telling = [p for p in known if p.holds == holds]
    evidence = tuple(dict.fromkeys(key for p in telling if holds for key in p.evidence))
    return Found(holds, evidence, tuple(dict.fromkeys(r for p in telling for r in p.reasons)))


def conclude(rule: Rule, facts: Facts) -> Conclusion:
    """What `rule` says of these facts."""
    if rule.broken:
        return Conclusion(rule, False, 0, (), (), (reason("rule_broken"),), judged=False)
    found = evaluate(rule.when, facts)
    level = facts.level if rule.level == SAME_AS_SCORE else int(rule.level)
    tell = rule.tell.get(str(level), rule.tell.get("*", ()))
    reasons, evidence = found.reasons, found.evidence
    if found.holds and rule.stronger and (more := evaluate(rule.stronger, facts)).holds:
        level, tell = rule.stronger_level or level, rule.stronger_tell or tell
        reasons, evidence = (*reasons, *more.reasons), tuple(dict.fromkeys((*evidence, *more.evidence)))
    return Conclusion(rule, found.holds, level, tell, evidence, tuple(dict.fromkeys(reasons)), found.judged)


def conclude_all(rules: Iterable[Rule], facts: Facts, place: str) -> list[Conclusion]:
    """What each rule that looks at this kind of place ("here" or "town") says."""
    return [conclude(rule, facts) for rule in rules if rule.place == place]
