"""One table of actions: who does what by when, and what came of it. Rows of alerts, reviews and meetings point here."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import journal
from foundation.db import Base, Keyed
from foundation.errors import Invalid
from foundation.web.words import N_
from foundation.web.words import gettext as _

TO_DO, DOING, DONE, DROPPED = "to_do", "doing", "done", "dropped"
STATES = (TO_DO, DOING, DONE, DROPPED)
LENGTH = 200


class Action(Keyed, Base):
    """One thing to do, owned by a role, not by a name."""

    __tablename__ = "action"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    alert_id: Mapped[UUID | None] = mapped_column(index=True)
    what: Mapped[str]
    role: Mapped[str]
    due: Mapped[date]
    state: Mapped[str] = mapped_column(default=TO_DO, index=True)
    outcome: Mapped[str] = mapped_column(default="")
    added_by: Mapped[UUID | None]
    added_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


def add(
    session: Session,
    now: datetime,
    locality_id: UUID,
    what: str,
    role: str,
    due: date,
    *,
    alert_id: UUID | None,
    person_id: UUID | None,
    key: UUID,
) -> Action:
    """Add an action, once per client-made `key`."""
    if found := session.get(Action, key):
        return found
    if not what.strip():
        raise Invalid("what", N_("Write what is to be done"))
    if len(what) > LENGTH:
        raise Invalid(
            "what",
            _("Make it shorter. You have used %(used)d of %(most)d letters", used=len(what), most=LENGTH),
        )
    row = Action(
        id=key,
        locality_id=locality_id,
        alert_id=alert_id,
        what=what.strip(),
        role=role,
        due=due,
        added_by=person_id,
        added_at=now,
    )
    session.add(row)
    session.flush()
    journal.record(session, now, "action:add", "action", row.id, locality_id=locality_id)
    return row


def settle(session: Session, now: datetime, action: Action, state: str, outcome: str) -> None:
    """Move an action on; dropping one needs a reason."""
    if state not in STATES:
        raise Invalid("state", N_("Choose from the list"))
    if state == DROPPED and not outcome.strip():
        raise Invalid("outcome", N_("Write in a few words why"))
    action.state, action.outcome = state, outcome.strip()
    action.done_at = now if state in (DONE, DROPPED) else None
    journal.record(session, now, f"action:{state}", "action", action.id, locality_id=action.locality_id)


def of_alert(session: Session, alert_id: UUID) -> list[Action]:
    """The actions of an alert, the next due first."""
    return list(session.scalars(select(Action).where(Action.alert_id == alert_id).order_by(Action.due)))


def open_in(session: Session, today: date) -> list[Action]:
    """Everything not done that this session may see, overdue first."""
    return list(session.scalars(select(Action).where(Action.state.in_((TO_DO, DOING))).order_by(Action.due)))
