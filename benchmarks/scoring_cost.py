"""The cost of scoring one more incident, with little and with much history in the database: it must not grow.

History is written straight into the tables, spread over ten years and over all wards of the seed. Incidents are
then recorded and scored one at a time, in turns on both databases, so that a busy machine disturbs both
alike. What is compared is processor time on SQLite, which runs in this process; PostgreSQL's spans are real time.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import insert, select

from alerts import engine
from alerts.evidence import Evidence, EvidenceChange
from benchmarks.installation import Installation, installations
from benchmarks.tables import Table, ms
from committees import catalogue, people, reports
from committees.incidents import VERIFIED, Incident
from committees.people import Person
from committees.places import Locality, by_code, town_of
from committees.reports import Report, Source
from coordination.runtime import Runtime, build
from foundation.policy import service
from tests.make import config_for

SMALL, QUICK_LARGE, LARGE = 10_000, 200_000, 1_000_000
ROUNDS, QUICK_ROUNDS = 40, 15
YEARS = 10
CHUNK = 5000
PROMISED = 1.2
SOURCES_EACH = 40


def fill(runtime: Runtime, count: int, rng: random.Random) -> None:
    """Write so many verified incidents of the past, with their reports and weights, as scoring left them behind."""
    now = datetime.now(UTC)
    with runtime.worker.open(service("seed"), write=True) as session:
        wards = session.scalars(select(Locality).where(Locality.level == "ward", Locality.watched)).all()
        places = [(ward.id, town_of(session, ward).id) for ward in wards]
        sources = {ward: [uuid.uuid4() for _ in range(SOURCES_EACH)] for ward, _ in places}
        session.execute(
            insert(Source),
            [
                {"id": key, "committee_id": None, "known": True, "kind": "member", "first_at": now}
                for keys in sources.values()
                for key in keys
            ],
        )
        rows: list[dict[str, Any]] = []
        for number in range(count):
            ward, town = rng.choice(places)
            at = now - timedelta(days=rng.uniform(1, YEARS * 365))
            rows.append(
                {"ward": ward, "town": town, "at": at, "n": number, "source": rng.choice(sources[ward])}
            )
            if len(rows) == CHUNK or number == count - 1:
                _write(session, rows, rng)
                rows = []
        session.commit()


def _write(session: Any, rows: list[dict[str, Any]], rng: random.Random) -> None:
    for row in rows:
        row["id"], row["kind"] = uuid.uuid4(), rng.choice(KINDS)
    # References are unique in a town: these have letters of their own.
    session.execute(insert(Incident), [_incident(row) for row in rows])
    session.execute(insert(Report), [_report(row) for row in rows])
    session.execute(insert(Evidence), [_evidence(row) for row in rows])
    session.execute(insert(EvidenceChange), [_change(row) for row in rows])


KINDS = ("rumour", "angry_crowd", "small_fight", "small_damage", "land_water_dispute")


def _incident(row: dict[str, Any]) -> dict[str, Any]:
    kind = catalogue.kind(row["kind"])
    return {
        "id": row["id"],
        "reference": f"past-{row['n']}",
        "town_id": row["town"],
        "locality_id": row["ward"],
        "source_id": row["source"],
        "kind": kind.key,
        "severity": kind.severity,
        "occurred_at": row["at"],
        "how_known": "told",
        "state": VERIFIED,
        "reliability": "B",
        "credibility": 2,
        "received_at": row["at"],
        "known_at": row["at"],
        "pending": False,
    }


def _report(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "incident_id": row["id"],
        "source_id": row["source"],
        "locality_id": row["ward"],
        "channel": "web",
        "how_known": "told",
        "received_at": row["at"],
    }


def _evidence(row: dict[str, Any]) -> dict[str, Any]:
    kind = catalogue.kind(row["kind"])
    return {
        "incident_id": row["id"],
        "locality_id": row["ward"],
        "category": kind.form,
        "day": row["at"].date(),
        "event_at": row["at"],
        "weight": 0.5,
        "counted": 0.5,
        "fast": kind.fast,
        "slow": kind.slow,
    }


def _change(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "incident_id": row["id"],
        "locality_id": row["ward"],
        "known_at": row["at"],
        "event_at": row["at"],
        "fast": 0.5,
        "slow": 0.5,
        "count": 1,
    }


def one_more(runtime: Runtime, town: Installation, rng: random.Random) -> tuple[float, float]:
    """Record one report and score it; the real and the processor seconds of the scoring."""
    now = datetime.now(UTC)
    with runtime.worker.open(service("seed"), write=True) as session:
        ward = rng.choice(town.wards)
        person = session.scalars(select(Person).where(Person.code == town.reporters[ward][0].code)).one()
        standing = people.standings_of(session, person.id)[0]
        source = reports.source_for(session, now, group=standing.committee_id, person_id=person.id)
        place = by_code(session, ward)
        new = reports.NewReport(uuid.uuid4(), place, "angry_crowd", now, "told", "web", source)
        reports.record(session, now, new)
        session.commit()
    began, used = time.perf_counter(), time.process_time()
    with runtime.worker.open(service("engine"), write=True) as session:
        engine.score_pending(session, datetime.now(UTC), rng)
        session.commit()
    return time.perf_counter() - began, time.process_time() - used


def measure(name: str, large: int, rounds: int) -> Iterator[tuple[int, float, float]]:
    """History rows, and the median real and processor seconds of one more incident, small first."""
    with installations(name) as make:
        towns = {count: make() for count in (SMALL, large)}
        runtimes = {n: build(config_for(town.url, town.folder), None, {}) for n, town in towns.items()}
        for count, runtime in runtimes.items():
            fill(runtime, count, random.Random(1))
            if name == "PostgreSQL":
                with runtime.worker.engine.connect() as connection:
                    connection.exec_driver_sql("analyze")
        spans: dict[int, list[tuple[float, float]]] = {count: [] for count in towns}
        for turn in range(rounds + 3):
            for count, town in towns.items():
                spans[count].append(one_more(runtimes[count], town, random.Random(turn)))
        for count in towns:
            kept = spans[count][3:]
            yield count, median(s[0] for s in kept), median(s[1] for s in kept)
        for runtime in runtimes.values():
            runtime.close()


def table(engines: tuple[str, ...], quick: bool) -> Table:
    """One row per engine and size of history; the ratio is that of the larger to the smaller."""
    rows: list[tuple[str, ...]] = []
    for name in engines:
        peer = 0.0
        for count, real, cpu in measure(
            name, QUICK_LARGE if quick else LARGE, QUICK_ROUNDS if quick else ROUNDS
        ):
            cost = cpu if name == "SQLite" else real
            ratio = "" if count == SMALL else f"{cost / peer:.2f}"
            peer = peer or cost
            rows.append((name, f"{count:,}", ms(real), ms(cpu), ratio, str(PROMISED) if ratio else ""))
    columns = ("database", "history rows", "real time", "processor time", "ratio", "promised at most")
    return Table("Cost of scoring one more incident", columns, rows)
