"""Focal persons: they vouch for people without an account (displaced families, tenants, labourers), whose reports then count.

A vouched person is a keyed hash of a handle that the focal person chose; neither the handle nor a name is stored, and a number only as
the sealed way back of one report and as a keyed mark, by which two focal persons who speak for one number are noticed. All of one focal
person speak with one voice where sources are counted (docs/decisions). Pages and the SMS line call it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.reports import KEEP_REPLY, VOUCHED, Report, Source
from foundation import journal
from foundation.crypto import cipher
from foundation.db import Base, Keyed, claim, insert_new
from foundation.errors import Conflict, Invalid
from foundation.web.words import N_

LONGEST_REASON = 200
#: Whose voice a report is, wherever different sources are counted: for whoever is vouched for, that of their focal person.
VOICE = func.coalesce(Source.voice_id, Source.id)


class FocalPerson(Keyed, Base):
    """A person of a committee who vouches for others, from a day until the chair ends it; who decided and why."""

    __tablename__ = "focal_person"
    __table_args__ = (
        Index(
            "uq_focal_person_now",
            "committee_id",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    committee_id: Mapped[UUID] = mapped_column(ForeignKey("committee.id"))
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    reason: Mapped[str]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    ended_reason: Mapped[str] = mapped_column(default="")
    ended_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]


def of_committee(session: Session, committee_id: UUID) -> list[FocalPerson]:
    """The focal persons of a committee, those of now first, then the newest."""
    rows = select(FocalPerson).where(FocalPerson.committee_id == committee_id)
    return list(session.scalars(rows.order_by(FocalPerson.ended_at.is_not(None), FocalPerson.made_at.desc())))


def standing(session: Session, committee_id: UUID | None, person_id: UUID) -> bool | None:
    """Whether a person vouches in this committee now; None for who never did."""
    rows = select(FocalPerson.ended_at).where(
        FocalPerson.committee_id == committee_id, FocalPerson.person_id == person_id
    )
    found = session.scalars(rows).all()
    return None in found if found else None


def appoint(
    session: Session,
    now: datetime,
    *,
    committee_id: UUID,
    locality_id: UUID,
    person_id: UUID,
    by: UUID,
    reason: str,
) -> FocalPerson:
    """Make a person of a committee a focal person; raise Invalid without a reason, Conflict where they are one."""
    row = FocalPerson(
        committee_id=committee_id,
        locality_id=locality_id,
        person_id=person_id,
        reason=_reason(reason),
        made_by=by,
        made_at=now,
    )
    if standing(session, committee_id, person_id) or not insert_new(session, row):
        raise Conflict(N_("This person is a focal person already."), N_("Open the page again."))
    journal.record(session, now, "focal_person:made", "focal_person", row.id, locality_id=locality_id)
    return row


def end(session: Session, now: datetime, row: FocalPerson, *, by: UUID, reason: str) -> None:
    """End it: what was reported stays as it is, later reports for others are not verified and count for nothing until checked."""
    values = {"ended_at": now, "ended_by": by, "ended_reason": _reason(reason)}
    if not claim(session, FocalPerson, row.id, {"ended_at": None}, values):
        raise Conflict(N_("This was ended already."), N_("Open the page again."))
    # Another focal person may speak for the same people now.
    _unmark(session, Source.spoken_by == cipher(session).handle("source", row.committee_id, row.person_id))
    journal.record(session, now, "focal_person:ended", "focal_person", row.id, locality_id=row.locality_id)


def _reason(typed: str) -> str:
    reason = typed.strip()
    if not reason:
        raise Invalid("reason", N_("Write in a few words why"))
    return reason[:LONGEST_REASON]


def source_for(
    session: Session, now: datetime, *, committee_id: UUID, person_id: UUID, handle: str, number: str = ""
) -> Source:
    """The source behind a handle of this focal person: known while the focal person stands, another one and unknown afterwards.

    Also unknown, and no voice of its own, where another focal person of the committee speaks for the same number.
    """
    keys = cipher(session)
    # The handle of the focal person's own reports: one person who types is one voice, whoever they speak for.
    own = keys.handle("source", committee_id, person_id)
    mark = keys.handle("vouched_number", committee_id, keys.index(number)) if number else None
    other = _other_voice(session, mark, own)
    purpose = (
        "vouched" if standing(session, committee_id, person_id) and other is None else "vouched_unproven"
    )
    source = Source(
        id=keys.handle(purpose, committee_id, person_id, " ".join(handle.casefold().split())),
        committee_id=committee_id,
        known=purpose == "vouched",
        kind=VOUCHED,
        voice_id=other or own,
        spoken_by=own,
        first_at=now,
    )
    stored = session.get(Source, source.id)
    if stored is None:
        stored = source if insert_new(session, source) else session.get_one(Source, source.id)
    if mark and stored.known:
        stored.number_mark = mark
    elif other:
        stored.voice_id = other
    session.flush()
    return stored


def _other_voice(session: Session, mark: UUID | None, own: UUID) -> UUID | None:
    if mark is None:
        return None
    rows = select(Source.voice_id).where(Source.number_mark == mark, Source.spoken_by != own)
    return session.scalars(rows.order_by(Source.first_at, Source.id)).first()


def forget(session: Session, now: datetime) -> int:
    """Delete the marks of numbers for which nothing was reported any more in as long as a way back is kept; return how many."""
    recent = select(Report.source_id).where(Report.received_at > now - KEEP_REPLY)
    return _unmark(session, Source.id.not_in(recent))


def _unmark(session: Session, which: ColumnElement[bool]) -> int:
    rows = session.scalars(select(Source).where(Source.number_mark.is_not(None), which)).all()
    for row in rows:
        row.number_mark = None
    return len(rows)
