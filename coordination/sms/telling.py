"""What a phone tells: a report, the weekly check-in, that it is over, and taking the last of these back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from alerts.alert import OPEN, Alert, note
from alerts.claiming import CALLS
from alerts.failover import TOGETHER
from alerts.told import Delivery
from committees import checkins, committee, inbox, reports, rhythm, vouching
from committees.checkins import CheckIn, NewCheckIn
from committees.committee import Membership, Seat
from committees.inbox import SMS, WAITING, Inbound
from committees.incidents import Incident
from committees.intake import sms as intake
from committees.intake.reading import Command, Reading, Why
from committees.places import Locality, local_day, monday_of, zone_of
from committees.reports import Report, Source
from committees.ring_me import Ring
from coordination.sms import simple
from coordination.sms.talk import Talk, place_slot
from foundation.errors import Problem
from foundation.outbox import OutboxMessage

TAKE_BACK = timedelta(minutes=15)
SAME_AGAIN = timedelta(minutes=1)
CALM = (1, 1, 1, 1, 1)
#: What can be taken back.
TOLD = (Command.REPORT, Command.CHECKIN, Command.VOUCH)


def report(talk: Talk) -> None:
    """Record what happened and say back what was understood; without a word of it, ask."""
    if talk.reading.text is None:
        talk.reply("report_what")
        return
    if _said_already(talk):
        # Gateways repeat themselves under a new id: once is enough.
        talk.note(repeated=True)
        return
    say_back(talk, _record(talk, _source(talk), known=True))


def say_back(talk: Talk, incident: Incident, template: str = "receipt_report") -> None:
    """Tell the writer what was understood: kind, place and time, never the story."""
    talk.reply(
        template,
        ref=incident.reference,
        what=incident.kind,
        place=place_slot(talk.session.get_one(Locality, incident.locality_id), talk.writer.town),
        when=talk.local(incident.occurred_at),
        **talk.emergency,
    )


def report_claimed(talk: Talk) -> None:
    """Record as this member's own what they sent from a borrowed phone, in place of the report that nobody had proven; never both."""
    unproven = talk.session.get(Incident, intake.report_id(talk.row.provider_id))
    if talk.reading.text is None or unproven is None:
        return
    try:
        reports.withdraw(talk.session, talk.now, unproven)
    except Problem:
        return  # it was sorted or taken back meanwhile
    incident = _record(talk, _source(talk), known=True, key=intake.claimed_id(talk.row.provider_id))
    talk.note(report=str(incident.id))
    say_back(talk, incident)


def report_vouched(talk: Talk) -> None:
    """Record what a focal person tells of somebody without an account; from anybody else it is a message that we cannot read."""
    person, group = talk.writer.person, talk.writer.group
    assert person is not None
    if group is None or vouching.standing(talk.session, group, person.id) is None:
        talk.reading = Reading(talk.reading.raw, Command.UNREAD, reason=Why.NO_COMMAND)
        talk.note(command=str(Command.UNREAD), reason=Why.NO_COMMAND.name)
        simple.for_a_person(talk)
        return
    handle = talk.reading.handle
    if handle is not None:
        hidden = intake.without_handle(talk.row.text(talk.session), handle)
        inbox.seal_message(talk.session, talk.row, talk.writer.number, hidden)
    if handle is None or talk.reading.text is None:
        talk.reply("vouch_how")
        return
    source = vouching.source_for(
        talk.session, talk.now, committee_id=group, person_id=person.id, handle=handle
    )
    if _said_of(talk, source):
        talk.note(repeated=True)
        return
    say_back(talk, _record(talk, source, known=True), "receipt_vouched")


def _said_of(talk: Talk, source: Source) -> bool:
    """Whether the same words about the same person came from the same number a moment ago."""
    text = talk.row.text(talk.session)
    alike = [
        intake.report_id(row.provider_id)
        for row in _earlier(talk, SAME_AGAIN, Command.VOUCH)
        if row.text(talk.session) == text
    ]
    same = select(Report.id).where(Report.id.in_(alike), Report.source_id == source.id)
    return talk.session.scalars(same.limit(1)).first() is not None


def report_unproven(talk: Talk) -> None:
    """Record what an unknown number or a borrowed phone reports; it counts once a person has checked it."""
    if talk.reading.text is not None and not _said_already(talk):
        group = talk.writer.group
        source = reports.source_for(talk.session, talk.now, group=group, number=talk.writer.number)
        _record(talk, source, known=False)


