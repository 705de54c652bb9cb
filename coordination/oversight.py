"""A report that nobody but the oversight office may learn of: shut to everybody else in all its parts, and said to that office.

It never enters a score or an alert (committees/catalogue.py says which reports these are). Who reads one is recorded by
pages/care.py. Carried out by the worker: whoever brought the report may not read it back.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from alerts.quiet import after_quiet
from alerts.receivers import Receiver, nearest_offices, to_be_told
from committees import catalogue
from committees.contacts import write_to
from committees.incidents import Incident, touch
from committees.people import contacts_of
from committees.places import Locality
from committees.verification import mark_all
from coordination.feedback import Feedback
from foundation import journal, outbox

OFFICE = "oversight"
GRAVE = 3  # from this severity the office is told at night too


def hand_over(session: Session, now: datetime, incident: Incident) -> None:
    """Shut an incident to everybody but the oversight office, and tell that office; twice is once."""
    words = " ".join(sorted({*incident.withheld_from.split(), catalogue.COMMITTEE}))
    if words != incident.withheld_from:
        mark_all(session, incident, incident.sensitive, words)
        rows = update(Feedback).where(Feedback.incident_id == incident.id).values(withheld_from=words)
        session.execute(rows.execution_options(synchronize_session=False))
        touch(incident)  # what it weighed leaves the score
    journal.record(session, now, "oversight", "incident", incident.id, locality_id=incident.locality_id)
    _tell(session, now, incident)


def _tell(session: Session, now: datetime, incident: Incident) -> None:
    town = session.get_one(Locality, incident.town_id)
    grave = incident.severity >= GRAVE
    offices = nearest_offices(session, incident.locality_id, OFFICE)
    asked = [Receiver(person, OFFICE, "rule", office.id) for office, person in offices]
    for receiver in to_be_told(session, incident.withheld_from, asked):
        for contact in filter(lambda c: c.verified_at, contacts_of(session, receiver.person.id)):
            write_to(
                session,
                now,
                receiver.person,
                contact,
                effect_key=f"oversight:{incident.id}:{contact.id}",
                template="for_oversight",
                slots={"place": {"names": dict(town.names)}, "ref": incident.reference},
                lane=outbox.URGENT if grave else outbox.ORDINARY,
                due_at=now if grave else after_quiet(session, now, receiver.person, town),
            )
