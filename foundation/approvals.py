"""The two-person rule as one object: one person asks, a second one of another organisation decides, or it lapses.

It knows neither the act nor the organisations: whoever uses it passes ids and carries the act out after `approve` returned. A person may
stand in several organisations; the two sets must not touch. Any room may import it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import journal
from foundation.db import Base, Keyed, claim
from foundation.errors import Conflict, NotAllowed, Problem
from foundation.web.words import N_

LASTS = timedelta(hours=24)
APPROVED, REFUSED = "approved", "refused"


class Approval(Keyed, Base):
    """A request for one act on one thing, with its reason, who asked, until when, and who decided what."""

    __tablename__ = "approval"

    kind: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID] = mapped_column(index=True)
    locality_id: Mapped[UUID | None] = mapped_column(index=True)
    withheld_from: Mapped[str] = mapped_column(default="")
    values: Mapped[dict[str, Any]]
    reason: Mapped[str]
    requested_by: Mapped[UUID]
    requested_role: Mapped[str] = mapped_column(default="")
    organisations: Mapped[list[Any]]
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided: Mapped[str | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    why: Mapped[str] = mapped_column(default="")  # why it was turned down


def request(
    session: Session,
    now: datetime,
    *,
    key: UUID,
    kind: str,
    subject_kind: str,
    subject_id: UUID,
    reason: str,
    values: dict[str, Any],
    person_id: UUID,
    role: str,
    organisations: Iterable[UUID],
    locality_id: UUID | None = None,
    withheld_from: str = "",
    lasts: timedelta = LASTS,
) -> Approval:
    """Ask for an act, once per client-made `key`; raise Conflict while another request for it waits."""
    if found := session.get(Approval, key):
        return found
    if waiting(session, now, subject_id, kind):
        raise Conflict(
            N_("Somebody asked for this already."),
            N_("A second person of another organisation must confirm it."),
        )
    row = Approval(
        id=key,
        kind=kind,
        subject_kind=subject_kind,
        subject_id=subject_id,
        locality_id=locality_id,
        withheld_from=withheld_from,
        values=values,
        reason=reason,
        requested_by=person_id,
        requested_role=role,
        organisations=sorted(str(body) for body in organisations),
        requested_at=now,
        expires_at=now + lasts,
    )
    session.add(row)
    session.flush()
    journal.record(session, now, f"approval:ask:{kind}", subject_kind, subject_id, locality_id=locality_id)
    return row


def waiting(session: Session, now: datetime, subject_id: UUID, kind: str) -> Approval | None:
    """The request for this act on this thing that waits and has not lapsed, if any."""
    rows = select(Approval).where(Approval.subject_id == subject_id, Approval.kind == kind)
    return session.scalars(rows.where(Approval.decided.is_(None), Approval.expires_at > now)).first()


def why_not(
    approval: Approval, now: datetime, person_id: UUID, organisations: Iterable[UUID]
) -> Problem | None:
    """Why this person may not confirm this request, or None where they may."""
    if approval.decided:
        return Conflict(N_("This was decided already."))
    if now >= approval.expires_at:
        return Conflict(N_("This request has lapsed."), N_("Ask for it again if it is still needed."))
    return second_person({approval.requested_by}, approval.organisations, person_id, organisations)


def second_person(
    askers: Collection[UUID | None],
    asked_for: Collection[str],
    person_id: UUID,
    organisations: Iterable[UUID],
) -> Problem | None:
    """Why this person is no second person to those who asked for these organisations, or None where they are one."""
    if person_id in askers:
        return NotAllowed(
            N_("You asked for this yourself."), N_("A second person of another organisation must confirm it.")
        )
    own = {str(body) for body in organisations}
    if not own or own & set(asked_for):
        return NotAllowed(
            N_("You belong to the same organisation as the person who asked."),
            N_("Somebody of another organisation must confirm it."),
        )
    return None


def approve(
    session: Session, now: datetime, approval: Approval, person_id: UUID, organisations: Iterable[UUID]
) -> Approval:
    """Confirm a request once; raise NotAllowed or Conflict in words. The caller then carries the act out."""
    if problem := why_not(approval, now, person_id, organisations):
        raise problem
    return _decide(session, now, approval, APPROVED, person_id)


def refuse(session: Session, now: datetime, approval: Approval, person_id: UUID, why: str = "") -> Approval:
    """Turn a request down, or take one's own back; anybody who may see it may."""
    if approval.decided or now >= approval.expires_at:
        raise Conflict(N_("This was decided already."), N_("Open the page again."))
    return _decide(session, now, approval, REFUSED, person_id, why)


def _decide(
    session: Session, now: datetime, approval: Approval, decided: str, person_id: UUID, why: str = ""
) -> Approval:
    if not claim(
        session,
        Approval,
        approval.id,
        {"decided": None},
        {"decided": decided, "decided_by": person_id, "decided_at": now, "why": why},
    ):
        raise Conflict(N_("This was decided already."), N_("Open the page again."))
    session.refresh(approval)
    journal.record(
        session,
        now,
        f"approval:{decided}:{approval.kind}",
        approval.subject_kind,
        approval.subject_id,
        locality_id=approval.locality_id,
    )
    return approval
