"""What is learned each month: how good each rule was, and what could be changed, as proposals with their evidence. People decide.

One report a month for each country and each town with alerts, made once. A proposal names one number of the local picture and another
value for it; nothing changes by itself: a person tries it on the past and proposes it, and a second person approves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, and_, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts import evaluating
from alerts.alert import Alert
from alerts.evaluating import wilson
from alerts.risk.scoring import MULTIPLIER_BOUNDS
from committees import catalogue, profiles
from committees.incidents import NOT_TRUE, VERIFIED, Incident
from committees.places import Country, Locality, LocalityPath
from foundation import journal
from foundation.db import Base, Keyed

LOOK_BACK = timedelta(days=365)
BATCH = 5
LEAST_JUDGED = 8  # alerts of a rule whose end says true or not true, before anything is proposed
OFTEN_FALSE, NEARLY_ALWAYS_TRUE = 0.5, 0.8
LEAST_CHECKED = 20  # checked reports of a kind, before its weight is proposed anew
#: The settings that make a rule stricter as they grow, and by which step; each rule has its first one moved.
STRICTER = {"at_least": 1, "sources": 1, "told": 1, "detectors": 1, "probability": 0.1, "severity": 1}
Proposal = dict[str, Any]


class LearningReport(Keyed, Base):
    """What one month taught a country or a town: measures of the year up to its end, and proposals. Never changed."""

    __tablename__ = "learning_report"
    __table_args__ = (UniqueConstraint("locality_id", "month"),)

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    month: Mapped[date]
    made_at: Mapped[datetime]
    measures: Mapped[dict[str, Any]]
    proposals: Mapped[list[Any]]


def learn(session: Session, now: datetime, only: UUID | None = None) -> int:
    """Make the next reports of the month that has ended, where they are missing, or that of one place; return how many were made."""
    month = last_month(now)
    until = first_of_next(month)
    made = 0
    for key in [only] if only else to_learn(session, now)[:BATCH]:
        place = session.get_one(Locality, key)
        measures = evaluating.evaluate(session, place, until - LOOK_BACK, until)
        document = profiles.in_force(session, place.id, now).document
        checked = _checked(session, place.id, until - LOOK_BACK, until)
        proposals = [*of_rules(measures["rules"], document["rules"]), *of_kinds(checked, document)]
        session.add(
            LearningReport(
                locality_id=place.id, month=month, made_at=now, measures=measures, proposals=proposals
            )
        )
        journal.record(session, now, "learning", "locality", place.id, locality_id=place.id)
        made += 1
    session.flush()
    return made


def to_learn(session: Session, now: datetime) -> list[UUID]:
    """The countries and towns whose report of the month that has ended is missing."""
    month = last_month(now)
    until = first_of_next(month)
    have = select(LearningReport.locality_id).where(LearningReport.month == month)
    warned = (
        select(LocalityPath.ancestor_id)
        .join(Alert, Alert.locality_id == LocalityPath.descendant_id)
        .where(Alert.origin == "live", Alert.opened_at > until - LOOK_BACK, Alert.opened_at <= until)
    )
    rows = select(Locality.id).where(
        or_(and_(Locality.level == "town", Locality.watched), Locality.code.in_(select(Country.code))),
        Locality.id.in_(warned),
        Locality.id.not_in(have),
    )
    return list(session.scalars(rows.order_by(Locality.code)))


def last_month(now: datetime) -> date:
    """The first day of the month before."""
    return (now.date().replace(day=1) - timedelta(days=1)).replace(day=1)


def first_of_next(month: date) -> datetime:
    """The moment at which a month has ended, in UTC."""
    after = (month + timedelta(days=32)).replace(day=1)
    return datetime(after.year, after.month, 1, tzinfo=UTC)


def latest(session: Session, place_id: UUID) -> LearningReport | None:
    """The newest report of a place that this session may see."""
    rows = select(LearningReport).where(LearningReport.locality_id == place_id)
    return session.scalars(rows.order_by(LearningReport.month.desc()).limit(1)).first()


def of_rules(found: Iterable[Mapping[str, Any]], rules: Sequence[Mapping[str, Any]]) -> list[Proposal]:
    """Make a rule that was mostly wrong stricter, and one that was nearly always right quicker; by one step, on enough evidence only."""
    by_key = {row["key"]: row for row in rules}
    made = []
    for one in found:
        judged = one["true"] + one["false"]
        row = by_key.get(one["rule"])
        if row is None or judged < LEAST_JUDGED:
            continue
        step = 1 if one["high"] < OFTEN_FALSE else -1 if one["low"] > NEARLY_ALWAYS_TRUE else 0
        setting = _first_setting(row.get("when") or {}, "when") if step else None
        if setting is None:
            continue
        path, name, was = setting
        now = round(was + step * STRICTER[name], 2)
        if now < STRICTER[name]:
            continue
        made.append(
            {
                "knob": f"rules.{one['rule']}.{path}",
                "was": was,
                "now": now,
                "why": "often_false" if step > 0 else "nearly_always_true",
                "rule": one["rule"],
                "true": one["true"],
                "judged": judged,
            }
        )
    return made


def _first_setting(tree: Mapping[str, Any], path: str) -> tuple[str, str, float] | None:
    """The first number of a rule's condition that makes it stricter as it grows: its path, name and value."""
    for name, value in tree.items():
        if name in ("all", "any"):
            for place, part in enumerate(value):
                if found := _first_setting(part, f"{path}.{name}[{place}]"):
                    return found
        elif isinstance(value, Mapping):
            for setting in STRICTER:
                if isinstance(value.get(setting), (int, float)):
                    return f"{path}.{name}.{setting}", setting, value[setting]
    return None


def _checked(
    session: Session, place_id: UUID, since: datetime, until: datetime
) -> dict[str, tuple[int, int]]:
    """For each kind: how many checked reports turned out true, and how many were checked."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place_id)
    rows = select(Incident.kind, Incident.state).where(
        Incident.locality_id.in_(below),
        Incident.verified_at > since,
        Incident.verified_at <= until,
        Incident.state.in_((VERIFIED, NOT_TRUE)),
    )
    found: dict[str, tuple[int, int]] = {}
    for kind, state in session.execute(rows).all():
        true, n = found.get(kind, (0, 0))
        found[kind] = (true + (state == VERIFIED), n + 1)
    return found


def of_kinds(checked: Mapping[str, tuple[int, int]], document: Mapping[str, Any]) -> list[Proposal]:
    """Weigh a kind by how often it turned out true beside all kinds, where the evidence is clear; always within the bounds."""
    checked = {
        key: pair for key, pair in checked.items() if key in catalogue.KINDS and catalogue.KINDS[key].scored
    }
    true, n = (sum(pair[part] for pair in checked.values()) for part in (0, 1))
    if not true:
        return []
    usual = true / n
    made = []
    for key, (hits, of) in sorted(checked.items()):
        kind = catalogue.kind(key)
        low, high = wilson(hits, of)
        clear = low is not None and high is not None and (high < usual or low > usual)
        if of < LEAST_CHECKED or not clear:
            continue
        was = float((document.get("multipliers") or {}).get(key, kind.multiplier))
        least, most = MULTIPLIER_BOUNDS
        now = round(min(most, max(least, was * (hits / of) / usual)) * 20) / 20
        if now != was:
            made.append(
                {
                    "knob": f"multipliers.{key}",
                    "was": was,
                    "now": now,
                    "why": "kind",
                    "kind": key,
                    "true": hits,
                    "judged": of,
                }
            )
    return made
