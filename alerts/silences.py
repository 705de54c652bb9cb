"""Silences: a person with an office keeps alerts of a place and threat, or one alert, from going out for a while, with a reason.

A silence always ends, never hides level 5 or a proposed 5, and hides level 4 only after a second person of another organisation agreed
(foundation/approvals.py). It is visible to both sides, and holds back nothing that a reporter kept from whoever made it. What it holds
back is listed (Delivery rows) and, if still open at its end, sent by releasing.py. Pages and the API call this.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.alert import OPEN, WHOLE, Alert, note
from alerts.receivers import barred
from committees.people import organisations_of
from committees.places import Locality, LocalityPath, zone_of
from foundation import approvals, journal
from foundation.approvals import Approval
from foundation.db import Base, Keyed, claim
from foundation.errors import Conflict, Invalid
from foundation.policy import kept_from
from foundation.web.words import N_
from foundation.web.words import gettext as _

ORDINARY, HIGH, NEVER = 3, 4, 5
LONGEST = timedelta(days=7)
WIDEN = "alert:silence"  # the request to hold level 4 too
REASON_LENGTH = 400


class Silence(Keyed, Base):
    """Why alerts of a place (and below) do not go out, up to which level, until when, and who said so. `alert_id`: of one alert only."""

    __tablename__ = "silence"
    __table_args__ = (Index("ix_silence_holding", "locality_id", "ends_at"),)

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    alert_id: Mapped[UUID | None] = mapped_column(ForeignKey("alert.id"), index=True)
    withheld_from: Mapped[str] = mapped_column(default="")
    threat: Mapped[str] = mapped_column(default=WHOLE)
    max_level: Mapped[int] = mapped_column(default=ORDINARY)
    reason: Mapped[str]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]

    def holds_at(self, now: datetime) -> bool:
        """Whether it is in force now."""
        return self.lifted_at is None and self.begins_at <= now < self.ends_at


def hides(level: int, proposed: int | None, max_level: int) -> bool:
    """Whether a silence up to `max_level` hides an alert: never one that is Severe, or may be."""
    return level <= min(max_level, HIGH) and (proposed or level) < NEVER


def holding(session: Session, now: datetime, alert: Alert) -> Silence | None:
    """The silence that holds back an alert's messages now, the one that ends last; None where they go out."""
    if not hides(alert.level, alert.proposed, HIGH):
        return None
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id == alert.locality_id)
    rows = select(Silence).where(
        Silence.locality_id.in_(above),
        Silence.lifted_at.is_(None),
        Silence.begins_at <= now,
        Silence.ends_at > now,
        Silence.threat.in_((WHOLE, alert.threat)),
        Silence.alert_id.is_(None) | (Silence.alert_id == alert.id),
        Silence.max_level >= alert.level,
    )
    # Whoever a reporter kept an alert from cannot know of it, and must not be able to stifle it either.
    found = [
        row
        for row in session.scalars(rows.order_by(Silence.ends_at.desc(), Silence.id))
        if not kept_from(row.role, alert.withheld_from)
        and not barred(session, alert.withheld_from, [row.made_by])
    ]
    return found[0] if found else None


def in_force(session: Session, now: datetime, locality_ids: Iterable[UUID]) -> list[Silence]:
    """The silences at these places that hold now, the one that ends first leading."""
    rows = select(Silence).where(
        Silence.locality_id.in_(set(locality_ids)), Silence.lifted_at.is_(None), Silence.ends_at > now
    )
    return list(session.scalars(rows.order_by(Silence.ends_at, Silence.id)))


def check(now: datetime, ends_at: datetime | None, reason: str, max_level: int) -> None:
    """Raise Invalid for a silence that does not end, ends too late, says no reason, or would hide Severe."""
    if ends_at is None or ends_at <= now:
        raise Invalid("ends_at", N_("Choose an end that lies ahead."), N_("A silence always ends by itself."))
    if ends_at > now + LONGEST:
        raise Invalid(
            "ends_at", N_("A silence lasts 7 days at most."), N_("Ask for it again if it is still needed.")
        )
    if not reason.strip():
        raise Invalid(
            "reason", N_("Write in one sentence why"), N_("Everybody who is told of alerts here reads it.")
        )
    if len(reason.strip()) > REASON_LENGTH:
        raise Invalid(
            "reason",
            _(
                "Make it shorter. You have used %(used)d of %(most)d letters",
                used=len(reason),
                most=REASON_LENGTH,
            ),
        )
    if max_level not in (ORDINARY, HIGH):
        raise Invalid("max_level", N_("Choose up to which level"), N_("Severe is never silenced."))


