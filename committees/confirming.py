"""Adding, changing and confirming one's own numbers and addresses: a code proves that somebody reads there, and a change waits a day.

A pending row lives for 30 minutes. The change of a number takes effect 24 hours after it was confirmed; until then the old number keeps
receiving and can stop it. Who is told of it is the worker's (coordination/contact_errands.py). States are contacts.py.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, delete, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.accounts import CODE_TRIES, CODES_PER_HOUR, after, code_matches, hash_code
from committees.contact_addresses import check_address, mask
from committees.people import ContactIndex, ContactPoint, Person, add_contact
from foundation import errands, journal, outbox
from foundation.crypto import cipher
from foundation.db import Base, Keyed, claim, hold, insert_new
from foundation.errors import Conflict, Invalid, Problem
from foundation.web.words import N_

PENDING_FOR = timedelta(minutes=30)
WAITS = timedelta(hours=24)
ADD, CHANGE, AGAIN = "add", "change", "again"
NUMBER_CHANGE = "number_change"
CONTACTS_CHANGED = "contacts_changed"
CODE_SENT = "contact_code"
NOW_OURS = N_("Confirmed. Warnings reach you there from now on.")
IN_A_DAY = N_(
    "Confirmed. It takes the old one's place in 24 hours. The old one gets a notice and can stop it."
)
MOST_CONTACTS = 6


class ContactChange(Keyed, Base):
    """A number or address that is to be added, or to take another one's place, with the hash of the code that was sent there."""

    __tablename__ = "contact_change"
    __table_args__ = (
        Index(
            "ix_contact_change_new",
            "given_at",
            sqlite_where=text("confirmed_at IS NULL"),
            postgresql_where=text("confirmed_at IS NULL"),
        ),
        Index(
            "ix_contact_change_waits",
            "takes_effect_at",
            sqlite_where=text("done_at IS NULL AND cancelled_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND cancelled_at IS NULL"),
        ),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    kind: Mapped[str]
    channel: Mapped[str]
    address_sealed: Mapped[str]
    address_index: Mapped[str] = mapped_column(index=True)
    last_digits: Mapped[str]
    contact_point_id: Mapped[UUID | None] = mapped_column(ForeignKey("contact_point.id"))
    code_hash: Mapped[str]
    given_at: Mapped[datetime]
    until: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[datetime | None]
    takes_effect_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


def begin(
    session: Session,
    now: datetime,
    person: Person,
    channel: str,
    address: str,
    *,
    locality_id: UUID,
    point: ContactPoint | None = None,
) -> ContactChange:
    """Send a code to a number or address; three an hour for each. With `point` it is to take that one's place."""
    address = check_address(channel, address)
    index = cipher(session).index(address.casefold())
    key = _name(session, now, person.id, index)
    kind = CHANGE if point else ADD
    return _send(session, now, key, person, kind, channel, address, index, locality_id, point)


def begin_again(session: Session, now: datetime, person: Person, point: ContactPoint) -> ContactChange:
    """Send a code to a number that is ours already, to confirm it (again)."""
    address = cipher(session).open("contact_point.address", point.id, point.address_sealed)
    index = cipher(session).index(address.casefold())
    key = _name(session, now, person.id, index)
    return _send(session, now, key, person, AGAIN, point.channel, address, index, point.locality_id, point)


def _name(session: Session, now: datetime, person_id: UUID, index: str) -> UUID:
    """What names the next code to an address; raise Problem where there were too many. Two asked for at once have one name."""
    rows = select(ContactChange.id).where(
        ContactChange.address_index == index, ContactChange.given_at > now - timedelta(hours=1)
    )
    given = session.scalars(rows.order_by(ContactChange.given_at, ContactChange.id)).all()
    if len(given) >= CODES_PER_HOUR:
        raise Problem(
            N_("Three codes went there within an hour."),
            N_("Please wait an hour, then ask for a new one."),
            429,
        )
    held = select(ContactPoint.id).where(ContactPoint.person_id == person_id)
    if len(session.scalars(held).all()) >= MOST_CONTACTS:
        known = session.scalars(select(ContactIndex).where(ContactIndex.address_index == index)).first()
        if known is None:
            raise Problem(N_("You have six numbers and addresses."), N_("Change one of them instead."))
    return cipher(session).handle("contact_change", person_id, index, *after(given, now))


def _send(
    session: Session,
    now: datetime,
    key: UUID,
    person: Person,
    kind: str,
    channel: str,
    address: str,
    index: str,
    locality_id: UUID,
    point: ContactPoint | None,
) -> ContactChange:
    code = f"{secrets.randbelow(1_000_000):06d}"
    row = ContactChange(
        id=key,
        person_id=person.id,
        locality_id=locality_id,
        kind=kind,
        channel=channel,
        address_sealed=cipher(session).seal("contact_change.address", key, address),
        address_index=index,
        last_digits=mask(channel, address),
        contact_point_id=point.id if point else None,
        code_hash=hash_code(code),
        given_at=now,
        until=now + PENDING_FOR,
    )
    if not insert_new(session, row):  # asked for twice at once: the other one is on its way
        return session.get_one(ContactChange, key)
    outbox.put(
        session,
        now,
        effect_key=f"{CODE_SENT}:{key}",
        channel=channel,
        template=CODE_SENT,
        slots={},
        secret=code,
        address=address,
        language=person.language,
        script=person.script,
        lane=outbox.URGENT,
    )
    return row


def confirm(session: Session, now: datetime, row: ContactChange, code: str) -> ContactPoint | None:
    """Take the code: the number is ours at once, or (a change) in 24 hours; None for the latter. Five tries in its 30 minutes."""
    right = code_matches(row.code_hash, code)
    hold(session, row)  # after the slow hash: parallel guesses are judged one by one
    if row.confirmed_at or row.until <= now or row.tries >= CODE_TRIES:
        raise Conflict(N_("This code is too old."), N_("Ask for a new one."))
    row.tries += 1
    if not right:
        raise Invalid(
            "code", N_("This code is not right."), N_("Look at the message again, or ask for a new code.")
        )
    return _confirmed(session, now, row)


def confirm_by_link(session: Session, now: datetime, row: ContactChange) -> ContactPoint | None:
    """The letter with the code was read at the address: its link says the same as the code, once. Conflict where it is over."""
    if row.until <= now:
        raise Conflict(N_("This code is too old."), N_("Ask for a new one."))
    return _confirmed(session, now, row)


def _confirmed(session: Session, now: datetime, row: ContactChange) -> ContactPoint | None:
    """The code or the link counts, whichever is first, and only once."""
    waits = {"confirmed_at": None, "cancelled_at": None}
    if not claim(session, ContactChange, row.id, waits, {"confirmed_at": now}):
        raise Conflict(N_("This code is too old."), N_("Ask for a new one."))
    session.refresh(row)
    journal.record(session, now, f"contact:{row.kind}", "contact_change", row.id, locality_id=row.locality_id)
    if row.kind == CHANGE:
        row.takes_effect_at = now + WAITS
        errands.ask(session, now, NUMBER_CHANGE, row.id)
        return None
    row.done_at = now
    errands.ask(session, now, CONTACTS_CHANGED, row.person_id)
    return _added(session, now, row) if row.kind == ADD else _again(session, now, row)


def _added(session: Session, now: datetime, row: ContactChange) -> ContactPoint:
    address = cipher(session).open("contact_change.address", row.id, row.address_sealed)
    held = select(ContactPoint).where(ContactPoint.person_id == row.person_id)
    last = max((point.position for point in session.scalars(held)), default=-1)
    return add_contact(
        session,
        session.get_one(Person, row.person_id),
        row.channel,
        address,
        locality_id=row.locality_id,
        position=last + 1,
        verified_at=now,
    )


def _again(session: Session, now: datetime, row: ContactChange) -> ContactPoint:
    point = session.get_one(ContactPoint, row.contact_point_id)
    confirmed_again(point, now)
    return point


def confirmed_again(point: ContactPoint, now: datetime) -> None:
    """Somebody reads there: it counts as confirmed from today, and earlier failures no longer count."""
    point.verified_at, point.failures, point.failing_since, point.failing_why = now, 0, None, ""


def cancel(session: Session, now: datetime, row: ContactChange) -> None:
    """Stop a change that has not taken effect; raise Conflict where it has."""
    if row.done_at or row.cancelled_at:
        raise Conflict(N_("This change is over already."), N_("Look at your numbers and addresses."))
    row.cancelled_at = now
    journal.record(session, now, "contact:cancelled", "contact_change", row.id, locality_id=row.locality_id)


def take_effect(session: Session, now: datetime, batch: int = 50) -> int:
    """Put confirmed numbers in the place of the old ones once their day of waiting is over; how many."""
    rows = select(ContactChange).where(
        ContactChange.takes_effect_at <= now,
        ContactChange.done_at.is_(None),
        ContactChange.cancelled_at.is_(None),
    )
    found = session.scalars(rows.limit(batch).with_for_update(skip_locked=True)).all()
    for row in found:
        row.done_at = now
        point = session.get_one(ContactPoint, row.contact_point_id)
        address = cipher(session).open("contact_change.address", row.id, row.address_sealed)
        session.execute(delete(ContactIndex).where(ContactIndex.contact_point_id == point.id))
        session.add(
            ContactIndex(
                address_index=row.address_index,
                contact_point_id=point.id,
                person_id=row.person_id,
                channel=row.channel,
            )
        )
        point.address_sealed = cipher(session).seal("contact_point.address", point.id, address)
        point.channel, point.last_digits, point.stopped_at = row.channel, row.last_digits, None
        confirmed_again(point, now)
        journal.record(
            session, now, "contact:changed", "contact_point", point.id, locality_id=row.locality_id
        )
        errands.ask(session, now, CONTACTS_CHANGED, row.person_id)
    session.flush()
    return len(found)


def forget(session: Session, now: datetime) -> int:
    """Delete what nobody confirmed in its 30 minutes, but not within the hour in which codes are counted."""
    rows = delete(ContactChange).where(
        ContactChange.confirmed_at.is_(None), ContactChange.given_at <= now - timedelta(hours=1)
    )
    result = session.execute(rows.execution_options(synchronize_session=False))
    return int(getattr(result, "rowcount", 0))


def pending(session: Session, now: datetime, person_id: UUID) -> list[ContactChange]:
    """What a person has begun: codes that wait, and changes that have not taken effect, the newest first."""
    rows = select(ContactChange).where(
        ContactChange.person_id == person_id,
        ContactChange.done_at.is_(None),
        ContactChange.cancelled_at.is_(None),
        (ContactChange.until > now) | ContactChange.confirmed_at.is_not(None),
    )
    return list(session.scalars(rows.order_by(ContactChange.given_at.desc())))
