"""The cost of scoring one more incident, with little and with much history in the database: it must not grow.

History is written inside the database, spread over ten years and over all wards of the seed; the last four weeks hold
the same number of incidents whatever the history. Incidents are
then recorded and scored one at a time, in turns on both databases, so that a busy machine disturbs both
alike. What is compared is processor time on SQLite, which runs in this process; PostgreSQL's spans are real time.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from statistics import median
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    case,
    cast,
    func,
    insert,
    literal,
    select,
)

from alerts import engine
from alerts.evidence import Evidence, EvidenceChange
from benchmarks import filling
from benchmarks.installation import Installation, installations
from benchmarks.tables import Table as Printed
from benchmarks.tables import ms
from committees import catalogue, people, reports
from committees.incidents import VERIFIED, Incident
from committees.people import Person
from committees.places import Locality, by_code, town_of
from committees.reports import Report, Source
from coordination.runtime import Runtime, build
from foundation.policy import service
from tests.make import config_for

SMALL, QUICK_LARGE, LARGE = 10_000, 200_000, 10_000_000
RECENT = 2_000  # of them in the last 28 days, on both: what is compared is history, not a busier month
ROUNDS, QUICK_ROUNDS = 40, 15
YEARS = 10
PROMISED = 1.2
DAYS = 86_400
KINDS = ("rumour", "angry_crowd", "small_fight", "small_damage", "land_water_dispute")
INCIDENT, SOURCE = 1, 2


def fill(town: Installation, count: int) -> None:
    """Write so many verified incidents of the past, with their reports and weights, as scoring left them behind."""
    runtime = build(config_for(town.url, town.folder), None, {})
    with runtime.worker.open(service("seed")) as session:
        wards = session.scalars(select(Locality).where(Locality.level == "ward", Locality.watched)).all()
        places = [(ward.id, town_of(session, ward).id) for ward in wards]
    runtime.close()
    with filling.quickly(town.url) as connection:
        homes = _homes(connection, places)
        tables = [
            model.metadata.tables[model.__tablename__]
            for model in (Incident, Report, Evidence, EvidenceChange)
        ]
        with filling.without_indexes(connection, *tables):
            old, now = count - RECENT, datetime.now(UTC).timestamp()
            start, edge = now - YEARS * 365 * DAYS, now - 29 * DAYS
            _write(connection, homes, tables, (1, old), (start, edge))
            _write(connection, homes, tables, (old + 1, count), (edge, now - DAYS))
        for table in tables:  # what PostgreSQL's autovacuum does within a minute
            if not filling.is_sqlite(connection):
                connection.exec_driver_sql(f"analyze {table.name}")


def _homes(connection: Connection, places: Sequence[tuple[UUID, UUID]]) -> Table:
    """A table of the wards by number, with their towns and one source each."""
    homes = Table(
        "bench_home",
        MetaData(),
        Column("k", Integer, primary_key=True),
        Column("ward", Uuid),
        Column("town", Uuid),
        Column("source", Uuid),
        prefixes=["TEMPORARY"],
    )
    homes.create(connection)
    rows = [
        {"k": k, "ward": w, "town": t, "source": UUID(int=(SOURCE << 96) + k)}
        for k, (w, t) in enumerate(places)
    ]
    connection.execute(insert(homes), rows)
    sources = Source.metadata.tables["source"]
    said = {"known": True, "kind": "member", "first_at": datetime.now(UTC), "committee_id": None}
    connection.execute(insert(sources), [{**said, "id": row["source"]} for row in rows])
    return homes


def _write(
    connection: Connection,
    homes: Table,
    tables: Sequence[Table],
    numbers: tuple[int, int],
    span: tuple[float, float],
) -> None:
    row = filling.series(connection, *numbers)
    wards = connection.scalar(select(func.count()).select_from(homes))
    # Neighbouring numbers lie in different wards, and each ward has all kinds.
    source = row.join(homes, homes.c.k == (row.c.n % wards) * 7919 % wards)
    step = (span[1] - span[0]) / (numbers[1] - numbers[0] + 1)
    epoch = span[0] + (row.c.n - numbers[0]) * step
    at, key = filling.moment_of(connection, epoch), filling.key_of(connection, row.c.n, INCIDENT)
    ward = {"locality_id": homes.c.ward}
    kind = func.coalesce(*[case((row.c.n % len(KINDS) == i, k)) for i, k in enumerate(KINDS)])
    form = func.coalesce(
        *[case((row.c.n % len(KINDS) == i, catalogue.kind(k).form)) for i, k in enumerate(KINDS)]
    )
    incidents, said, weights, changes = tables
    filling.put(
        connection, incidents, source,
        {**ward, "id": key, "reference": literal("past-").op("||")(cast(row.c.n, String)), "town_id": homes.c.town,
         "source_id": homes.c.source, "kind": kind, "severity": 2, "occurred_at": at, "how_known": "told",
         "state": VERIFIED, "reliability": "B", "credibility": 2, "received_at": at, "known_at": at,
         "pending": False},
    )  # fmt: skip
    filling.put(
        connection, said, source,
        {**ward, "id": key, "incident_id": key, "source_id": homes.c.source, "channel": "web", "how_known": "told",
         "received_at": at},
    )  # fmt: skip
    weighs = {**ward, "incident_id": key, "event_at": at, "counted": 0.5}
    day = filling.day_of(connection, epoch)
    filling.put(
        connection, weights, source, {**weighs, "category": form, "day": day, "weight": 0.5, "changes": 1}
    )
    filling.put(
        connection, changes, source,
        {**weighs, "id": key, "known_at": at, "fast": 0.5, "slow": 0.5, "count": 1},
    )  # fmt: skip


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
        for count, town in towns.items():
            fill(town, count)
        runtimes = {n: build(config_for(town.url, town.folder), None, {}) for n, town in towns.items()}
        spans: dict[int, list[tuple[float, float]]] = {count: [] for count in towns}
        for turn in range(rounds + 3):
            for count, town in towns.items():
                spans[count].append(one_more(runtimes[count], town, random.Random(turn)))
        for count in towns:
            kept = spans[count][3:]
            yield count, median(s[0] for s in kept), median(s[1] for s in kept)
        for runtime in runtimes.values():
            runtime.close()


def table(engines: tuple[str, ...], quick: bool) -> Printed:
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
    return Printed("Cost of scoring one more incident", columns, rows)