def make(
    session: Session,
    now: datetime,
    *,
    key: UUID,
    locality_id: UUID,
    threat: str,
    ends_at: datetime,
    reason: str,
    person_id: UUID,
    role: str,
    max_level: int = ORDINARY,
    alert: Alert | None = None,
) -> tuple[Silence, Approval | None]:
    """Make a silence, once per client-made `key`. Up to level 3 it holds at once; for level 4 the request that waits is returned."""
    check(now, ends_at, reason, max_level)
    if found := session.get(Silence, key):
        return found, approvals.waiting(session, now, key, WIDEN)
    row = Silence(
        id=key,
        locality_id=locality_id,
        alert_id=alert.id if alert else None,
        withheld_from=alert.withheld_from if alert else "",
        threat=threat,
        reason=reason.strip(),
        made_by=person_id,
        role=role,
        begins_at=now,
        ends_at=ends_at,
    )
    session.add(row)
    session.flush()
    journal.record(session, now, "silence:make", "silence", row.id, locality_id=locality_id)
    _tell_stories(session, now, row, "silenced")
    return row, _ask_to_widen(session, now, row) if max_level > ORDINARY else None


def _ask_to_widen(session: Session, now: datetime, row: Silence) -> Approval:
    """Ask for level 4 too: a second person of another organisation must agree."""
    return approvals.request(
        session,
        now,
        key=UUID(int=row.id.int ^ 1),  # its own, and the same when the form is sent again
        kind=WIDEN,
        subject_kind="silence",
        subject_id=row.id,
        reason=row.reason,
        values={"level": HIGH},
        person_id=row.made_by,
        role=row.role,
        organisations=organisations_of(session, row.locality_id, row.made_by),
        locality_id=row.locality_id,
        withheld_from=row.withheld_from,
        lasts=min(approvals.LASTS, row.ends_at - now),
    )


def confirm(session: Session, now: datetime, row: Silence, person_id: UUID) -> None:
    """The second person agrees: from now on it holds level 4 too."""
    asked = _asked(session, now, row)
    approvals.approve(session, now, asked, person_id, organisations_of(session, row.locality_id, person_id))
    row.max_level = HIGH
    session.flush()
    _tell_stories(session, now, row, "silenced")


def turn_down(session: Session, now: datetime, row: Silence, person_id: UUID, reason: str = "") -> None:
    """The second person does not agree, or who asked takes it back: it goes on to hold up to level 3 only."""
    approvals.refuse(session, now, _asked(session, now, row), person_id, reason)


def lift(session: Session, now: datetime, row: Silence, person_id: UUID) -> None:
    """End a silence before its time; what it held back is sent now."""
    if not claim(session, Silence, row.id, {"lifted_at": None}, {"lifted_at": now, "lifted_by": person_id}):
        raise Conflict(N_("This silence has ended already."), N_("Open it again to see how it stands."))
    session.refresh(row)
    if asked := approvals.waiting(session, now, row.id, WIDEN):
        approvals.refuse(session, now, asked, person_id)
    journal.record(session, now, "silence:lift", "silence", row.id, locality_id=row.locality_id)
    _tell_stories(session, now, row, "silence_lifted")


def _asked(session: Session, now: datetime, row: Silence) -> Approval:
    asked = approvals.waiting(session, now, row.id, WIDEN)
    if asked is None:
        raise Conflict(
            N_("Nobody asks to silence level 4 here now."), N_("Open it again to see how it stands.")
        )
    return asked


def _tell_stories(session: Session, now: datetime, row: Silence, key: str) -> None:
    """A line in the story of each open alert that it concerns, so that whoever reads the alert sees it."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == row.locality_id)
    rows = select(Alert).where(Alert.state == OPEN, Alert.locality_id.in_(below))
    if row.alert_id:
        rows = rows.where(Alert.id == row.alert_id)
    if row.threat != WHOLE:
        rows = rows.where(Alert.threat == row.threat)
    for alert in session.scalars(rows):
        if not kept_from(row.role, alert.withheld_from) and hides(alert.level, alert.proposed, row.max_level):
            zone = zone_of(session, session.get_one(Locality, row.locality_id))
            note(session, now, alert, key, role=row.role, until=row.ends_at.astimezone(zone).isoformat())
