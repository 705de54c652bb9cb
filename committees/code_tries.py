"""Tries at the code page: five per number in a quarter of an hour, counted in the database, for known and unknown numbers alike.

Kept apart from the SMS codes themselves, so that a stranger at the page cannot close a member's SMS answers. Only the index of a number
is stored, for fifteen minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees import accounts
from committees.people import ContactIndex
from committees.reply_codes import ReplyCode
from foundation.crypto import cipher
from foundation.db import Base, Keyed, insert_new
from foundation.errors import NotAllowed
from foundation.web.words import N_

TRIES, WINDOW = 5, timedelta(minutes=15)


class CodeTry(Keyed, Base):
    """One wrong code for one number. Its id is one of five places, so that of many tries at once no more than five are judged."""

    __tablename__ = "code_try"

    address_index: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime]


def find(session: Session, real_now: datetime, phone: str, code: str) -> tuple[UUID, UUID]:
    """The person and the alert behind a whole number and a code of it that is open.

    Every wrong pair is counted and raises the same NotAllowed, also for a number nobody knows; the caller commits the count.
    """
    # Written as at home, many a number is one in two of our countries: it is looked for in each, and a wrong try counts for each.
    indexes = sorted({cipher(session).index(number) for number in accounts.numbers_of(session, phone)})
    session.execute(delete(CodeTry).where(CodeTry.at <= real_now - WINDOW))
    places = [_place(session, real_now, index) for index in indexes]
    digits = "".join(str(int(c)) for c in code if c.isdecimal())
    rows = (
        select(ContactIndex.person_id, ReplyCode.subject_id)
        .join(ReplyCode, ReplyCode.contact_point_id == ContactIndex.contact_point_id)
        .where(
            ContactIndex.address_index.in_(indexes),
            ReplyCode.code == digits,
            ReplyCode.kind == "alert",
            ReplyCode.closed_at.is_(None),
        )
    )
    found = session.execute(rows.order_by(ReplyCode.given_at.desc())).first()
    if found is None:
        raise NotAllowed(
            N_("This number and code do not belong together."),
            N_("Look at the SMS again. The code is the number at its end."),
        )
    for place in places:
        session.delete(place)  # what was right is no try
    return found.person_id, found.subject_id


def _place(session: Session, real_now: datetime, index: str) -> CodeTry:
    """Take one of the number's places; raise NotAllowed where all are taken."""
    for number in range(TRIES):
        key = cipher(session).handle("code_try", index, number)
        row = CodeTry(id=key, address_index=index, at=real_now)
        if insert_new(session, row):
            return row
    raise NotAllowed(
        N_("Please wait fifteen minutes before you try again."),
        N_("Too many codes were tried for this number."),
    )