def _record(talk: Talk, source: Source, *, known: bool, key: UUID | None = None) -> Incident:
    contact = talk.writer.contact
    language, script = talk.tongue
    new = intake.new_report(
        talk.reading,
        provider_id=talk.row.provider_id,
        received_at=talk.row.received_at,
        # Two wards or one that is not there: the town, until the secretary has decided.
        locality=talk.writer.town if talk.reading.ward_unclear else talk.where,
        source=source,
        contact_point_id=contact.id if known and contact else None,
        reply_to=None if talk.writer.known else talk.writer.number,
        reply_channel=talk.writer.channel,
        language=language,
        script=script,
        channel="email" if talk.writer.channel == "email" else "sms",
    )
    if key is not None:
        new = replace(new, id=key)
    if talk.writer.channel != "email":
        new = replace(new, ring=Ring(talk.writer.number, inbound_id=talk.row.id))
    if source.kind == reports.VOUCHED:
        new = replace(new, channel=reports.VOUCHED, logged_for_other=True)
    return reports.record(talk.session, talk.now, new).incident


def _source(talk: Talk) -> Source:
    person = talk.writer.person
    assert person is not None
    return reports.source_for(talk.session, talk.now, group=talk.writer.group, person_id=person.id)


def said_twice(talk: Talk) -> bool:
    """Whether the message before this one was the same: a gateway repeats itself under a new id.

    A WRONG that is done twice would take two reports back. Who changes their mind writes something else in between; who was told of an
    alert in between answers that one, however they answered before.
    """
    rows = select(Inbound).where(
        Inbound.sender == talk.row.sender,
        Inbound.kind == SMS,
        Inbound.id != talk.row.id,
        Inbound.state != WAITING,
        Inbound.received_at.between(talk.row.received_at - SAME_AGAIN, talk.row.received_at + SAME_AGAIN),
    )
    found = talk.session.scalars(rows.order_by(Inbound.received_at.desc()).limit(20))
    before = [row for row in found if not (row.reading or {}).get("repeated")]
    text = talk.row.text(talk.session)
    # The provider's lists tell whole seconds only: what came in the same one has no order.
    last = [row for row in before if row.received_at == before[0].received_at]
    same = any(row.text(talk.session) == text for row in last)
    return same and not _asked_since(talk, last[0].received_at)


def _asked_since(talk: Talk, moment: datetime) -> bool:
    """Whether this answers, and the writer was told of an alert, or asked about another ward of theirs, after a moment."""
    person = talk.writer.person
    if person and talk.reading.command is Command.CHECKIN and not talk.reading.ward:
        return _prompted_since(talk, person.id, moment)
    if person is None or talk.reading.command not in (Command.OK, Command.GO, Command.NO):
        return False
    rows = select(Delivery.id).where(Delivery.person_id == person.id, Delivery.at > moment)
    rows = rows.where(Delivery.template.in_((*CALLS, TOGETHER)))
    return talk.session.scalars(rows.limit(1)).first() is not None


def _prompted_since(talk: Talk, person_id: UUID, moment: datetime) -> bool:
    week = monday_of(local_day(talk.row.received_at, zone_of(talk.session, talk.where)))
    keys = [
        rhythm.prompt_key(step, week, person_id, ward)
        for ward in committee.wards_of(talk.session, person_id)
        for step in (rhythm.PROMPT, rhythm.REMINDER)
    ]
    rows = select(OutboxMessage.id).where(
        OutboxMessage.effect_key.in_(keys), OutboxMessage.created_at > moment
    )
    return talk.session.scalars(rows.limit(1)).first() is not None


def _said_already(talk: Talk) -> bool:
    """Whether the same words came from the same number a moment ago, with others in between."""
    text = talk.row.text(talk.session)
    return any(row.text(talk.session) == text for row in _earlier(talk, SAME_AGAIN, Command.REPORT))


def _earlier(talk: Talk, within: timedelta, *commands: Command) -> list[Inbound]:
    """This number's own messages with these commands, newest first, that were not taken back and are no second copy of one."""
    rows = select(Inbound).where(
        Inbound.sender == talk.row.sender,
        Inbound.kind == SMS,
        Inbound.id != talk.row.id,
        Inbound.received_at >= talk.row.received_at - within,
    )
    found = talk.session.scalars(rows.order_by(Inbound.received_at.desc(), Inbound.id.desc()).limit(50))
    return [
        r
        for r in found
        if r.reading
        and r.reading.get("command") in commands
        and not r.reading.keys() & {"withdrawn", "repeated"}
    ]


