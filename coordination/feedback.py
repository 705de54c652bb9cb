"""Closing the loop: what happened next, to each person who reported. A tracked duty, also towards somebody without a name.

`plan` writes one row per report behind an alert; the worker turns rows into messages through the reply handle, which nobody else reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts import labels, routing
from alerts.alert import Alert
from alerts.quiet import after_quiet
from committees import catalogue, contact_stops, unnamed
from committees.incidents import MERGED, NOT_TRUE, WITHDRAWN, Incident
from committees.people import ContactPoint, Person
from committees.places import Locality
from committees.reports import ReplyHandle, Report
from committees.unnamed import UnnamedCase
from foundation import outbox
from foundation.crypto import cipher
from foundation.db import Base, Keyed, claim
from foundation.errors import Invalid
from foundation.web import words
from foundation.web.words import N_

# The closed list of what may be said back; the words stand in the message templates (outcome).
OUTCOMES = (
    "met",
    "checked_true",
    "checked_not_true",
    "visited",
    "passed_on",
    "police_helped",
    "service_helped",
    "calm_now",
    "still_working",
    "nothing_found",
)
# What is said of a rumour: one sentence that can be passed on and does not repeat it (slot answer of rumour_answer).
RUMOUR = "rumour:"
RUMOUR_ANSWERS = ("true", "not_true", "being_checked", "cannot_tell")
FROM_ALERT = {
    "settled": "met",
    "prevented": "calm_now",
    "happened": "still_working",
    "passed_on": "passed_on",
    "not_true": "checked_not_true",
    "nothing_more": "calm_now",
}
PLANNED, SENT, NO_WAY = "planned", "sent", "no_way"
PROMISE = timedelta(hours=72)
RUMOUR_PROMISE = timedelta(hours=2)
NIGHT = timedelta(hours=8)
#: Word that comes later than this says nothing any more.
FORGOTTEN = timedelta(days=7)


class Feedback(Keyed, Base):
    """What one reporter is told of one report: shown under "My reports", and sent where there is a way back."""

    __tablename__ = "feedback"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.id"), index=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    source_id: Mapped[UUID] = mapped_column(index=True)
    withheld_from: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str]
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=PLANNED, index=True)
    effect_key: Mapped[str] = mapped_column(unique=True)


class FeedbackRequest(Keyed, Base):
    """A wish to tell the reporters behind an alert: ids only, so that whoever decides never reads who reported."""

    __tablename__ = "feedback_request"

    subject_kind: Mapped[str]
    subject_id: Mapped[UUID] = mapped_column(index=True)
    incidents: Mapped[list[Any]]
    outcome: Mapped[str]
    at: Mapped[datetime]
    done_at: Mapped[datetime | None] = mapped_column(index=True)


def plan(session: Session, now: datetime, alert: Alert, outcome: str) -> None:
    """Ask the feedback worker to tell the reporters behind an alert."""
    if alert.evidence:
        session.add(
            FeedbackRequest(
                subject_kind="alert",
                subject_id=alert.id,
                incidents=list(alert.evidence),
                outcome=outcome,
                at=now,
            )
        )


def plan_incident(session: Session, now: datetime, incident: Incident, outcome: str) -> None:
    """Ask the feedback worker to tell the reporters of one incident."""
    session.add(
        FeedbackRequest(
            subject_kind="incident",
            subject_id=incident.id,
            incidents=[str(incident.id)],
            outcome=outcome,
            at=now,
        )
    )


def answer_rumour(session: Session, now: datetime, incident: Incident, answer: str) -> None:
    """Ask the feedback worker to tell each reporter of a rumour how it stands; once per answer."""
    if answer not in RUMOUR_ANSWERS:
        raise Invalid("answer", N_("Choose what we know of it"))
    plan_incident(session, now, incident, f"{RUMOUR}{answer}")


def rumours_answered(session: Session, incidents: Iterable[UUID]) -> dict[UUID, str]:
    """The newest answer given to the reporters of each of these incidents, where there is one; the latest answered stands last."""
    rows = select(FeedbackRequest).where(
        FeedbackRequest.subject_id.in_(list(incidents)), FeedbackRequest.outcome.startswith(RUMOUR)
    )
    found: dict[UUID, str] = {}
    for row in session.scalars(rows.order_by(FeedbackRequest.at, FeedbackRequest.id)):
        found.pop(row.subject_id, None)
        found[row.subject_id] = row.outcome.removeprefix(RUMOUR)
    return found


def waiting(session: Session, now: datetime) -> list[UUID]:
    """The requests that nobody has worked off yet, the oldest first."""
    del now
    rows = select(FeedbackRequest.id).where(FeedbackRequest.done_at.is_(None))
    return list(session.scalars(rows.order_by(FeedbackRequest.at, FeedbackRequest.id)))


def work(session: Session, now: datetime, batch: int = 50, only: UUID | None = None) -> int:
    """Turn requests into feedback rows and messages, once per report and outcome; return how many requests were worked off."""
    rows = select(FeedbackRequest).where(FeedbackRequest.done_at.is_(None))
    if only:
        rows = rows.where(FeedbackRequest.id == only)
    requests = session.scalars(rows.order_by(FeedbackRequest.at, FeedbackRequest.id).limit(batch)).all()
    for request in requests:
        if claim(session, FeedbackRequest, request.id, {"done_at": None}, {"done_at": now}):
            for report in _reports(session, request.incidents):
                _tell(session, now, request.outcome, request.subject_id, report)
    return len(requests)


def keep_promise(session: Session, now: datetime, batch: int = 50) -> int:
    """Tell whoever was told nothing within three days that it is still being worked on; return how many were told.

    Early enough that no night makes it late. Not in a private matter: nobody knows who holds that phone.
    """
    told = select(Feedback.id).where(Feedback.report_id == Report.id)
    rows = (
        select(Report)
        .join(Incident, Incident.id == Report.incident_id)
        .where(
            Report.received_at.between(now - FORGOTTEN, now - PROMISE + NIGHT),
            # Said by what it is not: else SQLite would go through all reports of all years that are in these states.
            Incident.state.not_in((NOT_TRUE, WITHDRAWN, MERGED)),
            Incident.origin == "live",
            Incident.path != catalogue.SENSITIVE_PATH,
            Report.withheld_from == "",
            ~told.exists(),
        )
    )
    found = session.scalars(rows.order_by(Report.received_at, Report.id).limit(batch)).all()
    for report in found:
        _tell(session, now, "still_working", report.incident_id, report)
    return len(found)


def _reports(session: Session, incidents: Iterable[str]) -> list[Report]:
    keys = [UUID(str(key)) for key in incidents]
    return list(
        session.scalars(select(Report).where(Report.incident_id.in_(keys)).order_by(Report.received_at))
    )


def _tell(session: Session, now: datetime, outcome: str, subject_id: UUID, report: Report) -> None:
    # Rumours that are joined change what a report stands under; what its reporter was told of it stays told.
    about = "rumour" if outcome.startswith(RUMOUR) else subject_id
    key = f"feedback:{about}:{report.id}:{outcome}"
    if session.scalars(select(Feedback).where(Feedback.effect_key == key)).first():
        return
    incident = session.get_one(Incident, report.incident_id)
    row = Feedback(
        report_id=report.id,
        incident_id=incident.id,
        locality_id=report.locality_id,
        source_id=report.source_id,
        withheld_from=report.withheld_from,
        outcome=outcome,
        at=now,
        effect_key=key,
    )
    session.add(row)
    session.flush()
    told = _message(session, now, report, incident, outcome, key)
    row.state = SENT if told or _left_word(session, now, row) else NO_WAY
    session.flush()


def _left_word(session: Session, now: datetime, row: Feedback) -> bool:
    """Leave it with the case of somebody who gave no name: they read it when they come with their receipt."""
    rows = select(UnnamedCase).where(UnnamedCase.id == row.report_id, UnnamedCase.erase_at.is_(None))
    case = session.scalars(rows).first()
    if case is None:
        return False
    with words.speaking(case.language):
        text = labels.feedback_label(row.outcome)
    return unnamed.tell(session, now, case, text, row.id)


def _message(
    session: Session, now: datetime, report: Report, incident: Incident, outcome: str, key: str
) -> bool:
    handle = session.get(ReplyHandle, report.id)
    if handle is None or incident.origin != "live":
        return False
    contact = session.get(ContactPoint, handle.contact_point_id) if handle.contact_point_id else None
    if contact is not None and contact.stopped_at:
        return False
    address = (
        cipher(session).open("reply_handle.address", report.id, handle.address_sealed)
        if handle.address_sealed
        else None
    )
    if contact is None and (
        address is None or contact_stops.is_stopped(session, cipher(session).index(address))
    ):
        return False
    template, slots = _words(session, incident, outcome)
    outbox.put(
        session,
        now,
        effect_key=key,
        channel=contact.channel if contact else handle.channel,
        template=template,
        slots=slots,
        language=handle.language,
        script=handle.script,
        contact_point_id=contact.id if contact else None,
        address=address,
        due_at=_due(session, now, report, contact, outcome),
    )
    return True


def _due(
    session: Session, now: datetime, report: Report, contact: ContactPoint | None, outcome: str
) -> datetime:
    """Nobody is woken by what happened next; who asked about a rumour a moment ago is awake, and was promised an answer."""
    if outcome.startswith(RUMOUR) and now - report.received_at <= RUMOUR_PROMISE:
        return now
    person = session.get(Person, contact.person_id) if contact else None
    return after_quiet(session, now, person, session.get_one(Locality, report.locality_id))


def _words(session: Session, incident: Incident, outcome: str) -> tuple[str, dict[str, Any]]:
    if not outcome.startswith(RUMOUR):
        return "feedback", {"ref": incident.reference, "outcome": outcome}
    place = session.get_one(Locality, incident.locality_id)
    slot: dict[str, Any] = {"names": dict(session.get_one(Locality, incident.town_id).names)}
    if place.level == "ward" and str(place.number).isdigit() and not place.town_only:
        slot = {"ward": int(str(place.number))}
    return "rumour_answer", {
        "source": routing.sender_of(session, place.id),
        "place": slot,
        "answer": outcome.removeprefix(RUMOUR),
    }


def of_source(session: Session, handles: tuple[UUID, ...]) -> dict[UUID, list[Feedback]]:
    """The feedback to a reporter's own reports, by report id, newest first."""
    found: dict[UUID, list[Feedback]] = {}
    for row in session.scalars(
        select(Feedback).where(Feedback.source_id.in_(handles)).order_by(Feedback.at.desc())
    ):
        found.setdefault(row.report_id, []).append(row)
    return found


def forget(session: Session, now: datetime) -> int:
    """Delete the ways back whose time is over, and those whose final word was sent; return how many."""
    rows = session.scalars(select(ReplyHandle).where(ReplyHandle.delete_after <= now)).all()
    for row in rows:
        session.delete(row)
    return len(rows)
