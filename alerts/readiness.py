"""Is each place ready today: would everybody who is to be told of an alert there be reached, level by level, up to the last step.

Asks the functions that route a real alert (receivers, linked contacts, policies, rungs, which contacts take messages) about an alert that is
never stored. What is missing is a row of closed words; the sentences are readiness_sentences.py. A job keeps the rows; a change of contacts,
offices or policies makes its places due.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, and_, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.alert import WHOLE, Alert
from alerts.ladder import ASKED_OF
from alerts.policies import EscalationPolicy, ladder_of
from alerts.receivers import SEATS, LinkedContact, Receiver, linked, receivers
from alerts.rungs import asked_on
from alerts.survey import survey_of
from committees import contacts
from committees.committee import Committee, committee_for
from committees.contacts import GOOD, PAUSED
from committees.people import Office, Scope
from committees.places import Locality, LocalityPath, town_of
from foundation.db import Base, insert_new

LEVELS = (3, 4, 5)
FRESH_FOR, AGAIN_AFTER = timedelta(hours=24), timedelta(hours=1)
EMPTY, NO_NATIONAL, LAST_STEP = "empty", "no_national", "last_step"
NATIONAL, ADMINISTRATOR = "national_contact", "administrator"


class Readiness(Base):
    """What is missing at one watched place today, by closed words; ready where nothing is."""

    __tablename__ = "readiness"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True)
    town_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    code: Mapped[str] = mapped_column(index=True)
    ready: Mapped[bool] = mapped_column(index=True)
    gaps: Mapped[list[Any]]
    due: Mapped[bool] = mapped_column(default=False, index=True)
    at: Mapped[datetime]


@dataclass(frozen=True)
class Gap:
    """One thing that is missing: which, in which role, of which office or seat, from which level on, and whose task it is where."""

    key: str
    role: str = ""
    office: str = ""
    step: int = 0
    level: int = 0
    by: str = ""
    by_place: str = ""


def imagined(place: Locality, town: Locality, level: int) -> Alert:
    """An alert as it would be here, never added to a session."""
    return Alert(
        locality_id=place.id, town_id=town.id, threat=WHOLE, level=level, withheld_from="", step=0, said={}
    )


def told_first(session: Session, alert: Alert, roles: Iterable[str]) -> list[Receiver]:
    """Who is told at once: whom the rules name, who is linked, and the sides that must answer. As routing.tell asks."""
    policy = ladder_of(session, alert)
    found = receivers(session, alert, roles, "rule") + linked(session, alert)
    for side in policy.must_answer:
        found += receivers(session, alert, ASKED_OF[side], "must_answer")
    return found


def roles_by_level(rules: Iterable[Any]) -> dict[int, tuple[str, ...]]:
    """Whom the rules of a place would tell, by level."""
    found: dict[int, list[str]] = {level: [] for level in LEVELS}
    for rule in rules:
        if rule.broken or not rule.alerts:
            continue
        for level in LEVELS:
            found[level] += [*rule.tell.get(str(level), rule.tell.get("*", ())), *rule.stronger_tell]
    return {level: tuple(dict.fromkeys(roles)) for level, roles in found.items()}


def chain_at(
    session: Session, place: Locality, town: Locality, roles: Mapping[int, Sequence[str]]
) -> tuple[dict[UUID, tuple[Receiver, int]], list[Gap]]:
    """Everybody who would be told here, each with the lowest level, and the seats and steps with nobody in them."""
    people: dict[UUID, tuple[Receiver, int]] = {}
    gaps: dict[str, Gap] = {}
    for level in LEVELS:
        alert = imagined(place, town, level)
        first = told_first(session, alert, roles[level])
        for role in roles[level]:
            if not any(receiver.role == role for receiver in first):
                gaps.setdefault(role, Gap(EMPTY, role, level=level))
        for receiver in first:
            people.setdefault(receiver.person.id, (receiver, level))
    alert = imagined(place, town, LEVELS[0])
    steps = ladder_of(session, alert).steps
    for number, step in enumerate(steps, 1):
        asked = asked_on(session, alert, step)
        for receiver in asked:
            people.setdefault(receiver.person.id, (receiver, LEVELS[0]))
        for role in step.get("ask", ()):
            if not any(receiver.role == role for receiver in asked):
                gaps.setdefault(role, Gap(EMPTY, role, step=number))
        if number == len(steps) and not asked:
            gaps["last"] = Gap(LAST_STEP, step=number)
    if not any(receiver.role == NATIONAL for receiver, _level in people.values()):
        gaps.pop(NATIONAL, None)
        gaps["national"] = Gap(NO_NATIONAL, NATIONAL)
    return people, list(gaps.values())


def gaps_of(
    session: Session, now: datetime, people: Mapping[UUID, tuple[Receiver, int]], empty: Iterable[Gap]
) -> list[Gap]:
    """What is missing: seats and steps with nobody, and persons whom nothing reaches."""
    points = contacts.points_each(session, people)
    offices = {r.office_id for r, _level in people.values() if r.office_id}
    codes = dict(session.execute(select(Office.id, Office.code).where(Office.id.in_(offices))).all())
    found = list(empty)
    for key, (receiver, level) in people.items():
        person = receiver.person
        state = contacts.best(points.get(key, ()), now)
        if state == GOOD and person.paused_until and person.paused_until > now:
            state = PAUSED
        if state != GOOD:
            office = codes.get(receiver.office_id, "") if receiver.office_id else ""
            found.append(Gap(state, receiver.role, office, level=level))
    return sorted(dict.fromkeys(found), key=lambda gap: (gap.key, gap.role, gap.office))


def assess(session: Session, now: datetime, places: Sequence[Locality]) -> int:
    """Find what is missing at these places and write their rows; how many."""
    survey = survey_of(session, now, places)
    own = _with_chain_of_their_own(session, [place.id for place in places])
    chains: dict[tuple[UUID, Any], Any] = {}
    for place in places:
        town = town_of(session, place)
        roles = roles_by_level(survey.rules(place.id))
        # A ward with nothing of its own has its town's chain, which is asked for once.
        key = (place.id if place.id in own else town.id, repr(roles))
        if key not in chains:
            chains[key] = chain_at(session, place, town, roles)
        people, empty = chains[key]
        gaps = [_with_task(session, place, gap) for gap in gaps_of(session, now, people, empty)]
        values = {
            "town_id": town.id,
            "code": place.code,
            "ready": not gaps,
            "gaps": [asdict(gap) for gap in gaps],
            "due": False,
            "at": now,
        }
        row = session.get(Readiness, place.id)
        if row is None:
            insert_new(session, Readiness(locality_id=place.id, **values))
        else:
            for name, value in values.items():
                setattr(row, name, value)
    session.flush()
    return len(places)


def _with_chain_of_their_own(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the places at which an office, a committee, a linked contact or a policy stands."""
    return {
        key
        for entity in (Office, Committee, LinkedContact, EscalationPolicy)
        for key in session.scalars(select(entity.locality_id).where(entity.locality_id.in_(ids))).all()
        if key
    }


