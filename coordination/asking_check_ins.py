"""Asks members for the weekly check-in, reminds once, and tells the chair of a ward from which nobody spoke for two weeks.

Level-triggered: each message is written once under its effect key, whoever answered or paused gets none, and quiet hours are kept. When
is committees/rhythm.py. Called by jobs.py only.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import quiet
from alerts.telling import sender_of
from committees import call_backs, checkins, contacts, reply_codes, rhythm
from committees.call_backs import CallBack
from committees.checkins import NEWS_DAYS, CheckIn
from committees.committee import Committee, Membership, Seat, committee_for, committees_for, voices_of_wards
from committees.contact_addresses import VOICE
from committees.contacts import write_to
from committees.people import ContactPoint, Person, contacts_each
from committees.places import Locality, local_day, monday_of, town_of, zone_of
from committees.reply_codes import ReplyCode
from committees.rhythm import REMINDER
from coordination.sms.talk import place_slot
from foundation import outbox
from foundation.crypto import cipher
from foundation.outbox import OutboxMessage

SILENT_KIND = "silent"
TEMPLATES = {rhythm.PROMPT: "checkin_prompt", REMINDER: "checkin_reminder"}
#: What is answered by return; a letter asks as well (it is answered by letter or on the page), where nothing else reaches somebody.
WRITTEN = ("sms", "whatsapp")
ASKED_BY = (*WRITTEN, "email")
RING = "ring_checkin:"
DAY = STALE_CALL = timedelta(days=1)
#: Weeks are flagged while they last, and for a few days in which late answers come.
DIFFER, FLAG_FOR = "differ:", timedelta(days=10)
ORDINARY_LEVEL = 1
NINE = time(9)
ONE_A_DAY = timedelta(hours=23)


@dataclass(frozen=True)
class Asked:
    """One committee at the moment of asking: which message, for which week, and until when."""

    body: Committee
    step: str
    week: date
    zone: ZoneInfo
    closes: datetime


def ask(session: Session, now: datetime) -> int:
    """Write what is due to the members of every committee; return how many messages and flags are new."""
    new = flag_differences(session, now) + sum(_ask_one(session, now, one) for one in _due(session, now))
    _end_calls(session, now)
    return new


def _due(session: Session, now: datetime) -> Iterable[Asked]:
    for body in session.scalars(select(Committee).order_by(Committee.code)).all():
        zone = zone_of(session, session.get_one(Locality, body.locality_id))
        own = rhythm.of(body.rhythm)
        if step := rhythm.step_at(now, zone, own):
            week = monday_of(local_day(now, zone))
            yield Asked(body, step, week, zone, rhythm.closes_at(week, zone, own))


def _ask_one(session: Session, now: datetime, asked: Asked) -> int:
    seats = _unanswered(session, asked)
    keys = {
        person.id: rhythm.prompt_key(asked.step, asked.week, person.id, ward_id) for person, ward_id in seats
    }
    rows = select(OutboxMessage.effect_key).where(OutboxMessage.effect_key.in_(keys.values()))
    written = set(session.scalars(rows))
    points = contacts_each(session, keys)
    new = 0
    for person, ward_id in seats:
        if keys[person.id] in written:
            continue
        if person.paused_until and person.paused_until > now:
            continue
        point = _written_to(points.get(person.id, ()), now)
        ward = session.get_one(Locality, ward_id)
        if point is None:
            new += _ring(session, now, asked, person, ward, points.get(person.id, ()))
            continue
        at = quiet.after_quiet(session, now, person, ward)
        if at >= asked.closes:
            continue
        slots: dict[str, object] = {
            "source": sender_of(session, ward.id),
            "place": place_slot(ward, town_of(session, ward)),
        }
        write_to(
            session,
            now,
            person,
            point,
            effect_key=keys[person.id],
            template=TEMPLATES[asked.step],
            slots=slots,
            lane=outbox.SLOW,
            due_at=at,
        )
        new += 1
    return new


def _unanswered(session: Session, asked: Asked) -> list[tuple[Person, UUID]]:
    """Who sits for a ward and has not checked in for it this week. Who sits for several is asked about one after the other."""
    rows = (
        select(Person, Seat.ward_id)
        .join(Membership, Membership.person_id == Person.id)
        .join(Seat, Seat.id == Membership.seat_id)
        .where(Seat.committee_id == asked.body.id, Seat.ward_id.is_not(None), Membership.until.is_(None))
        .order_by(Person.code, Seat.id)
    )
    said = select(CheckIn.source_id, CheckIn.locality_id).where(CheckIn.week == asked.week)
    answered = {(source, ward) for source, ward in session.execute(said).all()}
    found: dict[UUID, tuple[Person, UUID]] = {}
    for person, ward_id in session.execute(rows).all():
        source = cipher(session).handle("source", asked.body.id, person.id)
        if ward_id is not None and (source, ward_id) not in answered:
            found.setdefault(person.id, (person, ward_id))
    return list(found.values())


def _written_to(points: Iterable[ContactPoint], now: datetime) -> ContactPoint | None:
    """The point that is written to: what is answered by return first, whatever the order of the contacts."""
    mine = (point for point in points if point.channel in ASKED_BY)
    good = sorted(mine, key=lambda point: point.channel not in WRITTEN)
    return next((point for point in good if contacts.takes(point, now, ORDINARY_LEVEL)), None)


def _ring(
    session: Session,
    now: datetime,
    asked: Asked,
    person: Person,
    ward: Locality,
    points: Iterable[ContactPoint],
) -> int:
    """Put a call on the secretary's desk for who is reached by calls only, once a week: a call by a machine cannot take five numbers."""
    if not any(point.channel == VOICE and contacts.takes(point, now, ORDINARY_LEVEL) for point in points):
        return 0
    key = f"{RING}{asked.week}:{person.id}:{ward.id}"
    if session.scalars(select(CallBack.id).where(CallBack.effect_key == key)).first():
        return 0
    call = CallBack(
        locality_id=ward.id,
        why=call_backs.CHECK_IN,
        asked_at=now,
        due_at=asked.closes,
        effect_key=key,
    )
    session.add(call)
    return 1


