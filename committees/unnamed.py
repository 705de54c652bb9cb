"""Reports of residents without a name, where a chair has opened that door: cases, their receipts, the talk about them, limits without identity.

Nothing here says who somebody is. A receipt of sixteen digits is the only way back: from it comes, by a slow hash and a key, the handle
under which the case is stored; the receipt itself is nowhere. Pages are coordination/pages/tell.py and desk_tell.py; the worker takes cases
in (coordination/unnamed_intake.py), so that they end in reports.record() like all others.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.people import Scope
from foundation import journal
from foundation.crypto import cipher
from foundation.db import Base, Keyed, claim, hold, insert_new, new_id
from foundation.errors import Invalid, NotAllowed
from foundation.policy import Principal
from foundation.web.words import N_

RECEIPT_DIGITS = 16
KEEP = timedelta(days=90)  # after the last word of either side
#: What one town takes: so many at once, then one each so often. For reports and messages together, and for receipts that are typed.
BURST, EACH = 20, timedelta(minutes=3)
LOOKS, EACH_LOOK = 60, timedelta(seconds=5)
LONGEST_MESSAGE = 1000
DOOR_ROLES = ("chair",)


class UnnamedDoor(Base):
    """Whether residents of a town may report without a name, who decided it and why, and how full its bucket is."""

    __tablename__ = "unnamed_door"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True)
    committee_id: Mapped[UUID]
    open: Mapped[bool]
    reason: Mapped[str]
    changed_at: Mapped[datetime]
    #: When the next report, and the next look with a receipt, would be due if all came at their pace.
    next_at: Mapped[datetime]
    next_look_at: Mapped[datetime]


class UnnamedCase(Keyed, Base):
    """One report without a name; its id is that of the report. `source_id` is the handle that its receipt opens."""

    __tablename__ = "unnamed_case"

    source_id: Mapped[UUID] = mapped_column(index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    withheld_from: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="en")
    #: What was answered, until the worker has made a report of it and looked for others alike.
    answers_sealed: Mapped[str | None]
    #: By which the same form sent twice is told from one that was changed in between.
    said: Mapped[UUID]
    received_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    alike_id: Mapped[UUID | None]
    #: Since when the reporter waits for a word; None once somebody answered.
    waits_since: Mapped[datetime | None]
    last_at: Mapped[datetime]
    erase_at: Mapped[datetime | None]

    def answers(self, session: Session) -> str:
        """What was answered, as JSON; empty once it was taken in."""
        sealed = self.answers_sealed
        return cipher(session).open("unnamed_case.answers", self.id, sealed) if sealed else ""


class UnnamedMessage(Keyed, Base):
    """One message about a case: of the reporter, or of the desk."""

    __tablename__ = "unnamed_message"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("unnamed_case.id"), index=True)
    source_id: Mapped[UUID]
    locality_id: Mapped[UUID]
    withheld_from: Mapped[str] = mapped_column(default="")
    from_reporter: Mapped[bool]
    text_sealed: Mapped[str]
    at: Mapped[datetime]

    def words(self, session: Session) -> str:
        """What was written."""
        return cipher(session).open("unnamed_message.text", self.id, self.text_sealed)


def door_of(session: Session, locality_id: UUID) -> UnnamedDoor | None:
    """The door of a town, open or shut; None where nobody ever opened it."""
    return session.get(UnnamedDoor, locality_id)


def open_doors(session: Session) -> list[UnnamedDoor]:
    """Every door that is open."""
    return list(session.scalars(select(UnnamedDoor).where(UnnamedDoor.open)))


def set_door(
    session: Session, now: datetime, chair: Scope | None, *, wanted: bool, reason: str
) -> UnnamedDoor:
    """Open or shut the door of a committee's town; raise Invalid without a reason, NotAllowed for anybody but its chair."""
    if chair is None or chair.role not in DOOR_ROLES or chair.committee_id is None:
        raise NotAllowed(N_("Only the chair decides this."), N_("Ask the chair of your committee."))
    if len(reason.strip()) < 10:
        raise Invalid("reason", N_("Please say why, in a sentence."), N_("It is kept with the decision."))
    row = session.get(UnnamedDoor, chair.locality_id)
    if row is None:
        row = UnnamedDoor(locality_id=chair.locality_id, next_at=now, next_look_at=now)
        session.add(row)
    row.committee_id, row.open, row.reason, row.changed_at = chair.committee_id, wanted, reason.strip(), now
    session.flush()
    action = "unnamed:open" if wanted else "unnamed:shut"
    journal.record(session, now, action, "locality", row.locality_id, locality_id=row.locality_id)
    return row