def check_in(talk: Talk) -> None:
    """Record five answers for the week and say them back, with how many of the ward have spoken."""
    answers = tuple(int(digit) for digit in talk.reading.answers or "")
    source = _source(talk)
    place = talk.where if talk.reading.ward else _next_ward(talk, source)
    week = checkins.week_spoken_of(talk.session, talk.row.received_at, place, source.id)
    before = checkins.of_week(talk.session, source.id, place.id, week)
    talk.note(before=checkins.answered(before) if before else None)
    new = NewCheckIn(
        id=intake.report_id(talk.row.provider_id),
        locality=place,
        source=source,
        answers=answers,
        channel="sms",
        all_calm=answers == CALM,
        at=talk.row.received_at,
        only_answers=True,
    )
    row = checkins.record(talk.session, talk.now, new)
    talk.note(checkin=str(row.id))
    names = ("mood", "rumours", "incidents", "safety", "next")
    # What stands: answers that were written before those, and came later, changed nothing.
    scales = dict(zip(names, row.answers, strict=True))
    if row.late:
        talk.reply("receipt_checkin_late", place=place_slot(place, talk.writer.town), **scales)
        return
    done = checkins.spoken_this_week(talk.session, place.id, row.week)
    talk.reply(
        "receipt_checkin",
        place=place_slot(place, talk.writer.town),
        done=min(done, 99),
        members=min(max(_members(talk, place), done), 99),
        **scales,
    )


def _next_ward(talk: Talk, source: Source) -> Locality:
    """The ward of which bare numbers speak: of who sits for several, the first that they have not answered for this week."""
    person = talk.writer.person
    wards = committee.wards_of(talk.session, person.id) if person and talk.where.level == "ward" else []
    for key in wards if len(wards) > 1 else []:
        ward = talk.session.get_one(Locality, key)
        week = checkins.week_spoken_of(talk.session, talk.row.received_at, ward, source.id)
        if checkins.of_week(talk.session, source.id, key, week) is None:
            return ward
    return talk.where


def _members(talk: Talk, place: Locality) -> int:
    """How many people sit for a ward, or on the whole committee where the place is its town."""
    rows = select(func.count(Membership.person_id.distinct())).join(Seat, Seat.id == Membership.seat_id)
    rows = rows.where(Membership.until.is_(None))
    seats = Seat.ward_id == place.id if place.level == "ward" else Seat.committee_id == talk.writer.group
    return talk.session.scalar(rows.where(seats)) or 0


def over(talk: Talk) -> None:
    """Say that it is over: it stands on the alerts of that place, and the secretary hears it. An SMS ends no alert by itself."""
    open_there = select(Alert).where(Alert.locality_id == talk.where.id, Alert.state == OPEN)
    for alert in talk.session.scalars(open_there.order_by(Alert.number)):
        note(talk.session, talk.now, alert, "said_over", channel=talk.door)
    talk.keep_for_a_person()
    talk.reply("receipt_over", place=place_slot(talk.where, talk.writer.town), clock=talk.local())


def wrong(talk: Talk) -> None:
    """Take back the last report or check-in within 15 minutes; later, or once checked, a person must."""
    last = next(iter(_earlier(talk, TAKE_BACK, *TOLD)), None)
    if last is None or last.reading is None or not _taken_back(talk, last):
        talk.keep_for_a_person()
        talk.reply("wrong_late")
        return
    last.reading = {**last.reading, "withdrawn": True}
    talk.reply("withdrawn")


def take_back(talk: Talk, row: Inbound) -> bool:
    """Take back what a message was taken for, if that was a report or a check-in and can be taken back."""
    told = row.reading or {}
    if told.get("command") not in TOLD or "withdrawn" in told:
        return False
    return _taken_back(talk, row)


def _taken_back(talk: Talk, last: Inbound) -> bool:
    assert last.reading is not None
    if last.reading["command"] != Command.CHECKIN:
        key = last.reading.get("report") or str(intake.report_id(last.provider_id))
        incident = talk.session.get(Incident, UUID(str(key)))
        if incident is None:
            return False
        try:
            reports.withdraw(talk.session, talk.now, incident)
        except Problem:
            return False
        return True
    key = last.reading.get("checkin")
    row = talk.session.get(CheckIn, UUID(str(key))) if key else None
    if row is None or row.channel != "sms":
        return False  # what was said since then on a page stays
    checkins.take_back(talk.session, talk.now, row, last.reading.get("before"))
    return True
