"""The closed list of conditions that a rule may be made of: one decorated function each, pure, with typed settings and reasons.

A condition takes the facts and its own settings and returns what it found: held or not, the incidents it
rests on, and its reasons as data. Adding one is adding a function here (docs/adding.md). Rules combine them
in rules.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts.risk import cel
from alerts.risk.bad_rule import BadRule, unknown
from alerts.risk.comparing import Field, Operator, Value, check_comparison, compares
from alerts.risk.facts import Facts, IncidentFact
from alerts.risk.fields import FIELDS, INCIDENTS
from alerts.risk.settings import (
    AnyYesNo,
    Count,
    Detectors,
    Hours,
    Kinds,
    Level,
    Lists,
    Minutes,
    Share,
    Triggers,
    Ways,
    check_value,
    settings_of,
)
from foundation.web.words import N_


@dataclass(frozen=True)
class Reason:
    """One reason as data: a key of the sentences in alerts/sentences.py and the numbers that fill it."""

    key: str
    values: tuple[tuple[str, Any], ...] = ()

    def data(self) -> dict[str, Any]:
        """The form in which it is stored."""
        return {"key": self.key, **dict(self.values)}


def reason(key: str, **values: Any) -> Reason:
    """Make a reason."""
    return Reason(key, tuple(sorted(values.items())))


@dataclass(frozen=True)
class Found:
    """What a condition found: whether it holds, the ids of the incidents it rests on, its reasons. `judged`: it could be told at all."""

    holds: bool
    evidence: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    judged: bool = True


Condition = Callable[..., Found]
CONDITIONS: dict[str, Condition] = {}
#: What a condition's settings must be together, beyond their single types.
CHECKS: dict[str, Callable[[Mapping[str, Any]], None]] = {}

NO_CONDITION = N_("There is no condition called “%(word)s”.")
NO_SETTING = N_("%(condition)s has no setting called “%(word)s”.")
NO_DATES = N_("Choose at least one kind of date, or any date that was difficult last time.")
MISSING = N_("%(condition)s needs “%(setting)s”.")


def condition(function: Condition) -> Condition:
    """Put a function on the closed list, under its own name."""
    CONDITIONS[function.__name__] = function
    return function


def check(name: str, settings: Mapping[str, Any], lists: Lists) -> None:
    """Raise BadRule unless `name` is on the list and takes these settings, each with its type, range and words."""
    if name not in CONDITIONS:
        raise unknown(NO_CONDITION, name, CONDITIONS)
    allowed = settings_of(CONDITIONS[name])
    for key, value in settings.items():
        if key not in allowed:
            raise unknown(NO_SETTING, key, allowed, path=str(key)[:60], condition=name)
        try:
            check_value(value, allowed[key], lists)
        except BadRule as bad:
            raise bad.below(key) from None
    for key, setting in allowed.items():
        if setting.default is inspect.Parameter.empty and key not in settings:
            raise BadRule(MISSING, setting=key, condition=name)
    if name in CHECKS:
        CHECKS[name](settings)


def _recent(facts: Facts, kinds: Sequence[str], hours: float) -> list[IncidentFact]:
    since = facts.now - timedelta(hours=hours)
    return [
        i
        for i in facts.incidents
        if (not kinds or i.kind in kinds) and i.received_at > since and i.known_source
    ]


def _sources(incidents: Sequence[IncidentFact]) -> frozenset[str]:
    return frozenset().union(*(i.sources for i in incidents)) if incidents else frozenset()


@condition
def level_rise(facts: Facts, to: Level, sources: Count = 2) -> Found:
    """The score's level rose to `to` or more, on so many known sources or on one report confirmed by the secretary."""
    if facts.level < to or facts.level <= max(facts.level_before, facts.open_below):
        return Found(False, reasons=(reason("level_not_risen", level=facts.level, was=facts.level_before),))
    recent = _recent(facts, (), 28 * 24)
    heard, confirmed = len(_sources(recent)), any(i.confirmed for i in recent)
    if heard < sources and not confirmed:
        return Found(False, reasons=(reason("too_few_sources", n=heard, needed=sources),))
    return Found(
        True,
        tuple(i.id for i in recent),
        (reason("level_rose", level=facts.level, was=facts.level_before, n=heard),),
    )


@condition
def incident(
    facts: Facts,
    kinds: Kinds = (),
    severity: Level = 1,
    credibility: Share = 0.0,
    sensitive: AnyYesNo = "any",
    ongoing: bool = False,
    within_hours: Hours = 72,
) -> Found:
    """One incident of these kinds, at least so severe and so credible, still going on if asked."""
    hits = [
        i
        for i in _recent(facts, kinds, within_hours)
        if i.severity >= severity
        and i.credibility >= credibility
        and (sensitive == "any" or i.sensitive == (sensitive == "yes"))
        and (i.ongoing or not ongoing)
    ]
    if not hits:
        return Found(False, reasons=(reason("no_such_incident", hours=int(within_hours)),))
    worst = max(hits, key=lambda i: (i.severity, i.credibility, i.id))
    shown = "private_matter" if worst.sensitive else worst.kind
    return Found(
        True,
        tuple(i.id for i in hits),
        (reason("incident", kind=shown, severity=worst.severity, how=worst.how_known, n=len(hits)),),
    )


