"""The weekly check-in: five answers from 1 good to 5 bad, peace indicators, and Not known where nobody spoke for two weeks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, Update, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees import rhythm
from committees.committee import committee_for
from committees.places import Locality, below_each, local_day, monday_of, zone_of
from committees.reports import Report, Source
from committees.rhythm import Rhythm
from committees.vouching import VOICE
from foundation import journal
from foundation.db import Base, Keyed
from foundation.errors import Conflict, Invalid
from foundation.web.words import N_
from foundation.web.words import gettext as _

QUESTIONS = 5
NEWS_DAYS = 14
ENOUGH_VOICES = 2
FAR_APART = 2
WEEK = timedelta(days=7)


class CheckIn(Keyed, Base):
    """One source's answers for one ward and week (the Monday it begins, local)."""

    __tablename__ = "checkin"
    __table_args__ = (UniqueConstraint("source_id", "locality_id", "week"),)

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"))
    week: Mapped[date]
    answers: Mapped[list[Any]]
    all_calm: Mapped[bool] = mapped_column(default=False)
    indicators: Mapped[dict[str, Any]] = mapped_column(default=dict)
    talked_to: Mapped[list[Any]] = mapped_column(default=list)
    prepare: Mapped[str] = mapped_column(default="")
    activities: Mapped[list[Any]] = mapped_column(default=list)
    channel: Mapped[str] = mapped_column(default="web")
    received_at: Mapped[datetime] = mapped_column(index=True)
    late: Mapped[bool] = mapped_column(default=False)
    #: When it was written, where that may be earlier than it came.
    said_at: Mapped[datetime | None]
    #: Whether somebody of the desk wrote down what this source said, face to face or in a call.
    logged_for_other: Mapped[bool] = mapped_column(default=False)


class Turnout(Base):
    """How many sources have spoken for a ward in a week: a bare number that anybody signed in may read, unlike the check-ins."""

    __tablename__ = "turnout"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    spoken: Mapped[int]
    late: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True)
class NewCheckIn:
    """What a door brings in: five whole numbers from 1 to 5, and what may come with them. `at`: when they were written, if not now.

    `only_answers`: the door takes nothing else (an SMS); what came with an earlier check-in of the week stays. So it is with `activities`
    where a door does not ask for them (None).
    """

    id: UUID
    locality: Locality
    source: Source
    answers: tuple[int, ...]
    channel: str = "web"
    all_calm: bool = False
    indicators: dict[str, str] = field(default_factory=dict)
    talked_to: tuple[str, ...] = ()
    prepare: str = ""
    activities: tuple[str, ...] | None = ()
    at: datetime | None = None
    only_answers: bool = False
    logged_for_other: bool = False


def record(session: Session, now: datetime, new: NewCheckIn) -> CheckIn:
    """Store a source's answers for the week of which they speak; a second check-in of the week replaces the answers of the first.

    What was written before the answers that stand, and waited on a phone, changes nothing: the last word is the last one said.
    """
    for number, answer in enumerate(new.answers, 1):
        if answer not in range(1, 6):
            raise Invalid(f"q{number}", _("Choose an answer for question %(number)d", number=number))
    if len(new.answers) != QUESTIONS:
        following = len(new.answers) + 1
        raise Invalid(f"q{following}", _("Choose an answer for question %(number)d", number=following))
    week = week_spoken_of(session, new.at or now, new.locality, new.source.id)
    found = of_week(session, new.source.id, new.locality.id, week) or _first(session, now, new, week)
    said_at = min(new.at or now, now)
    if found.said_at and said_at < found.said_at:
        return found
    found.answers, found.all_calm, found.channel = list(new.answers), new.all_calm, new.channel
    if not new.only_answers:
        found.indicators, found.talked_to = dict(new.indicators), list(new.talked_to)
        found.prepare = new.prepare
        found.activities = found.activities if new.activities is None else list(new.activities)
    found.received_at, found.said_at, found.logged_for_other = now, said_at, new.logged_for_other
    session.flush()
    journal.record(session, now, "check_in", "checkin", found.id, locality_id=new.locality.id)
    return found


