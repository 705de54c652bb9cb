"""Rescoring very many places after a profile change, beside a bare read of the same rows: seconds and memory.

A country of 300,000 places with six neighbours each is written inside the database; its profile changes a coefficient. The bare read asks
for the same states and links by the same statements and does nothing with them. Memory is what the process grew by at its peak.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import cast, func, insert, literal, select, update
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from alerts import engine, rescoring, reweighing
from alerts.assessing import Score
from alerts.evidence import RiskState
from alerts.risk.numbers import STARTER
from benchmarks import filling
from benchmarks.installation import Installation, installations
from benchmarks.tables import Table, ms
from committees import profiles
from committees.places import Country, Locality, LocalityPath, Neighbour
from coordination.jobs import JOBS
from coordination.runtime import Runtime, build
from foundation.policy import service
from tests.make import config_for

PLACES, QUICK = 300_000, 20_000
PLACE, ROOT, NEIGHBOURS = 3, UUID(int=4 << 96), 6
CODE = "XB"


def fill(town: Installation, count: int) -> None:
    """Write a country of so many quiet places (level 1) under one root, each with a state and six neighbours in a ring."""
    country, places, paths, links, states = (
        model.metadata.tables[model.__tablename__]
        for model in (Country, Locality, LocalityPath, Neighbour, RiskState)
    )
    now = datetime.now(UTC)
    with filling.quickly(town.url) as connection:
        names = {"en": "Bench"}
        row = {"code": CODE, "names": names, "level_names": {}, "languages": [], "zone": "Asia/Karachi",
               "emergency": "1", "scored_levels": ["place"], "settings": {}}  # fmt: skip
        connection.execute(insert(country), [row])
        tables = (places, paths, links, states)
        with filling.without_indexes(connection, *tables):
            series = filling.series(connection, 1, count)
            key = filling.key_of(connection, series.c.n, PLACE)
            fixed = {"country_code": CODE, "level": "place", "names": names}
            root = {**fixed, "id": ROOT, "code": "XB-0", "parent_id": None}
            connection.execute(insert(places), [root])
            code = literal("XB-").op("||")(cast(series.c.n, String))
            own = {**fixed, "id": key, "code": code, "parent_id": ROOT, "depth": 1}
            filling.put(connection, places, series, own)
            connection.execute(insert(paths), [{"ancestor_id": ROOT, "descendant_id": ROOT, "depth": 0}])
            filling.put(connection, paths, series, {"ancestor_id": ROOT, "descendant_id": key, "depth": 1})
            filling.put(connection, paths, series, {"ancestor_id": key, "descendant_id": key, "depth": 0})
            for step in range(1, NEIGHBOURS // 2 + 1):
                for shift in (step, count - step):
                    near = filling.key_of(connection, (series.c.n - 1 + shift) % count + 1, PLACE)
                    linked = {"locality_id": key, "neighbour_id": near, "weight": 1.0}
                    filling.put(connection, links, series, linked)
            fast, slow = (series.c.n % 97) * 0.0011, (series.c.n % 89) * 0.0017
            at = {name: now - timedelta(days=3) for name in ("fast_at", "slow_at", "assessed_at")}
            state = {**at, "locality_id": key, "fast": fast, "slow": slow, "level": 1, "known": True,
                     "weighing": STARTER.weighing}  # fmt: skip
            filling.put(connection, states, series, state)
        for table in tables:
            if not filling.is_sqlite(connection):
                connection.exec_driver_sql(f"analyze {table.name}")


def peak() -> int:
    """The most memory that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def bare(session: Session) -> int:
    """Read the states and links of all places in the same chunks; return how many places."""
    after, total = UUID(int=0), 0
    while True:
        rows = select(*rescoring.FIELDS).join(
            LocalityPath, LocalityPath.descendant_id == RiskState.locality_id
        )
        rows = rows.where(LocalityPath.ancestor_id == ROOT, RiskState.locality_id > after)
        found = session.execute(rows.order_by(RiskState.locality_id).limit(rescoring.CHUNK)).all()
        if not found:
            return total
        total += len(found)
        first, after = found[0].locality_id, found[-1].locality_id
        links = select(Neighbour.locality_id, Neighbour.weight, RiskState.fast, RiskState.fast_at)
        links = links.outerjoin(RiskState, RiskState.locality_id == Neighbour.neighbour_id)
        session.execute(links.where(Neighbour.locality_id >= first, Neighbour.locality_id <= after)).all()


