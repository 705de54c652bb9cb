"""Imported history: many rows at once are the same rows as one by one, and nobody is ever told of the past."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts import past_warnings
from alerts.alert import Alert
from alerts.engine import score_pending
from alerts.evidence import Evidence, EvidenceChange, RiskState, WeekCount
from alerts.history import take_in_many
from alerts.routing import Delivery
from committees import reports
from committees.incidents import Incident
from committees.intake import history
from committees.intake.csv_files import Event, Where, imported
from committees.intake.foreign_places import ForeignPlaces
from committees.places import Locality
from committees.reports import NewReport, Report, Source
from coordination import exporting
from foundation.journal import Entry
from foundation.outbox import OutboxMessage
from foundation.policy import service
from tests.make import BY_THE_CALENDAR, START, WARD, Town

PLACES = [f"PAK:Place {n}" for n in range(4)]


def events(seed: int, count: int, days: int = 40, sources: int = 3) -> list[Event]:
    """Invented events of four new places: few sources, so that one of them often repeats itself on a day."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        at = datetime(2012, 3, 1, 12, tzinfo=UTC) + timedelta(days=rng.randrange(days))
        where = Where(rng.choice(PLACES), latitude=33.0, longitude=70.0)
        kind, source = imported(rng.choice("ab")), f"S{rng.randrange(sources)}"
        found.append(Event(uuid4(), source, where, kind, rng.randint(1, 5), at, at))
    return found


def stored(town: Town, given: list[Event], batch: int) -> None:
    for start in range(0, len(given), batch):
        with town.session("command", write=True) as session:
            new = history.store(
                session, town.clock.now(), given[start : start + batch], ForeignPlaces(session)
            ).new
            take_in_many(session, town.clock.now(), new)


def sums(session: Session) -> dict[str, Any]:
    codes: dict[Any, str] = dict(session.execute(select(Locality.id, Locality.code)).all())
    moves = select(
        EvidenceChange.incident_id, func.sum(EvidenceChange.fast), func.min(EvidenceChange.known_at)
    )
    return {
        "counted": {row.incident_id: row.counted for row in session.scalars(select(Evidence))},
        "weeks": {
            (codes[w.locality_id], w.week): (w.violent, w.counted) for w in session.scalars(select(WeekCount))
        },
        "states": {
            codes[s.locality_id]: (
                s.fast_at,
                *(round(v, 9) for v in (s.fast, s.slow, s.count_fast, s.count_slow)),
            )
            for s in session.scalars(select(RiskState).where(RiskState.fast_at.is_not(None)))
        },
        "changes": {
            k: (round(f, 9), at)
            for k, f, at in session.execute(moves.group_by(EvidenceChange.incident_id)).all()
            if f
        },
        "pending": session.scalar(select(func.count()).select_from(Incident).where(Incident.pending)),
    }


def test_many_at_once_move_the_sums_as_one_by_one_does(town: Town) -> None:
    given = events(1, 120)
    assert len({(e.source, e.where.code, e.kind, e.known_at) for e in given}) < len(given)
    with town.session("command", write=True) as session:
        new = history.store(session, town.clock.now(), given, ForeignPlaces(session)).new
        session.flush()
        # Two batches that share cells, then everything undone; the engine then takes the same rows one by one.
        take_in_many(session, town.clock.now(), new[:60])
        take_in_many(session, town.clock.now(), new[60:])
        at_once = sums(session)
        for table in (EvidenceChange, Evidence, WeekCount, RiskState):
            for row in session.scalars(select(table)):
                session.delete(row)
        session.flush()
        by_id = {incident.id: position for position, incident in enumerate(new)}
        for incident in new:
            incident.pending = True
            # The engine takes the oldest first: received_at is made to follow the file.
            incident.received_at = START + timedelta(seconds=by_id[incident.id])
        session.flush()
        while score_pending(session, town.clock.now(), random.Random(1)):
            pass
        one_by_one = sums(session)
    assert any(value == 0 for value in at_once["counted"].values())
    assert at_once == one_by_one


def columns(row: Any, *but: str) -> dict[str, Any]:
    return {c.key: getattr(row, c.key) for c in row.__mapper__.column_attrs if c.key not in but}


