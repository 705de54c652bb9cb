"""An answer to an alert: seen, acting, cannot. The same act by button, signed link, SMS code, WhatsApp, voice key, missed call and API.

Opening a page never answers. What an answer does to the ladder is decided by ladder.py, per person and per side. How a key on a telephone
or a link in a letter becomes an answer is answering.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.alert import ACTING, ANSWERS, OPEN, SEEN, Acknowledgement, Alert, note
from alerts.ladder import ASKED_OF, Policy, Said, after_answer, word_after
from alerts.policies import ladder_of
from alerts.receivers import receivers
from committees.people import Scope
from foundation import journal
from foundation.errors import Conflict, Invalid
from foundation.web.words import N_


def acknowledge(
    session: Session,
    now: datetime,
    alert: Alert,
    person_id: UUID,
    answer: str,
    channel: str,
    *,
    role: str = "",
) -> Acknowledgement:
    """Record one person's answer, once per (alert, person, answer, round); raise Conflict for an alert that has ended."""
    if answer not in ANSWERS:
        raise Invalid("answer", N_("Choose from the list"))
    session.refresh(alert, with_for_update=True)  # two answers at once are counted one after the other
    if alert.state != OPEN:
        raise Conflict(N_("This alert has ended."), N_("Nobody waits for an answer any more."))
    if found := _said_already(session, alert, person_id, answer):
        return found
    role = role or role_at(session, alert, person_id)
    row = Acknowledgement(
        alert_id=alert.id,
        locality_id=alert.locality_id,
        person_id=person_id,
        role=role,
        answer=answer,
        channel=channel,
        round=alert.round,
        at=now,
    )
    session.add(row)
    _move_alert(session, now, alert, row)
    note(session, now, alert, f"answer_{answer}", role=role, channel=channel)
    journal.record(session, now, f"acknowledge:{answer}", "alert", alert.id, locality_id=alert.locality_id)
    session.flush()
    return row


def takes_answer(alert: Alert, revision: int) -> bool:
    """Whether an answer to what was asked at this revision of an open alert counts still.

    It does for the level that holds, and for the graver one from which persons lowered it since: nobody is asked anew then.
    """
    return revision == alert.revision or (alert.lowered_from is not None and revision == alert.revision - 1)


def _said_already(session: Session, alert: Alert, person_id: UUID, answer: str) -> Acknowledgement | None:
    """The same answer of this person in this round, unless it says something new: taken back meanwhile, or asked for again."""
    if answer == ACTING and alert.still_asked_at:
        return None
    word = (alert.said.get(str(person_id)) or ("", ""))[1]
    if answer not in (word, SEEN):
        return None
    rows = select(Acknowledgement).where(
        Acknowledgement.alert_id == alert.id,
        Acknowledgement.person_id == person_id,
        Acknowledgement.answer == answer,
        Acknowledgement.round == alert.round,
    )
    return session.scalars(rows.order_by(Acknowledgement.at.desc())).first()


def _move_alert(session: Session, now: datetime, alert: Alert, row: Acknowledgement) -> None:
    before = alert.said.get(str(row.person_id))
    word = word_after(before[1] if before else None, row.answer)
    alert.said = {**alert.said, str(row.person_id): [row.role, word, now.isoformat()]}
    said = said_of(alert)
    acts = [one.at for one in said if one.answer == ACTING]
    alert.acting_at = (alert.acting_at or now) if acts else None
    if row.answer in (SEEN, ACTING):
        alert.answered_at = alert.answered_at or now
    if row.answer == ACTING:
        alert.worked_at, alert.still_asked_at = now, None
    policy = ladder_of(session, alert)
    must = must_answer(session, alert, policy)
    alert.next_step_at = after_answer(
        now, alert.level, alert.step, alert.next_step_at, said, must, policy, row.answer
    )


def said_of(alert: Alert) -> list[Said]:
    """The words that count in this round, the oldest first."""
    found = [
        Said(UUID(person), role, answer, datetime.fromisoformat(at))
        for person, (role, answer, at) in alert.said.items()
    ]
    return sorted(found, key=lambda one: (one.at, one.role))


def must_answer(session: Session, alert: Alert, policy: Policy) -> Sequence[str]:
    """The sides that must each answer this alert; one on which there is nobody to ask must not."""
    return [side for side in policy.must_answer if has_side(session, alert, side)]


def has_side(session: Session, alert: Alert, side: str) -> bool:
    """Whether anybody on a side may be told of this alert."""
    return bool(receivers(session, alert, ASKED_OF[side], "must_answer"))


def worked(session: Session, now: datetime, alert: Alert) -> None:
    """A sign of work on an alert on which somebody acts (an action, an update, news): nobody is asked whether they still do."""
    if alert.state == OPEN and alert.acting_at:
        alert.worked_at, alert.still_asked_at = now, None


def role_at(session: Session, alert: Alert, person_id: UUID) -> str:
    """The role in which a person was told, else the one held nearest, else member."""
    from alerts.routing import Delivery

    told = session.scalars(
        select(Delivery.role).where(Delivery.alert_id == alert.id, Delivery.person_id == person_id)
    ).first()
    return (
        told
        or session.scalars(select(Scope.role).where(Scope.person_id == person_id, Scope.active)).first()
        or "member"
    )