def _with_task(session: Session, place: Locality, gap: Gap) -> Gap:
    """Whose task it is: the chair's for a seat, the person's own secretary's for a number there, else the nearest administrator's."""
    body = committee_for(session, place.id)
    if body and gap.role in (*SEATS, "member") and not (gap.key == EMPTY and gap.role == "chair"):
        town = session.get_one(Locality, body.locality_id)
        return Gap(
            **{**asdict(gap), "by": "chair" if gap.role != "chair" else "secretary", "by_place": town.code}
        )
    return Gap(**{**asdict(gap), "by": ADMINISTRATOR, "by_place": _administrator_at(session, place)})


def _administrator_at(session: Session, place: Locality) -> str:
    rows = (
        select(Locality.code)
        .join(Scope, Scope.locality_id == Locality.id)
        .join(LocalityPath, LocalityPath.ancestor_id == Locality.id)
        .where(LocalityPath.descendant_id == place.id, Scope.role == ADMINISTRATOR, Scope.active)
        .order_by(LocalityPath.depth)
        .limit(1)
    )
    return session.scalars(rows).first() or ""


def keep(session: Session, now: datetime, batch: int = 8) -> int:
    """Assess the watched places that are due, new, or older than some hours; how many were."""
    rows = (
        select(Locality)
        .outerjoin(Readiness, Readiness.locality_id == Locality.id)
        .where(
            Locality.watched,
            or_(
                Readiness.locality_id.is_(None),
                Readiness.due,
                Readiness.at <= now - FRESH_FOR,
                and_(~Readiness.ready, Readiness.at <= now - AGAIN_AFTER),
            ),
        )
        .order_by(Readiness.due.desc(), Locality.code)
        .limit(batch)
    )
    places = list(session.scalars(rows))
    return assess(session, now, places) if places else 0


def make_due(session: Session, locality_id: UUID) -> None:
    """Look again at a place and everything below it, soon."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == locality_id)
    rows = update(Readiness).where(Readiness.locality_id.in_(below)).values(due=True)
    session.execute(rows.execution_options(synchronize_session=False))


def make_due_for(session: Session, person_id: UUID) -> None:
    """Look again wherever a person holds a role: one of their numbers has changed."""
    rows = select(Scope.locality_id).where(Scope.person_id == person_id, Scope.active).distinct()
    for locality_id in session.scalars(rows).all():
        make_due(session, locality_id)
