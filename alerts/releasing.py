"""What waited goes out: the 6pm digest, several wards of a town in one message, what a silence or the alert of the place above held back.

Level-triggered: `release` looks at Delivery rows that are held and due. Each leaves in exactly one form, or its row says why it never
left: the alert ended or rose meanwhile, a reporter excluded its receiver, or there is no number that works. Called by the engine at the
end of a pass, so that what waits for nobody leaves in the same transaction, and by jobs.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID, uuid5

from sqlalchemy import Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session, aliased

from alerts import good_news, holding, routing
from alerts.alert import OPEN, Alert, note
from alerts.holding import COVERED, DIGEST, GROUP, LATER, SILENCE
from alerts.policies import ladder_of, next_step_time
from alerts.quiet import after_quiet
from alerts.receivers import Receiver, to_be_told
from alerts.rule_messages import ALERT, MESSAGES
from alerts.silences import Silence
from alerts.told import ACTIONS_DONE, ENDED, EXCLUDED, GOT, HELD, NO_CONTACT, ROSE, TOLD, Delivery
from committees import reply_codes
from committees.people import ContactPoint, Person, contacts_each
from committees.places import Locality, zone_of
from foundation import outbox

BATCH = 500
MOST = 99  # what the gap for a number takes


@dataclass(frozen=True)
class Waiting:
    """One row that is due, with its alert and person."""

    row: Delivery
    alert: Alert
    person: Person

    @property
    def receiver(self) -> Receiver:
        """The person in the role and for the reason for which they were to be told."""
        return Receiver(self.person, self.row.role, self.row.reason, self.row.office_id)


def release(session: Session, now: datetime, rng: random.Random) -> int:
    """Send or settle what is due among what is held; return how many rows were settled."""
    session.flush()
    found = due(session, now)
    said: set[tuple[UUID, UUID]] = set()
    left = [one for one in found if _still_to_be_said(session, one, said)]
    ready = [one for one in left if _ready(session, now, one)]
    digests: dict[UUID, list[Waiting]] = {}
    towns: dict[tuple[UUID, UUID, str], list[Waiting]] = {}
    alone: list[Waiting] = []
    news: dict[tuple[UUID, UUID, str], list[Waiting]] = {}
    for one in ready:
        if one.row.held_by == LATER:
            news.setdefault((one.person.id, one.alert.town_id, one.row.template), []).append(one)
        elif one.row.held_by == DIGEST:
            digests.setdefault(one.person.id, []).append(one)
        elif one.row.held_by == GROUP:
            towns.setdefault((one.person.id, one.alert.town_id, one.alert.threat), []).append(one)
        else:
            alone.append(one)
    contacts = contacts_each(session, {one.person.id for one in ready})
    together = [group for group in towns.values() if len(group) > 1]
    alone += [group[0] for group in towns.values() if len(group) == 1]
    for digest in digests.values():
        _send_digest(session, now, digest, contacts)
    for group in together:
        _send_group(session, now, rng, group, contacts)
    _send_alone(session, now, rng, alone, contacts)
    for same in news.values():
        _send_news(session, now, same, contacts)
    _say_told(session, now, "told_digest", [one for digest in digests.values() for one in digest])
    _say_told(session, now, "told_together", [one for group in together for one in group])
    for template in good_news.TEMPLATES:
        _say_told(
            session,
            now,
            template,
            [one for same in news.values() for one in same if one.row.template == template],
        )
    session.flush()
    return len(found) - sum(one.row.state == HELD for one in found)


def due(session: Session, now: datetime) -> list[Waiting]:
    """What is held and due now: its time came, its silence was lifted, what covered it ended, or its own alert ended or changed."""
    return [Waiting(*found) for found in session.execute(_due_rows(), {"now": now}).all()]


@cache
def _due_rows() -> Select[Delivery, Alert, Person]:
    """The statement of `due`, which is asked in every round of the jobs: built once."""
    above = aliased(Alert)
    return (
        select(Delivery, Alert, Person)
        .join(Alert, Alert.id == Delivery.alert_id)
        .join(Person, Person.id == Delivery.person_id)
        .outerjoin(Silence, and_(Delivery.held_by == SILENCE, Silence.id == Delivery.held_which))
        .outerjoin(above, and_(Delivery.held_by == COVERED, above.id == Delivery.held_which))
        .where(
            Delivery.state == HELD,
            or_(
                Delivery.held_until <= bindparam("now"),
                Silence.lifted_at.is_not(None),
                above.state != OPEN,
                above.level < Alert.level,
                and_(
                    Delivery.held_by != LATER, or_(Alert.state != OPEN, Alert.revision != Delivery.revision)
                ),
            ),
        )
        .order_by(Delivery.at, Delivery.id)
        .limit(BATCH)
        .with_for_update(of=Delivery, skip_locked=True)
    )


def _still_to_be_said(session: Session, one: Waiting, said: set[tuple[UUID, UUID]]) -> bool:
    """False, with the reason on the row, for what is not to be said any more; `said`: of which alert to whom in this same pass."""
    why = ""
    if one.row.held_by == LATER:
        why = good_news.why_not(one.alert, one.row)
    elif one.alert.state != OPEN:
        why = ENDED
    elif one.alert.revision != one.row.revision:
        why = ROSE
    elif (one.alert.id, one.person.id) in said or _asked_meanwhile(session, one.row):
        why = TOLD
    if not why and not to_be_told(session, one.alert.withheld_from, [one.receiver]):
        why = EXCLUDED
    if why:
        one.row.state, one.row.why_not = "cancelled", why
    elif one.row.held_by != LATER:
        said.add((one.alert.id, one.person.id))
    return not why


def _asked_meanwhile(session: Session, row: Delivery) -> bool:
    """Whether a later step asked this person while the message waited: nobody is told the same twice."""
    rows = select(Delivery.id).where(
        Delivery.alert_id == row.alert_id,
        Delivery.revision == row.revision,
        Delivery.person_id == row.person_id,
        Delivery.template.in_(MESSAGES),
        Delivery.state.in_((*GOT, "due")),
    )
    return session.scalars(rows.limit(1)).first() is not None


def _ready(session: Session, now: datetime, one: Waiting) -> bool:
    """Whether a row goes out now; what a silence or another alert held back is looked at again, as if it were told now."""
    if one.row.held_by in (DIGEST, GROUP, LATER):
        return True
    place = session.get_one(Locality, one.alert.locality_id)
    around = holding.around(session, now, one.alert, zone_of(session, place))
    hold = holding.hold_of(
        one.alert.level,
        one.alert.revision,
        one.row.reason,
        one.person.id,
        around,
        plain=one.row.template == ALERT,
    )
    if hold:
        one.row.held_by, one.row.held_until, one.row.held_which = hold.by, hold.until, hold.which
    waits = hold is not None and (hold.until is None or hold.until > now)
    if not waits or (hold and hold.by == GROUP):
        _start_clock(session, now, one.alert)
    return not waits


def _start_clock(session: Session, now: datetime, alert: Alert) -> None:
    """Somebody is asked from now on: the ladder begins, if it stood still."""
    if alert.next_step_at is None and not alert.answered_at and alert.step == 0:
        alert.next_step_at = next_step_time(now, ladder_of(session, alert).wait(0, max(1, alert.level)))


def _send_alone(
    session: Session,
    now: datetime,
    rng: random.Random,
    alone: Iterable[Waiting],
    contacts: dict[UUID, list[ContactPoint]],
) -> None:
    by_telling: dict[tuple[UUID, str, int], list[Waiting]] = {}
    for one in alone:
        by_telling.setdefault((one.alert.id, one.row.template, one.row.step), []).append(one)
    for (_alert, template, step), same in by_telling.items():
        telling = routing.telling_of(session, now, same[0].alert, template, step)
        rows = {one.person.id: one.row for one in same}
        routing.dispatch(session, rng, telling, [one.receiver for one in same], contacts, rows=rows)


def _reachable(
    session: Session, now: datetime, group: Sequence[Waiting], contacts: dict[UUID, list[ContactPoint]]
) -> list[ContactPoint]:
    """The verified contact points of the person of a group; rows that reach nobody say so."""
    known = [point for point in contacts.get(group[0].person.id, ()) if point.verified_at]
    if not known:
        for one in group:
            one.row.state, one.row.reason, one.row.why_not = "failed", NO_CONTACT, NO_CONTACT
            note(session, now, one.alert, "unreached", role=one.row.role)
    return known


def _send_digest(
    session: Session, now: datetime, rows: list[Waiting], contacts: dict[UUID, list[ContactPoint]]
) -> None:
    """One message for everything of levels 1 and 2 that a person would have been told since the last one."""
    known = _reachable(session, now, rows, contacts)
    if not known:
        return
    values = {
        "source": routing.sender_of(session, rows[0].alert.town_id),
        "count": min(MOST, len({key for one in rows for key in one.alert.evidence})),
        "watch": min(MOST, len({one.alert.locality_id for one in rows})),
    }
    _put(session, now, rows, known[0], "digest", values, lane=outbox.SLOW)


def _send_group(
    session: Session,
    now: datetime,
    rng: random.Random,
    rows: list[Waiting],
    contacts: dict[UUID, list[ContactPoint]],
) -> None:
    """One message about several places of a town, with one code that answers all of them."""
    known = _reachable(session, now, rows, contacts)
    if not known:
        return
    first = max(rows, key=lambda one: (one.alert.level, one.alert.opened_at))
    phone = routing.phone_of(known) or known[0]
    never = routing.ward_numbers(session, first.alert)
    code = reply_codes.share(
        session, now, rng, phone.id, "alert", [one.alert.id for one in rows], digits=2, never=never
    )
    town = session.get_one(Locality, first.alert.town_id)
    wards = [routing.place_slot(session, one.alert, one.row.role).get("ward") for one in rows]
    values = {
        "source": routing.sender_of(session, town.id),
        "place": {"names": dict(town.names)},
        "level": first.alert.level,
        "count": min(MOST, len(rows)),
        "wards": sorted(int(ward) for ward in wards if ward) if all(wards) else [],
        "sure": first.alert.sure,
        "action": routing.action_of(first.alert),
        "code": code,
    }
    _put(session, now, rows, known[0], "alert_group", values, lane=outbox.ORDINARY)


def _send_news(
    session: Session, now: datetime, rows: list[Waiting], contacts: dict[UUID, list[ContactPoint]]
) -> None:
    """One message about what came of it, at one place of a town or at several."""
    known = _reachable(session, now, rows, contacts)
    if not known:
        return
    alerts = {one.alert.id: one.alert for one in rows}
    template, values = good_news.words_of(session, rows[0].row, list(alerts.values()))
    urgent = template == ACTIONS_DONE and any(alert.level >= holding.URGENT_FROM for alert in alerts.values())
    _put(session, now, rows, known[0], template, values, lane=outbox.ORDINARY, at_once=urgent)


def _put(
    session: Session,
    now: datetime,
    rows: list[Waiting],
    contact: ContactPoint,
    template: str,
    values: dict[str, object],
    *,
    lane: int,
    at_once: bool = False,
) -> None:
    """One outbox row for several deliveries. Its key is made of theirs, so that it is written once."""
    person = rows[0].person
    keys = sorted(str(one.row.id) for one in rows)
    place = session.get_one(Locality, rows[0].alert.locality_id)
    message = outbox.put(
        session,
        now,
        effect_key=f"{template}:{uuid5(person.id, ' '.join(keys))}",
        channel=contact.channel,
        template=template,
        slots=values,
        language=person.language,
        script=person.script,
        contact_point_id=contact.id,
        lane=lane,
        due_at=now if at_once else after_quiet(session, now, person, place),
    )
    session.flush()
    for one in rows:
        one.row.outbox_id, one.row.channel = message.id, contact.channel
        one.row.state, one.row.at = "due", now
        telling = routing.telling_of(session, now, one.alert, one.row.template, one.row.step)
        routing.release_to(session, telling, [one.receiver])


def _say_told(session: Session, now: datetime, key: str, rows: Iterable[Waiting]) -> None:
    """A line in the story of each alert that people were told of together with others."""
    by_alert: dict[UUID, list[Waiting]] = {}
    for one in rows:
        if one.row.state == "due":
            by_alert.setdefault(one.alert.id, []).append(one)
    for told in by_alert.values():
        roles = sorted({one.row.role for one in told})
        note(session, now, told[0].alert, key, n=len(told), roles=roles)
