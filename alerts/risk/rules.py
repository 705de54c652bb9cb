"""Rules as data: which conditions, how severe, whom to tell, by when. Checked when read; evaluated purely; every answer has its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.risk.conditions import CONDITIONS, BadRule, Found, Reason, check
from alerts.risk.facts import Facts

SAME_AS_SCORE = "score"
PRIVATE = "private_matter"


@dataclass(frozen=True)
class Rule:
    """One rule of a profile. `when` and `stronger` are trees of {all|any: [...]} over {condition: settings}."""

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
    place: str = "here"
    per_threat: bool = False
    alerts: bool = True


@dataclass(frozen=True)
class Conclusion:
    """What a rule concluded: raise at a level or not, whom to tell, the evidence and the reasons."""

    rule: Rule
    raised: bool
    level: int
    tell: tuple[str, ...]
    evidence: tuple[str, ...]
    reasons: tuple[Reason, ...]


def read_rules(document: Mapping[str, Any]) -> list[Rule]:
    """The rules of a profile document; raise BadRule with the rule's name for anything that cannot be understood."""
    audiences: Mapping[str, Any] = document.get("audiences", {})
    return [_read(row, audiences) for row in document.get("rules", ())]


def _read(row: Mapping[str, Any], audiences: Mapping[str, Any]) -> Rule:
    key = row.get("key")
    if not key:
        raise BadRule("A rule needs a key.")
    try:
        check_tree(row["when"])
        if row.get("stronger"):
            check_tree(row["stronger"])
        level = row["level"]
        if level != SAME_AS_SCORE and level not in range(6):
            raise BadRule("level must be 0 to 5, or the word score.")
        return Rule(
            key=key,
            label=row.get("label", ""),
            when=row["when"],
            level=level,
            tell=_tell(row.get("tell", ()), audiences),
            clocks=_clocks(row.get("clock_minutes", 240)),
            stronger=row.get("stronger"),
            stronger_level=row.get("stronger_level", 0),
            stronger_tell=_roles(row.get("stronger_tell", ()), audiences),
            what=row.get("what", ""),
            place=row.get("place", "here"),
            per_threat=row.get("per_threat", False),
            alerts=row.get("alerts", True),
        )
    except KeyError as missing:
        raise BadRule(f"Rule {key}: {missing.args[0]} is missing.") from None
    except BadRule as error:
        raise BadRule(f"Rule {key}: {error}") from None


def _tell(value: Any, audiences: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    if isinstance(value, Mapping):
        return {str(level): _roles(names, audiences) for level, names in value.items()}
    return {"*": _roles(value, audiences)}


def _roles(value: Any, audiences: Mapping[str, Any]) -> tuple[str, ...]:
    if isinstance(value, str):
        if value not in audiences:
            raise BadRule(
                f"There is no audience called {value!r}. Choose one of: {', '.join(sorted(audiences))}."
            )
        return tuple(audiences[value])
    return tuple(value)


def _clocks(value: Any) -> dict[str, int]:
    return {str(k): int(v) for k, v in value.items()} if isinstance(value, Mapping) else {"*": int(value)}


def check_tree(tree: Any) -> None:
    """Raise BadRule unless `tree` is made of known conditions with settings of the right types."""
    if not isinstance(tree, Mapping) or len(tree) != 1:
        raise BadRule("A condition is one name with its settings, or all/any with a list.")
    (name, value), *_ = tree.items()
    if name in ("all", "any"):
        if not isinstance(value, list) or not value:
            raise BadRule(f"{name} needs a list of conditions.")
        for part in value:
            check_tree(part)
    else:
        check(name, dict(value or {}))


def evaluate(tree: Mapping[str, Any], facts: Facts) -> Found:
    """Evaluate a tree of conditions; evidence and reasons of the parts that held are kept (of all parts, where it does not hold)."""
    (name, value), *_ = tree.items()
    if name not in ("all", "any"):
        return CONDITIONS[name](facts, **(value or {}))
    parts = [evaluate(part, facts) for part in value]
    holds = all(p.holds for p in parts) if name == "all" else any(p.holds for p in parts)
    telling = [p for p in parts if p.holds == holds]
    evidence = tuple(dict.fromkeys(key for p in telling if holds for key in p.evidence))
    return Found(holds, evidence, tuple(dict.fromkeys(r for p in telling for r in p.reasons)))


def conclude(rule: Rule, facts: Facts) -> Conclusion:
    """What `rule` says of these facts."""
    found = evaluate(rule.when, facts)
    level = facts.level if rule.level == SAME_AS_SCORE else int(rule.level)
    tell = rule.tell.get(str(level), rule.tell.get("*", ()))
    reasons, evidence = found.reasons, found.evidence
    if found.holds and rule.stronger and (more := evaluate(rule.stronger, facts)).holds:
        level, tell = rule.stronger_level or level, rule.stronger_tell or tell
        reasons, evidence = (*reasons, *more.reasons), tuple(dict.fromkeys((*evidence, *more.evidence)))
    return Conclusion(rule, found.holds, level, tell, evidence, tuple(dict.fromkeys(reasons)))


def conclude_all(rules: Iterable[Rule], facts: Facts, place: str) -> list[Conclusion]:
    """What each rule that looks at this kind of place ("here" or "town") says."""
    return [conclude(rule, facts) for rule in rules if rule.place == place]