def _first(session: Session, now: datetime, new: NewCheckIn, week: date) -> CheckIn:
    row = CheckIn(
        id=new.id,
        locality_id=new.locality.id,
        source_id=new.source.id,
        week=week,
        answers=[],
        received_at=now,
        late=_is_late(session, now, new.locality, week),
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # The same form sent twice at once: the other one was first.
        if found := of_week(session, new.source.id, new.locality.id, week):
            return found
        raise Conflict(
            N_("This check-in number belongs to another check-in."),
            N_("Open the form again and send it once more."),
        ) from None
    _count(session, row)
    return row


def take_back(session: Session, now: datetime, row: CheckIn, before: Mapping[str, Any] | None) -> None:
    """Put a check-in back to what it was `before` (see `answered`), or delete the first one of its week, which then counts nowhere."""
    journal.record(session, now, "withdraw", "checkin", row.id, locality_id=row.locality_id)
    if before:
        row.answers, row.all_calm = list(before["answers"]), bool(before["all_calm"])
        row.channel, row.logged_for_other = before["channel"], bool(before["logged_for_other"])
        said_at = before.get("said_at", "")
        row.said_at = datetime.fromisoformat(said_at) if said_at else None
        return
    here = (Turnout.locality_id == row.locality_id, Turnout.week == row.week)
    less = update(Turnout).where(*here, Turnout.spoken > 0)
    less = less.values(spoken=Turnout.spoken - 1, late=Turnout.late - int(row.late))
    session.execute(less.execution_options(synchronize_session=False))
    session.delete(row)


def answered(row: CheckIn) -> dict[str, Any]:
    """What an SMS may change of a check-in, as `take_back` puts it back."""
    return {
        "answers": list(row.answers),
        "all_calm": row.all_calm,
        "channel": row.channel,
        "logged_for_other": row.logged_for_other,
        "said_at": row.said_at.isoformat() if row.said_at else "",
    }


@dataclass(frozen=True)
class Voices:
    """What the check-ins of a place say: how many sources spoke in 14 days, the median answer, indicators by how many say so.

    `by_button`: the share of the check-ins that are the button *all calm*.
    """

    sources: int
    median: float | None
    by_button: float
    indicators: dict[str, tuple[int, int]]
    last_at: datetime | None

    @property
    def known(self) -> bool:
        """Whether enough people spoke for silence not to be mistaken for calm."""
        return self.sources >= ENOUGH_VOICES


def voices(session: Session, now: datetime, locality_id: UUID) -> Voices:
    """Gather the last 14 days of check-ins (and who reported) at a place and below."""
    return voices_at(session, now, [locality_id])[locality_id]


def voices_at(session: Session, now: datetime, locality_ids: Collection[UUID]) -> dict[UUID, Voices]:
    """As `voices` for many places, read together."""
    below = {key: [key] for key in locality_ids} | below_each(session, locality_ids)
    return voices_each(session, now, below)


def voices_each(session: Session, now: datetime, below: Mapping[UUID, Sequence[UUID]]) -> dict[UUID, Voices]:
    """As `voices` for many places at once; `below` names each place with itself and all below it."""
    wanted = {key for keys in below.values() for key in keys}
    since = now - timedelta(days=NEWS_DAYS)
    answered: dict[UUID, list[CheckIn]] = {}
    for row in session.scalars(
        select(CheckIn).where(CheckIn.locality_id.in_(wanted), CheckIn.received_at > since)
    ):
        answered.setdefault(row.locality_id, []).append(row)
    reporters: dict[UUID, set[UUID]] = {}
    rows = select(Report.locality_id, VOICE).distinct().join(Source, Source.id == Report.source_id)
    rows = rows.where(Report.locality_id.in_(wanted), Report.received_at > since, Source.known)
    for place_id, source_id in session.execute(rows).all():
        reporters.setdefault(place_id, set()).add(source_id)
    return {
        key: gathered(
            [row for one in keys for row in answered.get(one, ())],
            frozenset().union(*(reporters.get(one, ()) for one in keys)),
        )
        for key, keys in below.items()
    }


def gathered(rows: Sequence[CheckIn], reporters: frozenset[UUID]) -> Voices:
    """What these check-ins say, and how many spoke, whoever only reported included."""
    sources = {row.source_id for row in rows} | reporters
    answers = [answer for row in rows for answer in row.answers]
    last = max((row.received_at for row in rows), default=None)
    said: dict[str, tuple[int, int]] = {}
    for row in rows:
        for key, value in row.indicators.items():
            seen, stopped = said.get(key, (0, 0))
            said[key] = (seen + (value == "seen"), stopped + (value == "stopped"))
    by_button = sum(row.all_calm for row in rows) / len(rows) if rows else 0.0
    return Voices(len(sources), median(answers) if answers else None, by_button, said, last)


def differ(rows: Sequence[CheckIn]) -> bool:
    """Whether two answers to one question lie more than two points apart."""
    return bool(far_apart(rows))


def far_apart(rows: Sequence[CheckIn]) -> list[tuple[int, int, int]]:
    """The questions whose answers lie more than two points apart: its number, the lowest and the highest answer."""
    each = enumerate(zip(*(row.answers for row in rows), strict=True), 1)
    return [(n, min(said), max(said)) for n, said in each if max(said) - min(said) > FAR_APART]


def spoken_this_week(session: Session, locality_id: UUID, week: date) -> int:
    """How many sources have checked in for a ward this week."""
    row = session.get(Turnout, (locality_id, week), populate_existing=True)
    return row.spoken if row else 0


def week_of(session: Session, now: datetime, locality: Locality) -> date:
    """The Monday, at the place, of the week that `now` lies in."""
    return monday_of(local_day(now, zone_of(session, locality)))


def week_spoken_of(session: Session, at: datetime, locality: Locality, source_id: UUID) -> date:
    """The Monday of the week that answers written at `at` speak of: on a Monday the week before, for who has not answered for it."""
    week = week_of(session, at, locality)
    if at.astimezone(zone_of(session, locality)).weekday() or not _rhythm(session, locality).asks:
        return week
    before = week - WEEK
    return week if of_week(session, source_id, locality.id, before) else before


def _is_late(session: Session, now: datetime, locality: Locality, week: date) -> bool:
    """Whether asking for that week has ended."""
    own = _rhythm(session, locality)
    return own.asks and now >= rhythm.closes_at(week, zone_of(session, locality), own)


def _rhythm(session: Session, locality: Locality) -> Rhythm:
    body = committee_for(session, locality.id)
    return rhythm.of(body.rhythm) if body else Rhythm(asks=False)


def of_week(session: Session, source_id: UUID, locality_id: UUID, week: date) -> CheckIn | None:
    """What a source said of a ward in a week, if it did."""
    rows = select(CheckIn).where(
        CheckIn.source_id == source_id, CheckIn.locality_id == locality_id, CheckIn.week == week
    )
    return session.scalars(rows).first()


def _count(session: Session, row: CheckIn) -> None:
    place_id, week, late = row.locality_id, row.week, int(row.late)
    more = (
        update(Turnout)
        .where(Turnout.locality_id == place_id, Turnout.week == week)
        .values(spoken=Turnout.spoken + 1, late=Turnout.late + late)
    )
    more = more.execution_options(synchronize_session=False)
    if _changed(session, more):
        return
    try:
        with session.begin_nested():
            session.add(Turnout(locality_id=place_id, week=week, spoken=1, late=late))
    except IntegrityError:
        _changed(session, more)  # another first voice came at the same moment


def _changed(session: Session, statement: Update) -> bool:
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return bool(result.rowcount)