def may_come(session: Session, real_now: datetime, door: UnnamedDoor) -> datetime | None:
    """Take a place in the town's bucket; else return when there is one again. Counted in the database, for nobody in particular."""
    return _take(session, real_now, door, "next_at", BURST, EACH)


def may_look(session: Session, real_now: datetime, door: UnnamedDoor) -> datetime | None:
    """The same for receipts that are typed."""
    return _take(session, real_now, door, "next_look_at", LOOKS, EACH_LOOK)


def _take(
    session: Session, now: datetime, door: UnnamedDoor, name: str, burst: int, each: timedelta
) -> datetime | None:
    for _ in range(20):
        session.refresh(door)
        due: datetime = getattr(door, name)
        free_at = due - (burst - 1) * each
        if free_at > now:
            return free_at
        if claim(session, UnnamedDoor, door.locality_id, {name: due}, {name: max(due, now) + each}):
            return None
    return now + each


def new_receipt() -> str:
    """Sixteen random digits."""
    return f"{secrets.randbelow(10**RECEIPT_DIGITS):0{RECEIPT_DIGITS}d}"


def grouped(receipt: str) -> str:
    """A receipt as people copy it: four digits at a time."""
    return " ".join(receipt[at : at + 4] for at in range(0, len(receipt), 4))


def handle_of(session: Session, town_id: UUID, typed: str) -> UUID | None:
    """The handle that a receipt opens, in any script's digits; None where these are not sixteen. Slow on purpose."""
    digits = "".join(str(int(c)) for c in typed if c.isdecimal())
    if len(digits) != RECEIPT_DIGITS:
        return None
    seal = cipher(session)
    return seal.handle("unnamed", town_id, seal.index(f"receipt:{digits}"))


def reporter(handle: UUID) -> Principal:
    """For whom a session reads that brought a receipt: that case and its talk, nothing else."""
    return Principal(handles=(handle,))


def store(
    session: Session,
    now: datetime,
    *,
    handle: UUID,
    locality_id: UUID,
    answers: str,
    said: UUID,
    withheld_from: str,
    language: str,
) -> tuple[UnnamedCase, bool]:
    """Keep what was answered; sent twice is kept once. Whether it is new. `said` stands for what was typed (`said_id`)."""
    key = cipher(session).handle("unnamed_report", handle)
    row = UnnamedCase(
        id=key,
        source_id=handle,
        locality_id=locality_id,
        withheld_from=withheld_from,
        language=language,
        answers_sealed=cipher(session).seal("unnamed_case.answers", key, answers),
        said=said,
        received_at=now,
        waits_since=now,
        last_at=now,
    )
    if insert_new(session, row):
        return row, True
    return session.get_one(UnnamedCase, key), False


def said_id(session: Session, handle: UUID, typed: str) -> UUID:
    """What stands for the typed answers of one form: nobody without our key can tell whether a guess is right."""
    return cipher(session).handle("unnamed_said", handle, typed)


def change(
    session: Session,
    now: datetime,
    case: UnnamedCase,
    *,
    answers: str,
    said: UUID,
    withheld_from: str,
    in_words: str,
) -> None:
    """Keep a form that was changed and sent again: instead of the first as long as nobody took that in, else as a message of its reporter.

    The message is kept from whomever either of the two forms excludes.
    """
    hold(session, case)
    if case.said == said:
        return
    if case.taken_at is None:
        case.answers_sealed = cipher(session).seal("unnamed_case.answers", case.id, answers)
        case.withheld_from = withheld_from
    else:
        both = sorted({*case.withheld_from.split(), *withheld_from.split()})
        say(session, now, case, in_words, from_reporter=True, key=said, withheld_from=" ".join(both))
    case.said = said
    session.flush()