@condition
def sources(
    facts: Facts,
    at_least: Count,
    within_hours: Hours,
    kinds: Kinds = (),
    how_known: Ways = (),
    same_threat: bool = False,
) -> Found:
    """Reports of these kinds from so many independent known sources within so many hours."""
    hits = [i for i in _recent(facts, kinds, within_hours) if not how_known or i.how_known in how_known]
    groups = (
        [[i for i in hits if i.threat == threat] for threat in sorted({i.threat for i in hits})]
        if same_threat
        else [hits]
    )
    best = max(groups, key=lambda group: len(_sources(group)), default=[])
    heard = len(_sources(best))
    if heard < at_least:
        return Found(False, reasons=(reason("too_few_sources", n=heard, needed=at_least),))
    return Found(True, tuple(i.id for i in best), (reason("sources", n=heard, hours=int(within_hours)),))


@condition
def crowd_seen(facts: Facts, kinds: Kinds, told: Count = 2, within_minutes: Minutes = 60) -> Found:
    """A crowd that goes on: seen by one known source, or told by several within the hour."""
    going = [i for i in _recent(facts, kinds, 12) if i.ongoing]
    seen = [i for i in going if i.seen_by]
    if seen:
        return Found(
            True, tuple(i.id for i in going), (reason("seen_now", kind=seen[0].kind, n=len(_sources(going))),)
        )
    hour = [i for i in going if i.received_at > facts.now - timedelta(minutes=within_minutes)]
    if len(_sources(hour)) >= told:
        return Found(
            True,
            tuple(i.id for i in hour),
            (reason("told_now", n=len(_sources(hour)), minutes=int(within_minutes)),),
        )
    return Found(
        False, reasons=(reason("heard_only", n=len(_sources(going))) if going else reason("no_crowd"),)
    )


@condition
def surge(facts: Facts, probability: Share = 0.5, sources: Count = 3) -> Found:
    """More than is usual for this place is likely in the next four weeks, on so many known sources in 28 days."""
    if facts.surge < probability or facts.sources_28d < sources:
        return Found(
            False, reasons=(reason("no_surge", percent=round(100 * facts.surge), n=facts.sources_28d),)
        )
    recent = _recent(facts, (), 28 * 24)
    return Found(
        True,
        tuple(i.id for i in recent),
        (reason("surge", percent=round(100 * facts.surge), n=facts.sources_28d),),
    )


@condition
def unusual(facts: Facts, detectors: Detectors = 2) -> Found:
    """So many of three detectors find more than is usual for this place: C2, CUSUM, the surge probability."""
    if len(facts.unusual) < detectors:
        return Found(False, reasons=(reason("not_unusual", n=len(facts.unusual), needed=detectors),))
    recent = _recent(facts, (), 14 * 24)
    reasons = unusual_reasons(facts.unusual, facts.week_count, facts.week_usual)
    return Found(True, tuple(i.id for i in recent), reasons)


def unusual_reasons(detectors: Sequence[str], count: int, usual: int) -> tuple[Reason, ...]:
    """Why detectors find a place unusual; a surge alone does not rest on one week's count."""
    if not detectors:
        return ()
    counted = (reason("unusual_count", n=count, usual=usual),) if set(detectors) - {"surge"} else ()
    return (*counted, reason("unusual_checks", checks=tuple(detectors)))


@condition
def window(facts: Facts, kinds: Triggers = (), difficult: bool = False) -> Found:
    """The window of a date of these kinds is open, or of one that was difficult last time."""
    hits = facts.windows & frozenset(kinds) | (facts.difficult_windows if difficult else frozenset())
    if not hits:
        return Found(False, reasons=(reason("no_date_near"),))
    return Found(True, reasons=tuple(reason("date_near", trigger=trigger) for trigger in sorted(hits)))


def _check_window(settings: Mapping[str, Any]) -> None:
    if not settings.get("kinds") and not settings.get("difficult"):
        raise BadRule(NO_DATES, path="kinds")


CHECKS["window"] = _check_window


@condition
def silence(facts: Facts, members: Count = 2) -> Found:
    """Fewer than so many members checked in or reported for 14 days."""
    if facts.voices >= members:
        return Found(False, reasons=(reason("news_enough", n=facts.voices),))
    return Found(True, reasons=(reason("no_news", n=facts.voices),))


@condition
def compare(facts: Facts, field: Field, op: Operator, value: Value) -> Found:
    """One plain field of the facts compared with a value: level >= 3, festival in windows."""
    holds = compares(FIELDS[field].read(facts), op, value)
    return Found(holds, reasons=(_values_of(facts, (field,)),))


CHECKS["compare"] = check_comparison


@condition
def expression(facts: Facts, text: str) -> Found:
    """An expression in the expression language (cel.py) is true."""
    compiled = cel.compiled(text)
    judged = cel.judge(compiled, facts)
    seen = _values_of(facts, compiled.names)
    if judged.holds is None:
        return Found(False, reasons=(reason("expression_failed", why=judged.why), seen), judged=False)
    return Found(judged.holds, judged.evidence, (seen,))


def _check_expression(settings: Mapping[str, Any]) -> None:
    try:
        cel.compiled(str(settings["text"]))
    except BadRule as bad:
        raise bad.below("text") from None


CHECKS["expression"] = _check_expression


def _values_of(facts: Facts, names: Sequence[str]) -> Reason:
    """What the fields were: numbers and words as they are, of incidents their number."""
    values = []
    for name in names:
        value = FIELDS[name].read(facts)
        told = (
            len(value)
            if FIELDS[name].kind == INCIDENTS
            else ", ".join(value)
            if isinstance(value, list)
            else value
        )
        values.append((name, told))
    return reason("values", values=tuple(values))
