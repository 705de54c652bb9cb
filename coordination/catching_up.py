"""What came to our numbers while our hooks did not answer: messages, calls and what was said in them are looked up in the provider's own lists.

Each look begins a while before the last one that was whole, and a row stands once per provider id for ever, so that nothing is lost
and nothing counts twice. What is found waits like everything else; inbound.py works it off. coordination/jobs.py calls this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.channels import call_menu
from alerts.channels.base import OutcomeUnknown
from alerts.channels.twilio_inbox import Received, Rung, TwilioInbox
from alerts.channels.twilio_recordings import Recording, TwilioRecordings
from committees import inbox
from committees.inbox import CALL, KEY, MENU, NOTE, SMS, Inbound
from committees.intake.normalise import storable
from coordination import call_keys
from coordination.runtime import Runtime
from foundation.db import insert_new, new_id
from foundation.jobs import Setting
from foundation.logs import log
from foundation.policy import service

EVERY = 120
OVERLAP = timedelta(minutes=15)
LONGEST = timedelta(days=7)
LOOKED = "inbound:looked"
BATCH = 100


def work(runtime: Runtime) -> int:
    """Store what the provider lists and we have not, account by account; return how many rows are new.

    An account that does not answer is asked again, and holds up no other.
    """
    done = 0
    for place, reader in enumerate(TwilioInbox.all_from_config(runtime.config)):
        with closing(reader):
            # The first account's look has its old name, so that changing accounts forgets nothing.
            done += _catch_up(runtime, reader, f"{LOOKED}:{reader.account}" if place else LOOKED)
    return done


def _catch_up(runtime: Runtime, reader: TwilioInbox, looked: str) -> int:
    now = runtime.clock.now()
    try:
        begin = _begin(runtime, now, looked)
        found: list[Received | Rung] = [*reader.since(begin), *reader.calls_since(begin)]
        spoken = _recordings(runtime, reader.account, begin)
    except OutcomeUnknown as error:
        log().warning("inbound_list_unread", error_type=type(error).__name__)
        return 0
    oldest_first = sorted(found, key=lambda one: (one.at or now, one.sid))
    done = sum(_store(runtime, now, batch) for batch in _batches(oldest_first))
    done += _store_notes(runtime, now, spoken)
    _remember(runtime, now, looked)
    return done


def _recordings(runtime: Runtime, account: str, begin: datetime) -> list[Recording]:
    """What was said in calls; only the first account takes calls."""
    reader = TwilioRecordings.from_config(runtime.config, account)
    if reader is None or not runtime.config.voice_from or account != runtime.config.twilio_account_sid:
        return []
    with closing(reader):
        return list(reader.since(begin))


def _store_notes(runtime: Runtime, now: datetime, found: Iterable[Recording]) -> int:
    """Store what was said in calls of our menu; a recording of any other call of this account is not ours to take."""
    by_call = {one.call: one for one in found}
    with runtime.worker.open(service("intake"), write=True) as session:
        ours = _pressed(session, MENU, [f"{call}:menu:{key}" for call in by_call for key in call_menu.KEYS])
        known = _known(session, [one.sid for one in by_call.values()])
        rows = [
            Inbound(
                id=new_id(),
                kind=NOTE,
                provider_id=one.sid,
                details={"sid": one.call, "account": runtime.config.twilio_account_sid, "late": True},
                received_at=min(one.at or now, now),
            )
            for one in by_call.values()
            if one.call in ours and one.sid not in known
        ]
        done = sum(insert_new(session, row) for row in rows)
        session.commit()
    return done


def _begin(runtime: Runtime, now: datetime, looked: str) -> datetime:
    """From when on to look: the last whole look, else the last thing that was heard; never further back than a week."""
    with runtime.worker.open(service("intake")) as session:
        row = session.get(Setting, looked)
        heard = None if row else session.scalar(select(func.max(Inbound.received_at)))
    last = datetime.fromisoformat(row.value) if row else heard or now
    return max(min(last, now) - OVERLAP, now - LONGEST)


def _remember(runtime: Runtime, now: datetime, looked: str) -> None:
    with runtime.worker.open(service("intake"), write=True) as session:
        row = session.get(Setting, looked)
        if row is None:
            insert_new(session, Setting(key=looked, value=now.isoformat()))
        else:
            row.value = now.isoformat()
        session.commit()


def _batches(found: list[Received | Rung]) -> Iterator[list[Received | Rung]]:
    for begin in range(0, len(found), BATCH):
        yield found[begin : begin + BATCH]


def _store(runtime: Runtime, now: datetime, found: Iterable[Received | Rung]) -> int:
    """Store what is new of some; whoever else stores the same row at this moment has stored it."""
    with runtime.worker.open(service("intake"), write=True) as session:
        listed = {one.sid: one for one in found}
        for sid in _known(session, list(listed)):
            del listed[sid]
        done = sum(insert_new(session, _row(session, now, one)) for one in listed.values())
        session.commit()
    return done


def _known(session: Session, sids: list[str]) -> set[str]:
    """Which of these we have; a call of which a key was kept is known by it."""
    rows = select(Inbound.provider_id).where(Inbound.provider_id.in_(sids))
    keys = _pressed(session, KEY, [f"{sid}:{key}" for sid in sids for key in call_keys.ANSWER_OF])
    return {*session.scalars(rows), *keys}


def _pressed(session: Session, kind: str, ids: list[str]) -> set[str]:
    """The calls in which one of these keys was pressed: a key is kept under its call's id and its own."""
    rows = select(Inbound.provider_id).where(Inbound.kind == kind, Inbound.provider_id.in_(ids))
    return {key.partition(":")[0] for key in session.scalars(rows)}


def _row(session: Session, now: datetime, one: Received | Rung) -> Inbound:
    """The row of one message or call; it came when the provider took it."""
    details: dict[str, object] = {"to": one.to, "late": True}
    row = Inbound(kind=CALL, provider_id=one.sid, details=details)
    if isinstance(one, Received):
        details |= {"media": one.media, "channel": one.channel}
        row.kind, number, text = SMS, one.sender, one.body
    else:
        number, text = one.caller, ""
    row.id, row.received_at = new_id(), min(one.at or now, now)
    if number:
        inbox.seal_message(session, row, number, storable(text))
    return row
