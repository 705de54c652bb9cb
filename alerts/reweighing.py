"""What follows when a version of a threat profile comes in force: the evidence under it is weighed anew, the sums are rebuilt, and every
place gets its new score.

In batches by place, each in a transaction of its own, so that it can stop anywhere and go on, and reports keep coming meanwhile: a sum
is always kept in the half-lives that its row names, and a new report is weighed by the version in force from its first moment on.
Scoring many places at once is rescoring.py. Only jobs call `take_up`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts import rescoring
from alerts.evidence import Cell, Evidence, RiskState, numbers_each, weight_of
from alerts.risk.numbers import Numbers
from alerts.risk.scoring import RunningSum
from alerts.sums import load_states, recount
from committees import catalogue, profiles
from committees.incidents import Incident
from committees.places import LocalityPath
from committees.profiles import IN_FORCE, Profile
from foundation import journal
from foundation.db import Base

WEIGH, SCORE, DONE = "weigh", "score", "done"
BATCH = 200
#: So few places are all assessed in full at once; of more, those whose level changes.
FEW = 2000
#: A version in force whose evidence is not weighed by it yet.
TO_TAKE_UP = (Profile.state == IN_FORCE, Profile.taken_up_at.is_(None))
WEIGHED = (
    Incident.kind,
    Incident.path,
    Incident.withheld_from,
    Incident.state,
    Incident.known_source,
    Incident.graded,
    Incident.reliability,
    Incident.credibility,
    Incident.severity,
)


class Reweighing(Base):
    """How far a version has been taken up: the stage, the last place that is done, how many of how many."""

    __tablename__ = "reweighing"

    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profile.id"), primary_key=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    begun_at: Mapped[datetime]
    stage: Mapped[str] = mapped_column(default=WEIGH)
    after: Mapped[UUID | None]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int]
    finished_at: Mapped[datetime | None]


def to_take_up(session: Session, _now: datetime) -> list[UUID]:
    """The versions in force that are not taken up yet: each can be done by itself, where the oldest failed."""
    rows = select(Profile.id).where(*TO_TAKE_UP)
    return list(session.scalars(rows.order_by(Profile.valid_from, Profile.id)))


def take_up(session: Session, now: datetime, only: UUID | None = None) -> int:
    """Do one batch of the oldest version in force that is not taken up yet; return how many places it held, 0 if there is none.

    Versions whose day has come are put in force first. `only`: this version and no other.
    """
    profiles.begin_due(session, now)
    rows = select(Profile).where(*TO_TAKE_UP)
    if only:
        rows = rows.where(Profile.id == only)
    rows = rows.order_by(Profile.valid_from, Profile.id).limit(1).with_for_update(skip_locked=True)
    profile = session.scalars(rows).first()
    if profile is None:
        return 0
    run = session.get(Reweighing, profile.id) or _begin(session, now, profile)
    done = _weigh(session, now, run) if run.stage == WEIGH else _score(session, now, run)
    if run.stage == SCORE and run.total <= BATCH:
        _score(session, now, run)  # so few places need no second turn
    if run.stage == DONE:
        run.finished_at = profile.taken_up_at = now
        journal.record(
            session, now, "profile:taken_up", "profile", profile.id, locality_id=profile.locality_id
        )
    session.flush()
    return done or 1


def _begin(session: Session, now: datetime, profile: Profile) -> Reweighing:
    under = select(func.count()).where(LocalityPath.ancestor_id == profile.locality_id)
    total = session.scalar(under) or 0
    run = Reweighing(
        profile_id=profile.id,
        locality_id=profile.locality_id,
        begun_at=now,
        stage=SCORE if _weighed_alike(session, profile) else WEIGH,
        done=0,
        total=total,
    )
    session.add(run)
    return run


def _weighed_alike(session: Session, profile: Profile) -> bool:
    """Whether all evidence under a version is weighed by its numbers already, so that only scores change."""
    below = LocalityPath.ancestor_id == profile.locality_id
    others = select(Profile.id).join(LocalityPath, LocalityPath.descendant_id == Profile.locality_id)
    others = others.where(below, LocalityPath.depth > 0, Profile.state == IN_FORCE)
    if session.scalars(others.limit(1)).first():
        return False
    weighed = select(RiskState.weighing).join(
        LocalityPath, LocalityPath.descendant_id == RiskState.locality_id
    )
    now = numbers_each(session, [profile.locality_id])[profile.locality_id].weighing
    return set(session.scalars(weighed.where(below).distinct())) <= {now}


def _weigh(session: Session, now: datetime, run: Reweighing) -> int:
    rows = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == run.locality_id)
    if run.after:
        rows = rows.where(LocalityPath.descendant_id > run.after)
    places = list(session.scalars(rows.order_by(LocalityPath.descendant_id).limit(BATCH)))
    if places:
        reweigh(session, now, places)
        run.after = places[-1]
        run.done += len(places)
    if len(places) < BATCH:
        run.stage, run.after, run.done = SCORE, None, 0
    return len(places)


def _score(session: Session, now: datetime, run: Reweighing) -> int:
    scored = rescoring.rescore(session, now, run.locality_id, run.after, everything_due=run.total <= FEW)
    run.after = scored.last
    run.done += scored.places
    if scored.last is None:
        run.stage, run.done = DONE, run.total
    return scored.places


def reweigh(session: Session, now: datetime, place_ids: Sequence[UUID]) -> None:
    """Weigh the evidence of these places by the numbers in force, and keep their sums in the half-lives in force."""
    held = {state.locality_id: state for state in load_states(session, place_ids, hold=True)}
    numbers = numbers_each(session, place_ids)
    old = [key for key in place_ids if (state := held.get(key)) and state.weighing != numbers[key].weighing]
    if not old:
        return
    recount(session, now, _weights(session, now, old, numbers))
    for key in old:
        state, c = held[key], numbers[key].coefficients
        state.weighing = numbers[key].weighing
        if (state.half_life_fast, state.half_life_slow) != (c.half_life_fast, c.half_life_slow):
            rebuild(session, state, numbers[key])
    session.flush()


def _weights(
    session: Session, now: datetime, place_ids: Sequence[UUID], numbers: dict[UUID, Numbers]
) -> set[Cell]:
    """Give each weight of these places its new size and its new sums; return the cells that are to be counted again."""
    rows = select(Evidence, *WEIGHED).join(Incident, Incident.id == Evidence.incident_id)
    rows = rows.where(Evidence.locality_id.in_(place_ids))
    changed: list[tuple[Evidence, float]] = []
    moving: list[tuple[Evidence, tuple[bool, bool]]] = []
    for fields in session.execute(rows).all():
        row = fields.Evidence
        profile, kind = numbers[row.locality_id], catalogue.kind(fields.kind)
        weight, enters = weight_of(fields, profile), profile.enters(kind.key, kind.timescale)
        if enters != (row.fast, row.slow):
            moving.append((row, enters))
        if enters != (row.fast, row.slow) or weight != row.weight:
            changed.append((row, weight))
    # What enters other sums leaves the old ones before.
    for row, _enters in moving:
        row.weight = 0.0
    recount(session, now, [row.cell for row, _enters in moving])
    for row, (fast, slow) in moving:
        row.fast, row.slow = fast, slow
    for row, weight in changed:
        row.weight = weight
    return {row.cell for row, _weight in changed}


def rebuild(session: Session, state: RiskState, numbers: Numbers) -> None:
    """Sum all that counts at a place and below anew, in these half-lives."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == state.locality_id)
    rows = select(Evidence.event_at, Evidence.counted, Evidence.fast, Evidence.slow)
    rows = rows.where(Evidence.locality_id.in_(below), Evidence.counted > 0)
    c = numbers.coefficients
    fast, slow = RunningSum(c.half_life_fast), RunningSum(c.half_life_slow)
    for event_at, counted, in_fast, in_slow in session.execute(rows.order_by(Evidence.event_at)):
        fast = fast.add(event_at, counted) if in_fast else fast
        slow = slow.add(event_at, counted) if in_slow else slow
    state.half_life_fast, state.half_life_slow = c.half_life_fast, c.half_life_slow
    state.put("fast", fast)
    state.put("slow", slow)
