"""People to be rung: unknown senders, private matters, silent wards, missed calls. A list for the secretary, with a clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.incidents import Incident
from foundation import journal
from foundation.db import Base, Keyed, hold, new_id

PRIVATE = "private_matter"
DISAGREES, ASKED, NO_NEWS, UNKNOWN, HALF, ANSWERS_DIFFER, CHECK_IN = (
    "disagrees",
    "asked",
    "no_news",
    "unknown_source",
    "half_told",
    "answers_differ",
    "check_in",
)
WHY = (
    UNKNOWN,
    PRIVATE,
    "heard_only",
    ASKED,
    NO_NEWS,
    "grave_unconfirmed",
    DISAGREES,
    HALF,
    ANSWERS_DIFFER,
    CHECK_IN,
)
#: How a call ended. TRIED is no end: nobody answered, and it stands on the list until somebody was reached or it was closed.
REACHED, LOGGED, NOT_NEEDED, GIVEN_UP = "reached", "logged", "not_needed", "given_up"
OUTCOMES = (REACHED, LOGGED, NOT_NEEDED, GIVEN_UP)
NEWS_CAME = "news_came"
TRY_AGAIN = timedelta(minutes=30)


class CallBack(Keyed, Base):
    """One call to make, why, and by when."""

    __tablename__ = "call_back"
    __table_args__ = (
        Index(
            "ix_call_back_open",
            "due_at",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    incident_id: Mapped[UUID | None] = mapped_column(ForeignKey("incident.id"))
    why: Mapped[str]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    sensitive: Mapped[bool] = mapped_column(default=False)
    withheld_from: Mapped[str] = mapped_column(default="")
    effect_key: Mapped[str | None] = mapped_column(unique=True)
    #: The call or SMS that asked for it: who, in which language, from which number. Only the committee's desk may read that row.
    inbound_id: Mapped[UUID | None] = mapped_column(ForeignKey("inbound.id"))
    told_at: Mapped[datetime | None] = mapped_column(
        index=True
    )  # when the chair was told of a ward from which nobody spoke
    tries: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(default="")
    #: How many steps of reminding of a late call are done, and when the last one was.
    reminded: Mapped[int] = mapped_column(default=0)
    reminded_at: Mapped[datetime | None] = mapped_column(index=True)

    @property
    def in_care(self) -> bool:
        """Whether this is somebody's private matter or something that the committee is not to know, never the committee's own call."""
        return self.why == PRIVATE or self.sensitive or "committee" in self.withheld_from.split()


def open_for(session: Session, now: datetime, incident: Incident, why: str, within: timedelta) -> CallBack:
    """Put whoever told of this incident on the list; who must not be told of it is not told of the call."""
    call = CallBack(
        id=new_id(),
        locality_id=incident.locality_id,
        incident_id=incident.id,
        why=why,
        asked_at=now,
        due_at=now + within,
        sensitive=incident.sensitive,
        withheld_from=incident.withheld_from,
    )
    session.add(call)
    return call


def waiting(session: Session) -> list[CallBack]:
    """The calls that nobody has made, the most urgent first."""
    return list(session.scalars(select(CallBack).where(CallBack.done_at.is_(None)).order_by(CallBack.due_at)))


def done(session: Session, now: datetime, call: CallBack, outcome: str = REACHED) -> bool:
    """Close a call with how it ended; False for one that is closed already: it is left as it is."""
    hold(session, call)
    if call.done_at is not None:
        return False
    call.done_at, call.outcome = now, outcome
    journal.record(session, now, "call_back", "call_back", call.id, locality_id=call.locality_id)
    return True


def tried(session: Session, now: datetime, call: CallBack) -> bool:
    """Nobody answered: the call stays on the list, and is due again in half an hour. False for one that is closed already."""
    hold(session, call)
    if call.done_at is not None:
        return False
    call.tries, call.tried_at, call.due_at = call.tries + 1, now, now + TRY_AGAIN
    journal.record(session, now, "call_back:tried", "call_back", call.id, locality_id=call.locality_id)
    return True