def asked_of(call: CallBack) -> tuple[date, UUID]:
    """For which week and of whom such a call asks for the check-in."""
    week, person_id = (call.effect_key or "").removeprefix(RING).split(":")[:2]
    return date.fromisoformat(week), UUID(person_id)


def _end_calls(session: Session, now: datetime) -> None:
    """Take such a call off the desk once that member has checked in for its week, or a day after asking has ended."""
    rows = select(CallBack).where(CallBack.why == call_backs.CHECK_IN, CallBack.done_at.is_(None))
    for call in session.scalars(rows):
        monday, person_id = asked_of(call)
        body = committee_for(session, call.locality_id)
        source = cipher(session).handle("source", body.id if body else None, person_id)
        if checkins.of_week(session, source, call.locality_id, monday):
            call_backs.done(session, now, call, call_backs.NEWS_CAME)
        elif now > call.due_at + STALE_CALL:
            call_backs.done(session, now, call, call_backs.NOT_NEEDED)


def flag_differences(session: Session, now: datetime) -> int:
    """Put a call on the secretary's desk for each ward and week whose answers lie far apart; nobody is told that they are wrong.

    Where somebody thought again and the answers lie together, the call leaves the desk.
    """
    since = now - FLAG_FOR
    rows = select(CheckIn).where(CheckIn.received_at > since - DAY, CheckIn.week >= since.date())
    alike: dict[str, list[CheckIn]] = {}
    for row in session.scalars(rows):
        alike.setdefault(f"{DIFFER}{row.locality_id}:{row.week}", []).append(row)
    keys = {key: found[0].locality_id for key, found in alike.items() if checkins.differ(found)}
    flagged = select(CallBack).where(CallBack.why == call_backs.ANSWERS_DIFFER, CallBack.done_at.is_(None))
    for call in session.scalars(flagged):
        if call.effect_key in alike and call.effect_key not in keys:
            call_backs.done(session, now, call, call_backs.NOT_NEEDED)
    asked = set(session.scalars(select(CallBack.effect_key).where(CallBack.effect_key.in_(keys))))
    new = [
        CallBack(
            locality_id=place,
            why=call_backs.ANSWERS_DIFFER,
            asked_at=now,
            due_at=now + timedelta(days=2),
            effect_key=key,
        )
        for key, place in keys.items()
        if key not in asked
    ]
    session.add_all(new)
    return len(new)