def case_of(session: Session, handle: UUID) -> UnnamedCase | None:
    """The case that a receipt opens; None where it was erased or never was."""
    rows = select(UnnamedCase).where(UnnamedCase.source_id == handle, UnnamedCase.erase_at.is_(None))
    return session.scalars(rows).first()


def talk(session: Session, case: UnnamedCase) -> list[UnnamedMessage]:
    """What was written to and fro, the oldest first."""
    rows = select(UnnamedMessage).where(UnnamedMessage.case_id == case.id)
    return list(session.scalars(rows.order_by(UnnamedMessage.at, UnnamedMessage.id)))


def say(
    session: Session,
    now: datetime,
    case: UnnamedCase,
    text: str,
    *,
    from_reporter: bool,
    key: UUID | None = None,
    withheld_from: str | None = None,
) -> bool:
    """Add a message, once per client-made key; raise Invalid for an empty or too long one."""
    words = text.replace("\r\n", "\n").strip()
    if not words:
        raise Invalid("text", N_("Please write something first."))
    if len(words) > LONGEST_MESSAGE:
        raise Invalid("text", N_("Please make it shorter: at most 1000 letters."))
    kept_from = case.withheld_from if withheld_from is None else withheld_from
    if not _add(session, now, case, words, from_reporter=from_reporter, key=key, withheld_from=kept_from):
        return False
    case.waits_since = (case.waits_since or now) if from_reporter else None
    if not from_reporter:
        journal.record(session, now, "unnamed:answer", "unnamed_case", case.id, locality_id=case.locality_id)
    session.flush()
    return True


def tell(session: Session, now: datetime, case: UnnamedCase, text: str, key: UUID) -> bool:
    """Leave word of what happened next, once per key; whoever asked something still waits for an answer."""
    return _add(session, now, case, text, from_reporter=False, key=key, withheld_from=case.withheld_from)


def _add(
    session: Session,
    now: datetime,
    case: UnnamedCase,
    words: str,
    *,
    from_reporter: bool,
    key: UUID | None,
    withheld_from: str,
) -> bool:
    # The client's key is bound to its case: the id of another's message cannot be taken.
    row_id = cipher(session).handle("unnamed_message", case.id, key) if key else new_id()
    row = UnnamedMessage(
        id=row_id,
        case_id=case.id,
        source_id=case.source_id,
        locality_id=case.locality_id,
        withheld_from=withheld_from,
        from_reporter=from_reporter,
        text_sealed=cipher(session).seal("unnamed_message.text", row_id, words),
        at=now,
    )
    if not insert_new(session, row):
        return False
    case.last_at = now
    session.flush()
    return True


def settle(session: Session, now: datetime, case: UnnamedCase) -> None:
    """No answer is needed: the case waits no longer."""
    case.waits_since = None
    journal.record(session, now, "unnamed:settle", "unnamed_case", case.id, locality_id=case.locality_id)


def ask_to_erase(session: Session, now: datetime, case: UnnamedCase) -> None:
    """The reporter takes everything back: from now on no receipt opens it, and the worker erases what was written."""
    case.erase_at, case.waits_since = now, None
    session.flush()


def cases(session: Session) -> list[UnnamedCase]:
    """The cases that the asker may see: those that wait first, then the newest."""
    rows = select(UnnamedCase).where(UnnamedCase.erase_at.is_(None))
    order = (UnnamedCase.waits_since.is_(None), UnnamedCase.waits_since, UnnamedCase.last_at.desc())
    return list(session.scalars(rows.order_by(*order).limit(100)))


def waiting(session: Session) -> int:
    """How many of the asker's cases wait for an answer."""
    rows = select(func.count()).select_from(UnnamedCase)
    return session.scalar(rows.where(UnnamedCase.waits_since.is_not(None))) or 0


def alike(session: Session, case: UnnamedCase) -> int:
    """How many others say nearly the same."""
    first = case.alike_id or case.id
    rows = select(func.count()).select_from(UnnamedCase)
    rows = rows.where((UnnamedCase.alike_id == first) | (UnnamedCase.id == first), UnnamedCase.id != case.id)
    return session.scalar(rows) or 0


def drop(session: Session, case: UnnamedCase) -> None:
    """Delete a case and what was written about it."""
    session.execute(delete(UnnamedMessage).where(UnnamedMessage.case_id == case.id))
    session.delete(case)
