"""Runs of the past that people asked for: who asked, which change, how far the worker is, and what came of it.

A run is waiting, running, done, failed or cancelled. The worker does it in slices (one group of places under one document) and commits
after each, so that one that was interrupted goes on where it stood. Its result changes nothing: proposing the change is a person's act.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts import try_scores, what_if
from alerts.what_if import AFTER, BEFORE
from committees.places import Locality, LocalityPath
from foundation import journal
from foundation.db import Base, Keyed, claim
from foundation.errors import Conflict, Invalid
from foundation.web.words import N_

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
OPEN = (WAITING, RUNNING)
MONTHS = (6, 12)
MONTH = timedelta(days=365.25 / 12)
MOST_WAITING = 5
#: Places times months of one run. A quiet place costs 3 to 6 ms a month under each of the two documents (more where much happened), so
#: this is about ten minutes of one processor: 10,000 places over 6 months, 5,000 over 12.
MOST_PLACE_MONTHS = 60_000


class ReplayRun(Keyed, Base):
    """One run: the place and below, its own document with the change in it, the period, progress and result."""

    __tablename__ = "replay_run"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    asked_by: Mapped[UUID] = mapped_column(index=True)
    role: Mapped[str]
    asked_at: Mapped[datetime]
    change: Mapped[dict[str, Any]]
    document: Mapped[dict[str, Any]]
    months: Mapped[int]
    since: Mapped[datetime]
    until: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=WAITING, index=True)
    sliced_at: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    parts: Mapped[list[Any]] = mapped_column(default=list)
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    problem: Mapped[str] = mapped_column(default="")
    finished_at: Mapped[datetime | None]
    profile_id: Mapped[UUID | None]


def ask(
    session: Session,
    now: datetime,
    *,
    key: UUID,
    locality_id: UUID,
    person_id: UUID,
    role: str,
    change: Mapping[str, Any],
    document: Mapping[str, Any],
    months: int,
) -> ReplayRun:
    """Ask for a run once per client-made `key`; the worker begins it. Raise Conflict where too many of one person wait."""
    if found := session.get(ReplayRun, key):
        if (found.locality_id, found.asked_by, found.document) != (locality_id, person_id, dict(document)):
            raise Conflict("This id belongs to another try.", "Make a new id and ask once more.")
        return found
    if months not in MONTHS:
        raise Invalid("months", N_("Choose 6 or 12 months"))
    if places_of(session, locality_id) > most_places(months):
        raise Invalid("months", N_("This is too much for one try. Choose 6 months or a smaller place"))
    waiting = session.scalars(
        select(ReplayRun.id).where(ReplayRun.asked_by == person_id, ReplayRun.state.in_(OPEN))
    ).all()
    if len(waiting) >= MOST_WAITING:
        raise Conflict(
            N_("Too many of your tries still run."), N_("Wait until one is finished, or stop one.")
        )
    run = ReplayRun(
        id=key,
        locality_id=locality_id,
        asked_by=person_id,
        role=role,
        asked_at=now,
        change=dict(change),
        document=dict(document),
        months=months,
        since=now - months * MONTH,
        until=now,
        state=WAITING,
        done=0,
        total=2 * len(what_if.groups(session, locality_id)),
        parts=[],
        result={},
    )
    session.add(run)
    session.flush()
    journal.record(session, now, "replay:ask", "replay_run", run.id, locality_id=locality_id)
    return run


def most_places(months: int) -> int:
    """How many places one run may look at over so many months."""
    return MOST_PLACE_MONTHS // months


def places_of(session: Session, locality_id: UUID) -> int:
    """How many places a run of a place looks at."""
    rows = (
        select(func.count())
        .select_from(Locality)
        .join(LocalityPath, LocalityPath.descendant_id == Locality.id)
    )
    return session.scalar(rows.where(LocalityPath.ancestor_id == locality_id, Locality.watched)) or 0


def cancel(session: Session, now: datetime, run: ReplayRun) -> None:
    """Stop a run that is not finished; what it found so far is dropped."""
    for state in OPEN:
        changes = {"state": CANCELLED, "finished_at": now, "parts": []}
        if claim(session, ReplayRun, run.id, {"state": state}, changes):
            session.refresh(run)
            journal.record(session, now, "replay:cancel", "replay_run", run.id, locality_id=run.locality_id)
            return
    raise Conflict(N_("This try is finished already."), N_("Open it again to see how it stands."))


def next_open(session: Session) -> ReplayRun | None:
    """Whose turn it is: of the runs that are not finished the one that waits longest since its last slice; a new one comes first.

    So they take turns, and a run of a whole country holds up nobody's run of one ward by more than a slice.
    """
    rows = select(ReplayRun).where(ReplayRun.state.in_(OPEN))
    turns = (ReplayRun.sliced_at.is_not(None), ReplayRun.sliced_at, ReplayRun.done, ReplayRun.asked_at)
    return session.scalars(rows.order_by(*turns, ReplayRun.id).limit(1)).first()


def slice_of(session: Session, run: ReplayRun) -> dict[str, Any]:
    """Do the next slice of a run: one group under one of the two documents. Reads only; the caller keeps what it returns."""
    groups = what_if.groups(session, run.locality_id)
    number, which = divmod(run.done, 2)
    if number >= len(groups):
        return {"groups": len(groups)}
    group, name = groups[number], (BEFORE, AFTER)[which]
    instead = (run.locality_id, run.document) if name == AFTER else None
    ran = what_if.run_group(session, group, run.since, run.until, instead, run.role)
    part: dict[str, Any] = {
        "name": name,
        "groups": len(groups),
        "alerts": ran.alerts,
        "scores": ran.scores,
    }
    if name == BEFORE:
        part |= {
            "places": len(group),
            "came": what_if.clashes(session, group, run.since, run.until),
        }
    return part


def keep(session: Session, now: datetime, run_id: UUID, was_done: int, part: Mapping[str, Any]) -> bool:
    """Store a slice unless another worker did, or the run was stopped; the last slice makes the result. True if it was stored."""
    run = session.get_one(ReplayRun, run_id)
    if run.state not in OPEN:
        return False
    parts, total = [*run.parts, part], 2 * int(part["groups"])
    done = was_done + 1
    changes: dict[str, Any] = {
        "state": RUNNING,
        "sliced_at": now,
        "done": done,
        "total": total,
        "parts": parts,
    }
    if done >= total:
        result = outcome(parts, run.until - run.since)
        changes |= {"state": DONE, "done": total, "result": result, "parts": [], "finished_at": now}
    return claim(session, ReplayRun, run_id, {"state": run.state, "done": was_done}, changes)


def outcome(parts: list[Mapping[str, Any]], period: timedelta) -> dict[str, Any]:
    """The result of all slices."""
    alerts = {
        name: [one for part in parts if part.get("name") == name for one in part["alerts"]]
        for name in (BEFORE, AFTER)
    }
    came = [one for part in parts for one in part.get("came", ())]
    places = sum(int(part.get("places", 0)) for part in parts)
    found = what_if.compare(alerts[BEFORE], alerts[AFTER], came, places=places, period=period)
    scores = [
        [part["scores"] for part in parts if part.get("name") == name and "scores" in part]
        for name in (BEFORE, AFTER)
    ]
    return found | {"scores": try_scores.beside(*scores)}


def fail(session: Session, now: datetime, run_id: UUID, problem: str) -> None:
    """Give a run up, with what went wrong."""
    changes = {"state": FAILED, "finished_at": now, "problem": problem, "parts": []}
    for state in OPEN:
        if claim(session, ReplayRun, run_id, {"state": state}, changes):
            return
