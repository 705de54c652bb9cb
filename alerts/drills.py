"""Drills: a message that begins with DRILL goes to the chain of a place, and is counted apart: who answered, and in which roles nobody did.

A drill is no alert: it raises no level, enters no evaluation, export or CAP document, and asks no police and no review step. The chain is the
one that readiness.py finds, by the functions that route a real alert.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.ladder import REVIEW
from alerts.policies import ladder_of
from alerts.readiness import LEVELS, imagined, roles_by_level, told_first
from alerts.receivers import POLICE, Receiver, barred
from alerts.routing import sender_of
from alerts.rungs import asked_on
from alerts.survey import survey_of
from committees import contacts, reply_codes
from committees.contacts import write_to
from committees.people import ContactPoint, contacts_each
from committees.places import Locality, LocalityPath, town_of
from foundation import journal, outbox
from foundation.db import Base, Keyed, claim
from foundation.errors import Invalid
from foundation.web.words import N_

PLANNED, RUNNING, ENDED = "planned", "running", "ended"
LASTS, QUARTER, LAPSES = timedelta(hours=24), timedelta(days=91), timedelta(days=100)
FURTHEST = timedelta(days=366)
KIND = "drill"
POLICE_ROLE = "police_liaison"
MOST_PLACES = 200


class Drill(Keyed, Base):
    """One drill of a place: when it is due, whether it comes again every quarter, and how far it is."""

    __tablename__ = "drill"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    quarterly: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default=PLANNED)
    began_at: Mapped[datetime | None]


class DrillCall(Keyed, Base):
    """One person of the chain in one drill: in which role, whether a message could be sent at all, and when they answered."""

    __tablename__ = "drill_call"
    __table_args__ = (UniqueConstraint("drill_id", "person_id"),)

    drill_id: Mapped[UUID] = mapped_column(ForeignKey("drill.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str]
    outbox_id: Mapped[UUID | None] = mapped_column(ForeignKey("outbox.id"))
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str] = mapped_column(default="")


@dataclass(frozen=True)
class Result:
    """How a drill went: how many answered of how many, and the roles of those who did not, with their number."""

    reached: int
    asked: int
    missing: tuple[tuple[str, int], ...]


def plan(
    session: Session,
    now: datetime,
    *,
    key: UUID,
    place: Locality,
    person_id: UUID,
    due_at: datetime,
    quarterly: bool,
) -> Drill:
    """Write down a drill, once per `key`; it begins when its time has come."""
    if found := session.get(Drill, key):
        return found
    if due_at > now + FURTHEST:
        raise Invalid("when", N_("Choose a day within a year."))
    row = Drill(
        id=key,
        locality_id=place.id,
        asked_by=person_id,
        asked_at=now,
        due_at=max(now, due_at),
        quarterly=quarterly,
        state=PLANNED,
    )
    session.add(row)
    journal.record(session, now, "drill:planned", "drill", row.id, locality_id=place.id)
    session.flush()
    return row


def run_due(session: Session, now: datetime, rng: random.Random, batch: int = 5) -> int:
    """Begin the drills whose time has come, and end those of yesterday; how many began or ended."""
    due = select(Drill).where(Drill.state == PLANNED, Drill.due_at <= now).order_by(Drill.due_at)
    began = [row for row in session.scalars(due.limit(batch)).all() if _begin(session, now, rng, row)]
    over = select(Drill).where(Drill.state == RUNNING, Drill.began_at <= now - LASTS)
    ended = session.scalars(over.limit(batch)).all()
    for row in ended:
        _end(session, now, row)
    session.flush()
    return len(began) + len(ended)


def _begin(session: Session, now: datetime, rng: random.Random, drill: Drill) -> bool:
    if not claim(session, Drill, drill.id, {"state": PLANNED}, {"state": RUNNING, "began_at": now}):
        return False
    session.refresh(drill)
    place = session.get_one(Locality, drill.locality_id)
    to = chain(session, now, _places(session, place))
    reached = contacts_each(session, [receiver.person.id for receiver in to])
    for receiver in to:
        point = next(
            (one for one in reached.get(receiver.person.id, ()) if contacts.takes(one, now, LEVELS[-1])), None
        )
        message = _message(session, now, rng, drill, place, receiver, point) if point else None
        session.add(
            DrillCall(
                drill_id=drill.id,
                locality_id=drill.locality_id,
                person_id=receiver.person.id,
                role=receiver.role,
                outbox_id=message.id if message else None,
            )
        )
    journal.record(session, now, "drill:began", "drill", drill.id, locality_id=drill.locality_id)
    return True


def _places(session: Session, place: Locality) -> list[Locality]:
    """The places whose chains a drill tries: the place itself where it is watched, else the watched towns below it."""
    if place.watched:
        return [place]
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place.id)
    rows = select(Locality).where(Locality.id.in_(below), Locality.watched, Locality.level != "ward")
    return list(session.scalars(rows.order_by(Locality.code).limit(MOST_PLACES)))


def chain(session: Session, now: datetime, places: Sequence[Locality]) -> list[Receiver]:
    """Everybody who would be told at these places at the highest level, each once; never the police, never at a review step."""
    survey = survey_of(session, now, places)
    found: dict[UUID, Receiver] = {}
    for place in places:
        alert = imagined(place, town_of(session, place), LEVELS[-1])
        to = told_first(session, alert, roles_by_level(survey.rules(place.id))[LEVELS[-1]])
        for step in ladder_of(session, alert).steps:
            if step.get("kind") != REVIEW:
                to += asked_on(session, alert, step)
        for receiver in to:
            if receiver.role != POLICE_ROLE:
                found.setdefault(receiver.person.id, receiver)
    out = barred(session, POLICE, found)
    return [receiver for key, receiver in found.items() if key not in out]


def _message(
    session: Session,
    now: datetime,
    rng: random.Random,
    drill: Drill,
    place: Locality,
    receiver: Receiver,
    point: ContactPoint,
) -> outbox.OutboxMessage:
    message = write_to(
        session,
        now,
        receiver.person,
        point,
        effect_key=f"drill:{drill.id}:{point.id}",
        template="drill",
        slots={
            "source": sender_of(session, place.id),
            "place": {"names": dict(place.names)},
            "code": reply_codes.give(session, now, rng, point.id, KIND, drill.id, digits=2),
        },
        lane=outbox.SLOW,
    )
    session.flush()
    return message


def answer(session: Session, now: datetime, drill_id: UUID, person_id: UUID, by: str) -> bool:
    """Count one person as reached, once; False where they are not in this drill."""
    rows = select(DrillCall).where(DrillCall.drill_id == drill_id, DrillCall.person_id == person_id)
    call = session.scalars(rows).first()
    if call is None:
        return False
    if call.answered_at is None:
        call.answered_at, call.answered_by = now, by
    return True


def _end(session: Session, now: datetime, drill: Drill) -> None:
    drill.state = ENDED
    reply_codes.close(session, now, KIND, drill.id)
    if drill.quarterly:
        session.add(
            Drill(
                locality_id=drill.locality_id,
                asked_by=drill.asked_by,
                asked_at=now,
                due_at=drill.due_at + QUARTER,
                quarterly=True,
                state=PLANNED,
            )
        )


def result_of(calls: Sequence[DrillCall]) -> Result:
    """Count the calls of one drill."""
    missing = Counter(call.role for call in calls if call.answered_at is None)
    return Result(
        sum(call.answered_at is not None for call in calls), len(calls), tuple(sorted(missing.items()))
    )


def last_at(session: Session, now: datetime, towns: Sequence[UUID]) -> set[UUID]:
    """Those of these towns in which a drill began in the last 100 days: their own, one of a ward, or one of a place above."""
    recent = select(Drill.locality_id).where(Drill.began_at > now - LAPSES)
    below = select(LocalityPath.ancestor_id).where(
        LocalityPath.descendant_id.in_(recent), LocalityPath.ancestor_id.in_(towns)
    )
    above = select(LocalityPath.descendant_id).where(
        LocalityPath.ancestor_id.in_(recent), LocalityPath.descendant_id.in_(towns)
    )
    return {*session.scalars(below), *session.scalars(above)}
