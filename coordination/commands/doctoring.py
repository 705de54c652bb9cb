"""`concord doctor`: looks at settings, database, rights, channels, clock, disk, keys and processes; says of each finding what to do.

It changes nothing, so it opens the database by itself: a runtime would upgrade the schema first.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from sqlalchemy import Connection, Engine, make_url, select, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from alerts import alarm_sentences, recorded
from alerts.channels import open_channels
from alerts.channels.console import Console
from alerts.reconciling import Reconciliation
from alerts.spoken import RECORDED, lines
from committees.places import Locality
from coordination import collecting, pulse, schema
from coordination.collected import Collection
from coordination.commands import config
from coordination.pulse import SILENT
from foundation import alarms
from foundation.clock import SystemClock
from foundation.config import Config
from foundation.db import Database, make_engine
from foundation.errors import Problem
from foundation.jobs import Heartbeat
from foundation.migrate import is_current
from foundation.policy import WEB_ROLE, WORKER_ROLE, service

assert schema.ROOMS
GOOD, ADVICE, BROKEN = "ok", "advice", "broken"
CLOCK_MAY_DIFFER = timedelta(seconds=30)
BUILT_AFTER = datetime(2026, 1, 1, tzinfo=UTC)
LITTLE_DISK, TOO_LITTLE_DISK = 2 * 2**30, 200 * 2**20


@dataclass(frozen=True)
class Found:
    """One finding: ok, advice or broken; what it is; and what to do where it is not well."""

    state: str
    what: str
    do: str = ""


@click.command("doctor")
def doctor_command() -> None:
    """Check this installation. Each finding says what to do; exit status 1 if something is broken."""
    found = list(examine(config()))
    for one in found:
        click.echo(f"{one.state:<7} {one.what}" + (f"\n        {one.do}" if one.do else ""))
    broken = sum(one.state == BROKEN for one in found)
    if broken:
        raise Problem(
            f"{broken} of {len(found)} checks found something broken.",
            "Do what stands under each, then run: concord doctor",
        )


def examine(settings: Config) -> Iterator[Found]:
    """Everything that was found, in the order in which one would mend it."""
    yield Found(GOOD, f"Settings are read. Pages are at {settings.public_url}; data is in {settings.data}.")
    yield from _https(settings)
    yield from _folder(settings.data)
    yield from _keys(settings.data)
    yield from _database(settings)
    yield from _channels(settings)


def _https(settings: Config) -> Iterator[Found]:
    host = settings.public_url.partition("//")[2].partition("/")[0].partition(":")[0]
    if not settings.secure and host not in ("127.0.0.1", "localhost"):
        yield Found(
            ADVICE,
            "People reach the pages without encryption.",
            "Put an https proxy before it and set CONCORD_PUBLIC_URL to https://...",
        )


def _folder(data: Path) -> Iterator[Found]:
    if not data.is_dir():
        yield Found(
            BROKEN, f"The data folder {data} is not there.", "Run: concord db upgrade, or set CONCORD_DATA."
        )
        return
    free = shutil.disk_usage(data).free
    state = BROKEN if free < TOO_LITTLE_DISK else ADVICE if free < LITTLE_DISK else GOOD
    yield Found(
        state,
        f"{free / 2**30:.1f} GB are free in {data}.",
        "" if state == GOOD else "Make room: a full disk stops reports from being stored.",
    )


def _keys(data: Path) -> Iterator[Found]:
    """Key files must be there for nobody but the owner."""
    for path in (data / "keys" / "columns.keys", data / "secret.key"):
        if not path.exists():
            continue
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield Found(BROKEN, f"Others on this machine can read {path}.", f"Run: chmod 600 {path}")
        elif not path.read_bytes().strip():
            yield Found(
                BROKEN,
                f"{path} is empty.",
                "Put it back from the backup of the keys: without it nothing sealed can be opened.",
            )
        else:
            yield Found(GOOD, f"Only its owner can read {path.name}. Keep a copy apart from the database.")


def _database(settings: Config) -> Iterator[Found]:
    try:
        engine = make_engine(settings.database_url)
    except (ArgumentError, ImportError) as error:
        yield Found(BROKEN, f"The database address cannot be used: {error}.", "Check CONCORD_DATABASE_URL.")
        return
    try:
        yield from _opened_database(engine, settings)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        yield Found(
            BROKEN,
            f"The database does not answer: {reason}",
            "Check that it runs and that CONCORD_DATABASE_URL names it.",
        )
    finally:
        engine.dispose()


def _opened_database(engine: Engine, settings: Config) -> Iterator[Found]:
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        yield Found(BROKEN, f"There is no database at {url.database} yet.", "Run: concord db upgrade")
        return
    with engine.connect() as connection:
        yield Found(GOOD, f"The database answers ({connection.dialect.name}).")
        if not is_current(engine):
            yield Found(BROKEN, "The newest migration has not run.", "Run: concord db upgrade")
            return
        yield Found(GOOD, "The database is at the newest schema.")
        rights = list(_rights(connection, settings))
        yield from rights
        yield from _clock(connection, settings)
        if all(one.state != BROKEN for one in rights):
            yield from _heartbeats(connection, settings)
            yield _sums(connection)
            yield from _alarms(settings)
            yield from _recordings(settings)
            yield from _sources(settings)


def _sources(settings: Config) -> Iterator[Found]:
    """Whether the town that a form server or the mailbox is set up for is there, and what was wrong when it was last asked."""
    towns = {name: hook.place for name, hook in settings.form_hooks.items()}
    towns |= {name: server.place for name, server in settings.form_servers.items()}
    towns |= {collecting.MAIL_NAME: settings.mailbox.place} if settings.mailbox else {}
    with (
        closing(Database(settings.worker_database_url, role=WORKER_ROLE)) as database,
        database.open(service("intake")) as session,
    ):
        known = set(session.scalars(select(Locality.code).where(Locality.code.in_(set(towns.values())))))
        wrong = {row.name: row.error for row in session.scalars(select(Collection)) if row.error}
    for name, town in towns.items():
        if town not in known:
            yield Found(
                BROKEN,
                f"Source {name}: there is no place with the code {town}.",
                "Write the code of a town of yours after place= in its setting; what comes in meanwhile goes to the first committee.",
            )
        elif name in wrong:
            yield Found(
                ADVICE,
                f"Source {name}: {wrong[name]}",
                "See docs/imports.md, and try it with: concord import forms",
            )
        else:
            yield Found(GOOD, f"Source {name} is set up for {town}.")


def _recordings(settings: Config) -> Iterator[Found]:
    """Which lines of calls nobody has recorded yet, for the languages that no voice of the phone service speaks."""
    if not settings.voice_from:
        return
    with (
        closing(Database(settings.worker_database_url, role=WORKER_ROLE)) as database,
        database.open(service("command")) as session,
    ):
        rows = recorded.all_of(session)
    for language, name in RECORDED.items():
        if language not in settings.locales:
            continue
        ready = {line for (of, line), row in rows.items() if of == language and row.heard_at}
        missing = [line for line in lines(language) if line not in ready]
        if missing:
            yield Found(
                ADVICE,
                f"Calls in {name} say {len(missing)} of {len(lines(language))} lines in English: {', '.join(missing)}.",
                "Record them at /admin/voice, and let a second person sign each off.",
            )
        else:
            yield Found(GOOD, f"Calls in {name} play recordings for every line.")


def _alarms(settings: Config) -> Iterator[Found]:
    """What stands still until a person acts, in the sentences of the page of health."""
    now = SystemClock().now()
    with (
        closing(Database(settings.worker_database_url, role=WORKER_ROLE)) as database,
        database.open(service("command")) as session,
    ):
        open_alarms = alarms.sounding(session)
    if not open_alarms:
        yield Found(GOOD, "No alarm is open.")
    for alarm in open_alarms:
        yield Found(ADVICE, alarm_sentences.sentence(alarm, now), alarm_sentences.what_to_do(alarm))


def _sums(connection: Connection) -> Found:
    """What the last nightly count of the sums behind the scores found."""
    rows = select(Reconciliation.finished_at, Reconciliation.places, Reconciliation.differing)
    rows = rows.where(Reconciliation.finished_at.is_not(None)).order_by(Reconciliation.begun_at.desc())
    last = connection.execute(rows.limit(1)).first()
    if last is None:
        return Found(
            ADVICE,
            "The sums behind the scores have not been counted again yet.",
            "Once a day a worker does it: run concord worker, or concord serve --all-in-one.",
        )
    if last.differing:
        return Found(
            ADVICE,
            f"Of {last.places} places {last.differing} had sums that were not those of the list of changes; they were put right.",
            "Look for sums:corrected in the record, and tell those who look after Concord.",
        )
    return Found(
        GOOD, f"The sums of {last.places} places equal the list of changes ({last.finished_at:%Y-%m-%d})."
    )


def _rights(connection: Connection, settings: Config) -> Iterator[Found]:
    if connection.dialect.name == "sqlite":
        yield Found(
            ADVICE,
            "SQLite has no row-level security: who sees what is kept by the program alone.",
            "Good for one town on one machine. For more, use PostgreSQL, which keeps the same rules by itself.",
        )
        return
    mighty = connection.scalar(
        text("select rolsuper or rolbypassrls from pg_roles where rolname = session_user")
    )
    secured = connection.scalar(
        text("select count(*) from pg_class where relrowsecurity and relforcerowsecurity")
    )
    web = connection.scalar(text("select count(*) from pg_roles where rolname = :role"), {"role": WEB_ROLE})
    if not secured or not web:
        yield Found(
            BROKEN,
            "Row-level security is not in force.",
            "Run: concord db upgrade, as the owner of the database.",
        )
    else:
        yield Found(GOOD, f"Row-level security is in force on {secured} tables; pages run as {WEB_ROLE}.")
    if mighty:
        yield Found(
            ADVICE,
            "The web process signs in as a superuser of the database and only then gives up its rights.",
            f"Make a user of its own that is a member of {WEB_ROLE} only, and name it in CONCORD_DATABASE_URL.",
        )
    elif settings.database_url == settings.owner_database_url:
        yield Found(
            ADVICE,
            "The web process signs in as the owner of the tables.",
            f"Keep the owner in CONCORD_OWNER_DATABASE_URL and give the web process a member of {WEB_ROLE} only.",
        )


def _clock(connection: Connection, _settings: Config) -> Iterator[Found]:
    now = SystemClock().now()
    if now < BUILT_AFTER:
        yield Found(
            BROKEN,
            f"This machine thinks that it is {now:%Y-%m-%d}.",
            "Set its clock, best with NTP: warnings depend on it.",
        )
        return
    if connection.dialect.name == "postgresql":
        there = connection.scalar(text("select clock_timestamp()"))
        apart = abs(there - now) if isinstance(there, datetime) else timedelta(0)
        if apart > CLOCK_MAY_DIFFER:
            yield Found(
                BROKEN,
                f"The clocks of this machine and of the database are {apart.total_seconds():.0f} seconds apart.",
                "Set both with NTP.",
            )
            return
    yield Found(GOOD, f"The clock says {now:%Y-%m-%d %H:%M} UTC.")


def _heartbeats(connection: Connection, settings: Config) -> Iterator[Found]:
    if connection.dialect.name == "postgresql":
        connection.execute(
            text(f'set role "{WEB_ROLE}"')
        )  # as the pages do; a login may hold no rights itself
    rows = connection.execute(select(Heartbeat.process, Heartbeat.at)).all()
    beats: dict[str, datetime] = dict(rows)
    if settings.engine == "procrastinate":
        yield _of_procrastinate(settings)
        return
    for process in ("worker", "scheduler"):
        at = beats.get(process)
        if at is None or SystemClock().now() - at > SILENT:
            last = f"last heard from on {at:%Y-%m-%d %H:%M} UTC" if at else "never heard from"
            yield Found(
                ADVICE,
                f"The {process} is not running ({last}).",
                "Start: concord serve --all-in-one, or concord worker. Nothing is sent without it.",
            )
        else:
            yield Found(GOOD, f"The {process} is running.")


def _of_procrastinate(settings: Config) -> Found:
    """How many workers of CONCORD_ENGINE=procrastinate are there, on whichever host."""
    with closing(Database(settings.worker_database_url, role=WORKER_ROLE)) as database:
        seen = pulse.workers_seen(database.engine, SystemClock().now())
    if seen:
        return Found(GOOD, f"Workers of procrastinate: {seen}.")
    why = "its tables are not there" if seen is None else "none was heard from for two minutes"
    return Found(
        ADVICE,
        f"No worker of procrastinate is running: {why}.",
        "Start concord worker. Nothing is sent without it.",
    )


def _channels(settings: Config) -> Iterator[Found]:
    channels = open_channels(settings)
    advice: dict[str, tuple[str, Callable[[], str]]] = {
        "sms": (
            "CONCORD_TWILIO_ACCOUNT_SID, CONCORD_TWILIO_AUTH_TOKEN and CONCORD_TWILIO_FROM",
            lambda: ", ".join(settings.twilio_from),
        ),
        "email": ("CONCORD_SMTP_URL", lambda: settings.mail_from),
        "whatsapp": ("", lambda: ", ".join(settings.whatsapp_from)),
        "voice": ("", lambda: ", ".join(settings.voice_from)),
        "apprise": ("", lambda: ", ".join(settings.apprise_routes)),
    }
    try:
        for key, (names, sender) in advice.items():
            if not isinstance(channels.get(key, Console()), Console):
                yield Found(GOOD, f"Messages by {key} go out from {sender()}.")
            elif names:
                yield Found(ADVICE, f"Messages by {key} reach nobody.", f"Set {names}.")
    finally:
        for channel in {id(one): one for one in channels.values()}.values():
            channel.close()