def test_record_many_makes_the_rows_that_record_makes(town: Town) -> None:
    now = town.clock.now()
    with town.session("command", write=True) as session:
        place = ForeignPlaces(session).find(Where(PLACES[0], latitude=33.0, longitude=70.0))
        source = Source(id=uuid4(), committee_id=None, known=True, kind="import", first_at=now)
        session.add(source)
        session.flush()
        fields: dict[str, Any] = {
            "locality": place, "kind": "refused_service", "occurred_at": now, "how_known": "media", "channel": "csv",
            "source": source, "text": "Words", "origin": "history", "graded": False, "known_at": now,
        }  # fmt: skip
        one, other = NewReport(id=uuid4(), **fields), NewReport(id=uuid4(), **fields)
        alone = reports.record(session, now, one).incident
        [many] = reports.record_many(session, now, [other])
        assert reports.record_many(session, now, [other, other]) == []
        assert columns(alone, "id", "reference") == columns(many, "id", "reference")
        rows = [session.get_one(Report, key.id) for key in (alone, many)]
        assert columns(rows[0], "id", "incident_id") == columns(rows[1], "id", "incident_id")
        assert many.sensitive
        assert rows[1].sensitive
        entries = session.scalars(select(Entry).where(Entry.object_id.in_([alone.id, many.id]))).all()
        assert len(entries) == 2
        assert entries[0].action == entries[1].action == "report"


def test_nobody_is_told_of_imported_events_however_grave_and_near(town: Town) -> None:
    now = town.clock.now()
    given = [
        Event(
            uuid4(),
            f"S{n}",
            Where(WARD),
            imported("x"),
            5,
            now - timedelta(hours=6 + n),
            now - timedelta(hours=1),
        )
        for n in range(6)
    ]
    with town.session("keeper") as session:
        before = session.scalar(select(func.count()).where(OutboxMessage.template.not_in(BY_THE_CALENDAR)))
    stored(town, given, 4)
    town.work()
    for minutes in (420, 2, 2):
        town.later(minutes=minutes)  # a round of places each time
    with town.session("keeper") as session:
        states = select(RiskState).join(Locality, Locality.id == RiskState.locality_id)
        state = session.scalars(states.where(Locality.code == WARD)).one()
        assert state.level >= 3
    with town.session("command") as session:
        live = session.scalars(select(Alert).where(Alert.origin == "live", Alert.rule != "no_news")).all()
        assert [(alert.rule, alert.level) for alert in live] == []
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0
    with town.session("keeper") as session:
        assert (
            session.scalar(select(func.count()).where(OutboxMessage.template.not_in(BY_THE_CALENDAR)))
            == before
        )


def test_past_warnings_are_closed_alerts_of_watched_places_kept_once(town: Town) -> None:
    stored(town, events(2, 150, days=120, sources=150), 50)
    with town.session("command", write=True) as session:
        warned = past_warnings.rises(past_warnings.history_of(session), town.clock.now())
        assert warned
        assert warned == sorted(warned, reverse=True)
        assert all(w.level >= 3 and w.reasons for w in warned)
        assert past_warnings.keep(session, warned) == len(warned)
        assert past_warnings.keep(session, warned) == 0
        kept = session.scalars(select(Alert).where(Alert.origin == "history")).all()
        assert {(a.state, a.rule, a.next_step_at) for a in kept} == {("closed", "level_rise", None)}
        assert len({(a.town_id, a.number) for a in kept}) == len(kept)


def test_what_acled_collected_counts_and_leaves_in_no_export(town: Town) -> None:
    """Its terms bind whoever downloaded it: the score may use it, nobody is given it."""
    given = [
        replace(one, channel=channel) for one, channel in zip(events(5, 2), ("acled", "csv"), strict=True)
    ]
    stored(town, given, 10)
    with town.session("command") as session:
        exported = {row["id"] for row in exporting.incidents(session, service("command"))}
        assert session.get(Evidence, given[0].id) is not None
    assert str(given[0].id) not in exported
    assert str(given[1].id) in exported


def test_a_district_that_is_there_by_its_name_gets_its_own_history(town: Town) -> None:
    """Files of ACLED and UCDP name a district by its country and name: it is not made a second time."""
    with town.session("command", write=True) as session:
        before = session.scalar(select(func.count()).select_from(Locality))
        district = session.scalars(
            select(Locality).where(Locality.level == "district", Locality.code.contains("MARDAN"))
        ).one()
        given = replace(events(6, 1)[0], where=Where("PAK:Mardan", latitude=34.2, longitude=72.0))
        (incident,) = history.store(session, town.clock.now(), [given], ForeignPlaces(session)).new
        assert incident.locality_id == district.id
        assert session.scalar(select(func.count()).select_from(Locality)) == before