def change(runtime: Runtime) -> None:
    """Put a version in force that moves every score a little."""
    with runtime.worker.open(service("seed"), write=True) as session:
        now, document = datetime.now(UTC), {"coefficients": {"slow": 0.0371}}
        made = profiles.draft(session, now, ROOT, document, author_id=None, reason="bench")
        profiles.publish(session, now, made)
        session.commit()


def take_up(runtime: Runtime) -> None:
    """Let the job work until the version is taken up, a transaction for each batch."""
    done = 1
    while done:
        with runtime.worker.open(service("engine"), write=True) as session:
            done = reweighing.take_up(session, datetime.now(UTC))
            session.commit()


def watched(runtime: Runtime) -> None:
    """Let the places be watched, and stale: nobody looked at them for three days."""
    with runtime.worker.open(service("seed"), write=True) as session:
        rows = update(Locality).where(Locality.country_code == CODE, Locality.parent_id.is_not(None))
        session.execute(rows.values(watched=True))
        session.execute(
            update(RiskState).values(assessed_at=datetime.now(UTC) - timedelta(days=3), due=False)
        )
        session.commit()


def look_again(runtime: Runtime) -> int:
    """What the job does in one slot: look for stale places and assess as many as it may."""
    (job,) = (job for job in JOBS if job.name == "reassess_stale")
    return job.work(runtime)


def timed(work: Any, *given: Any) -> tuple[float, float, int]:
    """Real and processor seconds of some work, and by how many bytes the peak of memory grew."""
    before, began, used = peak(), time.perf_counter(), time.process_time()
    work(*given)
    return time.perf_counter() - began, time.process_time() - used, peak() - before


Timed = tuple[float, float, int]


def measure(name: str, count: int) -> tuple[Timed, Timed, int, Timed]:
    """The bare read, the rescoring, how many scores were written, and one slot of looking at stale places again."""
    with installations(name) as make:
        town = make()
        fill(town, count)
        runtime = build(config_for(town.url, town.folder), None, {})
        with runtime.worker.open(service("engine")) as session:
            read = timed(bare, session)
        change(runtime)
        scored = timed(take_up, runtime)
        with runtime.worker.open(service("engine")) as session:
            made = session.scalar(
                select(func.count()).select_from(Score).join(Locality).where(Locality.country_code == CODE)
            )
        watched(runtime)
        looked = timed(look_again, runtime)
        runtime.close()
    return read, scored, made or 0, looked


def table(engines: Sequence[str], quick: bool) -> Table:
    """One row for each engine and way."""
    count, rows = QUICK if quick else PLACES, []
    for name in engines:
        read, scored, made, looked = measure(name, count)
        rows.append(
            (name, f"bare read of {count:,}", ms(read[0]), ms(read[1]), f"{read[2] / 2**20:.0f} MB", "1.0")
        )
        ratio = f"{scored[0] / read[0]:.1f}"
        rows.append(
            (
                name,
                f"rescored, {made:,} scores",
                ms(scored[0]),
                ms(scored[1]),
                f"{scored[2] / 2**20:.0f} MB",
                ratio,
            )
        )
        slots = -(-PLACES // engine.MOST_STALE)
        rows.append(
            (
                name,
                f"one slot of {engine.MOST_STALE} stale; {PLACES:,} take {slots * engine.LOOK_EVERY / 3600:.1f} h",
                ms(looked[0]),
                ms(looked[1]),
                f"{looked[2] / 2**20:.0f} MB",
                f"{looked[0] / read[0]:.1f}",
            )
        )
    columns = ("database", "what", "real time", "processor time", "memory grew by", "to the bare read")
    return Table("Rescoring every place after a profile change", columns, rows)
