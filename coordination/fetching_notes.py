"""Spoken notes on their way: from the provider into our database, then away from the provider, and away from here when their time is over.

Level-triggered: a note is claimed for one try, fetched with no transaction open, stored, and only then deleted at the provider. A try that
fails comes again, later each time; an administrator is told from the third on. Called by jobs.py, and by inbound.py for a new note.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from alerts.channels.base import OutcomeUnknown
from alerts.channels.twilio_recordings import MOST_BYTES, TwilioRecordings
from alerts.sounds import sound_of
from committees import inbox, spoken_notes
from committees.inbox import IGNORED, MENU, Inbound
from committees.incidents import Incident
from committees.intake.sms import report_id
from committees.spoken_notes import ERASED, KEEP, KEPT, LOST, WAITING, SpokenNote
from coordination.runtime import Runtime
from coordination.sms import writer
from foundation import alarms, journal
from foundation.db import claim, insert_new
from foundation.policy import service

BATCH = 20
#: How long after each try the next one comes; the last one holds for all that follow.
WAITS = tuple(timedelta(seconds=one) for one in (15, 60, 300, 900, 3600))
TELL_FROM = 3
#: After so long a note that cannot be fetched is given up; where the provider has none at all, after MISSING.
GIVE_UP, MISSING = timedelta(days=7), timedelta(hours=1)
ALARM = "note_stays"


def read(session: Session, now: datetime, row: Inbound) -> None:
    """Put a note on the list of what is to be fetched, under the key that was pressed before it; one for nobody is left alone."""
    sid = row.details["sid"]
    keys = select(Inbound).where(Inbound.kind == MENU, Inbound.provider_id.startswith(f"{sid}:menu:"))
    pressed = session.scalars(keys.order_by(Inbound.received_at.desc()).limit(1)).first()
    if pressed is None:
        row.state = IGNORED
        return
    if pressed.state == inbox.WAITING:
        row.state = inbox.WAITING  # the report of that key comes first
        return
    incident = session.get(Incident, report_id(pressed.provider_id))
    place = (
        incident.locality_id
        if incident
        else writer.find(
            session, pressed.number(session), "", "voice", to=str(pressed.details["to"])
        ).place.id
    )
    row.locality_id, row.person_id = place, pressed.person_id
    row.reading = {"command": "NOTE"}
    insert_new(
        session,
        SpokenNote(
            locality_id=place,
            incident_id=incident.id if incident else None,
            inbound_id=pressed.id,
            recording=row.provider_id,
            call=sid,
            account=row.details["account"],
            due_at=now,
            received_at=row.received_at,
            erase_at=row.received_at + KEEP,
        ),
    )


def work(runtime: Runtime) -> int:
    """Fetch what is due, delete at the provider what is safe here, erase what is old; return how much was done."""
    now = runtime.clock.now()
    with runtime.worker.open(service("intake")) as session:
        open_ones = or_(SpokenNote.state == WAITING, SpokenNote.gone_at.is_(None))
        rows = select(SpokenNote).where(open_ones, SpokenNote.state != LOST, SpokenNote.due_at <= now)
        due = list(session.scalars(rows.order_by(SpokenNote.due_at, SpokenNote.id).limit(BATCH)))
        old = list(
            session.scalars(
                select(SpokenNote.id).where(SpokenNote.state == KEPT, SpokenNote.erase_at <= now).limit(BATCH)
            )
        )
    done = sum(_one(runtime, now, note) for note in due)
    done += sum(_erase(runtime, now, key) for key in old)
    if due:
        _tell(runtime, now)
    return done


def _one(runtime: Runtime, now: datetime, note: SpokenNote) -> int:
    """One try for one note: claimed first, so that two workers do not try at once."""
    wait = WAITS[min(note.tries, len(WAITS) - 1)]
    was = {"state": note.state, "tries": note.tries}
    if not _change(runtime, note.id, was, {"tries": note.tries + 1, "due_at": now + wait}):
        return 0
    provider = TwilioRecordings.from_config(runtime.config, note.account)
    try:
        if provider is not None:
            with closing(provider):
                return (_fetch if note.state == WAITING else _let_go)(runtime, now, note, provider)
    except OutcomeUnknown:
        pass  # it comes again
    late = note.state == WAITING and now >= note.received_at + GIVE_UP
    return int(late and _lose(runtime, note))


def _fetch(runtime: Runtime, now: datetime, note: SpokenNote, provider: TwilioRecordings) -> int:
    there = provider.look(note.recording)
    if there is None or there.nothing:
        over = there is not None or now >= note.received_at + MISSING
        return int(over and _lose(runtime, note))
    if there.call != note.call:
        return int(_lose(runtime, note))  # whoever named it to us does not have it from this call
    if not there.ready:
        return 0
    data = provider.fetch(note.recording)
    found = sound_of(data) if len(data) <= MOST_BYTES else None
    if found is None:
        return int(_lose(runtime, note))
    with runtime.worker.open(service("intake"), write=True) as session:
        kept = claim(
            session,
            SpokenNote,
            note.id,
            {"state": WAITING},
            {
                "state": KEPT,
                "kind": found.kind,
                "seconds": max(1, round(found.seconds)),
                "sound_sealed": spoken_notes.seal_sound(session, note.id, data),
                "tries": 0,
                "due_at": now,
            },
        )
        if kept:
            journal.record(session, now, "note:kept", "spoken_note", note.id, locality_id=note.locality_id)
        session.commit()
    return int(kept)


def _let_go(runtime: Runtime, now: datetime, note: SpokenNote, provider: TwilioRecordings) -> int:
    """Our copy is safe, or its time is over: the provider's goes."""
    provider.delete(note.recording)
    return int(_change(runtime, note.id, {"gone_at": None}, {"gone_at": now}))


def _lose(runtime: Runtime, note: SpokenNote) -> bool:
    return _change(runtime, note.id, {"state": WAITING}, {"state": LOST})


def _erase(runtime: Runtime, now: datetime, key: UUID) -> int:
    with runtime.worker.open(service("intake"), write=True) as session:
        note = session.get_one(SpokenNote, key)
        done = claim(session, SpokenNote, key, {"state": KEPT}, {"state": ERASED, "sound_sealed": None})
        if done:
            journal.record(session, now, "note:erased", "spoken_note", key, locality_id=note.locality_id)
        session.commit()
    return int(done)


def _change(runtime: Runtime, key: UUID, was: dict[str, object], becomes: dict[str, object]) -> bool:
    with runtime.worker.open(service("intake"), write=True) as session:
        done = claim(session, SpokenNote, key, was, becomes)
        session.commit()
    return done


def _tell(runtime: Runtime, now: datetime) -> None:
    """Say how many notes have not moved after some tries, and say it no more once they have."""
    with runtime.worker.open(service("intake"), write=True) as session:
        stuck = select(func.count(), func.min(SpokenNote.received_at)).where(
            SpokenNote.tries >= TELL_FROM, SpokenNote.state != LOST, SpokenNote.gone_at.is_(None)
        )
        number, since = session.execute(stuck).one()
        if number:
            alarms.sound(session, now, ALARM, values={"n": number, "since": since.isoformat()})
        else:
            alarms.silence(session, now, ALARM)
        session.commit()
