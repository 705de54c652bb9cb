"""From conclusions to alerts: one alert is open per (locality, threat); new evidence updates it, a higher level tells more people.

The decision is pure and lives in deciding.py; here are the rows. What rules conclude is risk/rules.py; who is told is routing.py.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from alerts import closing
from alerts.alert import Alert, AlertUpdate, Finding, begin_round, note
from alerts.cap_messages import CapMessage
from alerts.deciding import INHIBITED, NOTHING, OPEN_STEP, RAISE, Before, Decision, decisions, shareable
from alerts.escalation import MOOT, WAITING, Escalation
from alerts.risk.facts import Facts, IncidentFact
from alerts.risk.rules import Conclusion, Rule
from alerts.rule_messages import MIXED, WHATS
from alerts.survey import Survey
from committees import catalogue
from committees.places import Locality, town_of
from foundation import journal
from foundation.policy import ROLES, kept_from

LASTS = {1: 24, 2: 72, 3: 72, 4: 24, 5: 24}  # hours after the last evidence, by level
PROPOSED = 5


def run(
    survey: Survey, place: Locality, rules: list[Rule], facts: Facts, profile: str, origin: str = "live"
) -> list[tuple[Alert, str, Conclusion]]:
    """Evaluate rules at a place; store a finding for each conclusion that says something; return the alerts that people must be told of.

    Each result is (alert, open|raise|update, conclusion). Nothing that a reporter withheld from the
    committee is put into an alert.
    """
    session, now = survey.session, survey.now
    told: list[tuple[Alert, str, Conclusion]] = []
    standing = survey.standing[place.id]
    for stands in standing.values():
        _withhold(session, now, stands, _withheld(facts, stands.evidence))
    facts = shareable(facts)
    for made in decisions(rules, facts, before_of(survey, place), now):
        threat, conclusion = made.threat, made.conclusion
        alert = _apply(session, now, place, standing.get(threat), threat, conclusion, made.act, facts, origin)
        if alert:
            standing[threat] = alert
            told.append((alert, made.act, conclusion))
        if made.worth_keeping:
            _keep(session, now, place, made, profile, alert)
    return told


def before_of(survey: Survey, place: Locality, readable: Collection[UUID] | None = None) -> dict[str, Before]:
    """What stands at a place, or ended last, by threat; of `readable` alerts only, if given."""
    standing, closed = (
        {threat: alert for threat, alert in found.items() if readable is None or alert.id in readable}
        for found in (survey.standing[place.id], survey.closed[place.id])
    )
    return {threat: _before(standing.get(threat), closed.get(threat)) for threat in {*standing, *closed}}


def _withhold(session: Session, now: datetime, alert: Alert, words: str) -> None:
    """Keep an alert, its story and its questions also from whom a reporter of its evidence excludes later; nothing is ever lifted."""
    wanted = " ".join(sorted({*alert.withheld_from.split(), *words.split()}))
    if wanted == alert.withheld_from:
        return
    alert.withheld_from = wanted
    session.flush()
    for entity in (AlertUpdate, Escalation, CapMessage):
        rows = update(entity).where(entity.alert_id == alert.id).values(withheld_from=wanted)
        session.execute(rows.execution_options(synchronize_session="fetch"))
    closing.cancel_kept_from(session, now, alert)
    _ask_others(session, now, alert)


def _ask_others(session: Session, now: datetime, alert: Alert) -> None:
    """A question that may no longer be put to whom it was put lapses, and the ladder looks at once for somebody who may be asked."""
    lost = [role for role in ROLES if kept_from(role, alert.withheld_from)]
    rows = update(Escalation).where(
        Escalation.alert_id == alert.id, Escalation.state == WAITING, Escalation.role.in_(lost)
    )
    session.execute(rows.values(state=MOOT).execution_options(synchronize_session="fetch"))
    if catalogue.COMMITTEE in alert.withheld_from.split():
        begin_round(alert)  # those who acted or were asked so far are out of it
        alert.next_step_at = now


def _before(standing: Alert | None, last: Alert | None) -> Before:
    if standing:
        return Before(
            open_level=standing.level,
            evidence=frozenset(standing.evidence),
            rule=standing.rule,
            lowered_from=standing.lowered_from or 0,
        )
    if last is None:
        return Before()
    return Before(closed_at=last.closed_at, closed_level=last.level, closed_evidence=frozenset(last.evidence))


def _apply(
    session: Session,
    now: datetime,
    place: Locality,
    alert: Alert | None,
    threat: str,
    conclusion: Conclusion,
    act: str,
    facts: Facts,
    origin: str,
) -> Alert | None:
    if act == NOTHING:
        return None
    # A proposed 5 goes out at once as 4; a person's confirmation makes it 5.
    level, proposed = min(conclusion.level, 4), PROPOSED if conclusion.level >= PROPOSED else None
    ends_at = now + timedelta(hours=LASTS[max(1, level)])
    if act == OPEN_STEP:
        return _open(session, now, place, threat, conclusion, facts, level, proposed, ends_at, origin)
    assert alert is not None
    alert.evidence = sorted({*alert.evidence, *conclusion.evidence})
    _withhold(session, now, alert, _withheld(facts, alert.evidence))
    alert.ends_at = max(alert.ends_at, ends_at)
    alert.proposed = alert.proposed or proposed
    if act == RAISE:
        was, alert.level, alert.rule = alert.level, level, conclusion.rule.key
        alert.what, alert.sure, alert.happened_at = (
            _what(conclusion, facts),
            _sure(conclusion, facts),
            _when(conclusion, facts),
        )
        alert.action, alert.template = conclusion.rule.action, conclusion.rule.template
        alert.private = conclusion.rule.private
        alert.revision, alert.step = alert.revision + 1, 0
        begin_round(alert)
        alert.lowered_from = None
        note(session, now, alert, "raised", level=level, was=was)
    else:
        alert.sure = _sure(conclusion, facts)
        note(session, now, alert, "more_evidence", n=len(alert.evidence))
    session.flush()
    return alert


def _open(
    session: Session,
    now: datetime,
    place: Locality,
    threat: str,
    conclusion: Conclusion,
    facts: Facts,
    level: int,
    proposed: int | None,
    ends_at: datetime,
    origin: str,
) -> Alert:
    town = town_of(session, place)
    number = (session.scalar(select(func.max(Alert.number)).where(Alert.town_id == town.id)) or 0) + 1
    alert = Alert(
        number=number,
        locality_id=place.id,
        town_id=town.id,
        threat=threat,
        rule=conclusion.rule.key,
        what=_what(conclusion, facts),
        sure=_sure(conclusion, facts),
        level=level,
        proposed=proposed,
        origin=origin,
        action=conclusion.rule.action,
        template=conclusion.rule.template,
        private=conclusion.rule.private,
        withheld_from=_withheld(facts, conclusion.evidence),
        opened_at=now,
        ends_at=ends_at,
        evidence=sorted(conclusion.evidence),
        happened_at=_when(conclusion, facts),
    )
    session.add(alert)
    session.flush()
    note(session, now, alert, "opened", level=level, rule=conclusion.rule.key)
    journal.record(session, now, "alert:open", "alert", alert.id, locality_id=place.id)
    return alert


def _of(conclusion: Conclusion, facts: Facts) -> list[IncidentFact]:
    wanted = set(conclusion.evidence)
    return [i for i in facts.incidents if i.id in wanted]


def _when(conclusion: Conclusion, facts: Facts) -> datetime | None:
    return max((i.occurred_at for i in _of(conclusion, facts)), default=None)


def _what(conclusion: Conclusion, facts: Facts) -> str:
    """The closed word for what happened: a rule's own, else what was reported last of what an SMS may carry."""
    rule, rows = conclusion.rule, _of(conclusion, facts)
    open_kinds = [i for i in rows if catalogue.kind(i.kind).sms]
    if rows and not open_kinds and any(i.sensitive for i in rows):
        return WHATS["private_matter"]
    if word := WHATS.get(rule.what):
        return word
    if not open_kinds or (rule.what == MIXED and len({i.kind for i in open_kinds}) > 1):
        return WHATS["several"]
    return max(open_kinds, key=lambda i: (i.received_at, i.severity, i.kind)).kind


def _sure(conclusion: Conclusion, facts: Facts) -> str:
    rows = _of(conclusion, facts)
    if any(i.confirmed for i in rows):
        return "confirmed"
    return (
        "several"
        if len(frozenset().union(*(i.sources for i in rows)) if rows else ()) >= 3
        else "not_confirmed"
    )


def _withheld(facts: Facts, evidence: object) -> str:
    """An alert may not reach whom a reporter of any of its incidents excluded."""
    wanted = set(evidence)  # type: ignore[call-overload]
    words = {word for i in facts.incidents if i.id in wanted for word in i.withheld_from.split()}
    return " ".join(sorted(words))


def _keep(
    session: Session, now: datetime, place: Locality, made: Decision, profile: str, alert: Alert | None
) -> None:
    conclusion = made.conclusion
    reasons = [r.data() for r in conclusion.reasons]
    session.add(
        Finding(
            locality_id=place.id,
            rule=conclusion.rule.key,
            threat=made.threat,
            level=conclusion.level,
            raised=alert is not None,
            reasons=reasons if alert and made.why != INHIBITED else [*reasons, made.why_data],
            evidence=list(conclusion.evidence),
            profile=profile,
            alert_id=alert.id if alert else None,
            at=now,
        )
    )