def differing(session: Session, call: CallBack) -> list[CheckIn]:
    """The check-ins of the ward and week of such a call."""
    place, week = (call.effect_key or "").removeprefix(DIFFER).split(":")
    rows = select(CheckIn).where(CheckIn.locality_id == UUID(place), CheckIn.week == date.fromisoformat(week))
    return list(session.scalars(rows.order_by(CheckIn.id)))


def tell_silent(session: Session, now: datetime, rng: random.Random) -> int:
    """Tell the chair, else the secretary, of one silent ward a day at nine in the morning; the longest silent first.

    A ward from which enough people have spoken meanwhile leaves the list of calls.
    """
    rows = select(CallBack).where(CallBack.why == call_backs.NO_NEWS, CallBack.done_at.is_(None))
    calls = session.scalars(rows.where(CallBack.told_at.is_(None)).order_by(CallBack.asked_at)).all()
    wards = {call.locality_id for call in calls}
    heard = checkins.voices_at(session, now, wards)
    bodies, voices = committees_for(session, wards), voices_of_wards(session, wards)
    new, told = 0, _told_lately(session, now)
    for call in calls:
        body = bodies.get(call.locality_id)
        if heard[call.locality_id].known:
            call_backs.done(session, now, call, call_backs.NEWS_CAME)
        elif body and body.id not in told and call.locality_id in voices:
            told.add(body.id)
            new += _tell_of(session, now, rng, call, body)
    return new


def _told_lately(session: Session, now: datetime) -> set[UUID]:
    rows = select(CallBack.locality_id).where(CallBack.told_at > now - ONE_A_DAY)
    return {body.id for body in committees_for(session, session.scalars(rows)).values()}


def _tell_of(session: Session, now: datetime, rng: random.Random, call: CallBack, body: Committee) -> int:
    ward = session.get_one(Locality, call.locality_id)
    found = contacts.first_role_reached(
        session, now, body.id, ("chair", "secretary"), ORDINARY_LEVEL, channels=WRITTEN
    )
    if not found:
        return 0
    person, point = found[0].person, found[0].point
    call.told_at = now
    slots: dict[str, object] = {
        "source": sender_of(session, ward.id),
        "place": place_slot(ward, town_of(session, ward)),
        "days": NEWS_DAYS,
        "code": reply_codes.give(session, now, rng, point.id, SILENT_KIND, call.id, digits=3),
    }
    at = quiet.after_quiet(session, _next_nine(now, zone_of(session, ward)), person, ward)
    write_to(
        session,
        now,
        person,
        point,
        effect_key=f"silent:{call.id}:{person.id}",
        template="locality_silent",
        slots=slots,
        lane=outbox.SLOW,
        due_at=at,
    )
    return 1


def _next_nine(now: datetime, zone: ZoneInfo) -> datetime:
    local = now.astimezone(zone)
    day = local.date() + timedelta(days=local.time() > NINE)
    return datetime.combine(day, NINE, zone).astimezone(now.tzinfo)


def rung(session: Session, now: datetime, code: ReplyCode) -> None:
    """OK with the code of such a message: the ward was rung."""
    code.closed_at = now
    if call := session.get(CallBack, code.subject_id):
        call_backs.done(session, now, call)
