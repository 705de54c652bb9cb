"""The administrator's page: is it alive, does it send. Numbers and times only, never what an incident or a message says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts import alarm_sentences, inspecting, reconciling
from alerts.sentences import channel_label, delivery_state_label
from committees.inbox import Inbound
from committees.people import contacts_of
from committees.places import Locality
from coordination import frame, lines_view, probing
from coordination.errands import TEST_MESSAGE
from coordination.here import here
from coordination.pulse import SILENT
from foundation import alarms, errands, journal
from foundation.db import new_id
from foundation.errors import Problem
from foundation.jobs import Heartbeat
from foundation.journal import Entry
from foundation.outbox import STATES, OutboxMessage
from foundation.policy import service
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_, ngettext
from foundation.web.words import gettext as _

LATE = timedelta(minutes=5)
GONE_WRONG = ("failed", "undelivered")
ON_THE_WAY = ("due", "claimed", "sending", "unknown")


@page("/admin", roles=("administrator",), nav=N_("Health"), order=10)
def health(visit: Visit) -> Response:
    """Health of the sending and the working side."""
    with here().worker.open(service("keeper")) as session:
        facts = gather(session, visit.now)
        quiet = lines_view.silent(session, visit.now, visit.principal, here().channels)
    return visit.render(
        "admin.html",
        facts=facts,
        silent=quiet,
        key=new_id(),
        reachable=bool(contacts_of(visit.session, visit.person_id)),
    )


@page("/admin/test", roles=("administrator",))
def test_message(visit: Visit) -> Response:
    """A drill to oneself: the whole way from the outbox to the phone."""
    if visit.posted:
        if not contacts_of(visit.session, visit.person_id):
            raise Problem(
                _("You have no number or address that we could send to."), _("Ask the secretary to add one.")
            )
        errands.ask(visit.session, visit.now, TEST_MESSAGE, visit.person_id, key=visit.uuid("key"))
        journal.record(visit.session, visit.now, "admin:test_message", "person", visit.person_id)
        visit.say(_("On its way. It should reach you within a minute."))
    return visit.go("/admin")


def gather(session: Session, now: datetime) -> dict[str, Any]:
    """What an operator looks at, in words and numbers. Heartbeats are real time; all else is Concord's clock."""
    real = frame.real_clock.now()
    lately = _lately(session, now)
    by_state = _by_state(session, lately)
    oldest = session.scalar(
        select(func.min(OutboxMessage.due_at)).where(
            OutboxMessage.state == "due", OutboxMessage.due_at <= now
        )
    )
    heard = session.scalar(select(func.max(Inbound.received_at)))
    head = session.scalars(
        select(Entry).where(Entry.seq.is_not(None)).order_by(Entry.seq.desc()).limit(1)
    ).first()
    return {
        "oldest": words.ago(oldest, now) if oldest else "",
        "late": bool(oldest and now - oldest > LATE),
        "states": [(delivery_state_label(state), by_state[state]) for state in STATES if by_state.get(state)],
        "channels": _channels(lately),
        "beats": [
            {"process": row.process, "when": words.ago(row.at, real), "alive": real - row.at < SILENT}
            for row in session.scalars(select(Heartbeat).order_by(Heartbeat.process))
        ],
        "heard": words.ago(heard, now) if heard else "",
        "head": (head.seq, (head.hash or "")[:16], words.ago(head.at, now)) if head else None,
        "unsealed": journal.unsealed(session),
        "errands": session.scalar(
            select(func.count()).select_from(errands.Errand).where(errands.Errand.done_at.is_(None))
        )
        or 0,
        "sums": _sums(session, now),
        "alarms": [
            {
                "what": alarm_sentences.sentence(alarm, now),
                "do": alarm_sentences.what_to_do(alarm),
                "since": words.ago(alarm.since, now),
            }
            for alarm in alarms.sounding(session)
        ],
        "inspection": _inspection(session, now),
    }


def _inspection(session: Session, now: datetime) -> dict[str, str] | None:
    """When everything was looked at last, and when somebody outside heard from us last."""
    row = inspecting.last(session)
    if row is None:
        return None
    return {
        "when": words.ago(row.at, now),
        "heartbeat": words.ago(row.heartbeat_at, now) if row.heartbeat_at else "",
        "trip": _trip(session),
        "watched": "yes" if here().config.heartbeat_url else "",
    }


def _trip(session: Session) -> str:
    """How long the newest test of a line took, in words, where one is set up."""
    trip = probing.last_trip(session)
    if trip is None:
        return ""
    return ngettext("%(num)d second", "%(num)d seconds", max(1, round(trip.total_seconds())))


def _sums(session: Session, now: datetime) -> dict[str, Any] | None:
    """What the last nightly count of the sums found."""
    run = reconciling.last_run(session)
    if run is None or run.finished_at is None:
        return None
    place = session.get(Locality, run.locality_id) if run.locality_id else None
    return {
        "when": words.ago(run.finished_at, now),
        "places": run.places,
        "differing": run.differing,
        "largest": f"{run.largest:.2g}",
        "place": place.code if place else "",
    }


def _lately(session: Session, now: datetime) -> list[tuple[str, str, int]]:
    """How many messages of the last days stand in each state, by channel: the page costs the same however many there ever were."""
    columns = (OutboxMessage.channel, OutboxMessage.state)
    rows = select(*columns, func.count()).where(OutboxMessage.created_at > now - lines_view.WINDOW)
    return [(channel, state, number) for channel, state, number in session.execute(rows.group_by(*columns))]


def _by_state(session: Session, lately: list[tuple[str, str, int]]) -> dict[str, int]:
    """Everything that is not sent, however old, and what became of the messages of the last days."""
    rows = select(OutboxMessage.state, func.count()).where(OutboxMessage.state.in_(ON_THE_WAY))
    found: dict[str, int] = dict(session.execute(rows.group_by(OutboxMessage.state)).all())
    for _channel, state, number in lately:
        if state not in ON_THE_WAY:
            found[state] = found.get(state, 0) + number
    return found


def _channels(rows: list[tuple[str, str, int]]) -> list[tuple[Any, ...]]:
    """For each channel: how many went out, how many are known to have arrived, how many failed."""
    found: dict[str, dict[str, int]] = {}
    for channel, state, number in rows:
        found.setdefault(channel, {})[state] = number
    return [
        (
            channel_label(channel),
            sum(counts.values()),
            counts.get("sent", 0) + counts.get("delivered", 0),
            counts.get("delivered", 0),
            sum(counts.get(state, 0) for state in GONE_WRONG),
        )
        for channel, counts in sorted(found.items())
    ]
