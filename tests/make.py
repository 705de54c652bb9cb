"""Builders with good defaults: a small real town on either database, its people, its clock, its channels. No test needs more to begin.

`Town` is the whole installation as a process would have it, with the clock and the channels in the test's hands.
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from alerts import engine, readiness
from alerts.channels.base import Channel
from committees import accounts, people, reports
from committees.flashpoints import rows_between
from committees.people import Person
from committees.places import Locality, by_code, upwards
from committees.windows import DateHere, Spans, stand_at
from coordination import seeding, seeds
from coordination.app import create_app
from coordination.jobs import run_until_quiet
from coordination.runtime import Runtime, build
from foundation.config import Config
from foundation.policy import service

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday, 14:00 in Mardan
PASSWORD = "lantern river seven"
#: What goes out by the clock whatever was reported: the question of the check-in, its reminder, word of a ward without news, and of calls
#: that nobody made.
BY_THE_CALENDAR = ("checkin_prompt", "checkin_reminder", "locality_silent", "call_late")
SECRET = "a secret key of the tests, long enough"
WARD = "PK-KP-MARDAN-W7"


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


class Town:
    """Mardan and the other cities of the seed, ready to be used: clients, phones, time."""

    def __init__(self, runtime: Runtime, clock: FakeClock) -> None:
        self.runtime, self.clock = runtime, clock
        self._slots: set[tuple[str, int]] = set()

    @cached_property
    def app(self) -> APIFlask:
        """The pages, the hooks and the API; most tests of what goes on behind them never ask for it."""
        app = create_app(runtime=self.runtime)
        app.testing = True
        app.jinja_env.bytecode_cache = _COMPILED
        return app

    @contextmanager
    def session(self, name: str = "seed", *, write: bool = False) -> Iterator[Session]:
        """A session of a service, committed at the end if it writes."""
        with self.runtime.worker.open(service(name), write=write) as session:
            yield session
            if write:
                session.commit()

    def work(self) -> int:
        """Let every job run until none finds work."""
        # As the ticker of a process does, it asks once for each slot of a periodic job.
        return run_until_quiet(self.runtime, slots=self._slots)

    def later(self, **by: float) -> int:
        """Move the clock and let the jobs run."""
        self.clock.move(**by)
        return self.work()

    def person(self, session: Session, code: str) -> Person:
        return session.scalars(select(Person).where(Person.code == code)).one()

    def browser(self, code: str | None = None, language: str = "en") -> Browser:
        """A browser that reads `language`, signed in as this person if one is named."""
        browser = Browser(self.app.test_client())
        browser.client.set_cookie("concord_language", language)
        if code:
            browser.sign_in(code)
        return browser

    def report(
        self, person: str = "member1.mardan", locality: str = WARD, kind: str = "angry_crowd", **fields: Any
    ) -> uuid.UUID:
        """A report of a member, as a door would record it; returns the incident's id."""
        with self.session("seed", write=True) as session:
            place: Locality = by_code(session, locality)
            who = self.person(session, person)
            standing = people.standings_of(session, who.id)[0]
            source = reports.source_for(
                session, self.clock.now(), group=standing.committee_id or standing.office_id, person_id=who.id
            )
            contacts = people.contacts_of(session, who.id)
            new = reports.NewReport(
                id=fields.pop("id", uuid.uuid4()),
                locality=place,
                kind=kind,
                occurred_at=fields.pop("occurred_at", self.clock.now()),
                how_known=fields.pop("how_known", "saw"),
                channel=fields.pop("channel", "web"),
                source=source,
                ongoing=fields.pop("ongoing", "yes"),
                contact_point_id=contacts[0].id if contacts else None,
                language=who.language,
                script=who.script,
                **fields,
            )
            return reports.record(session, self.clock.now(), new).incident.id


class Browser:
    """A test client that keeps cookies, finds form tokens and hidden ids by itself, and follows redirects like a person's browser."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page = ""
        self.status = 0
        self.path = ""

    def open(self, path: str) -> str:
        response = self.client.get(path, follow_redirects=True)
        self.page, self.status, self.path = (
            response.get_data(as_text=True),
            response.status_code,
            response.request.path,
        )
        return self.page

    def send(self, path: str, **fields: Any) -> str:
        """Send the form of the page that is open: its hidden fields, then these."""
        data: dict[str, Any] = {**self.hidden(path), **fields}
        response = self.client.post(path, data=data, follow_redirects=True)
        self.page, self.status, self.path = (
            response.get_data(as_text=True),
            response.status_code,
            response.request.path,
        )
        return self.page

    def hidden(self, action: str) -> dict[str, str]:
        """The hidden fields of the form with this action on the open page."""
        form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>.*?</form>', self.page, re.S)
        found = re.findall(
            r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.group(0) if form else self.page
        )
        return dict(found)

    def sign_in(self, code: str) -> None:
        self.open("/sign-in")
        self.send("/sign-in", sign_in=code, password=PASSWORD)
        assert self.status == 200, self.page


def build_template(url: str, folder: Path) -> None:
    """Upgrade and seed a database once per worker; tests copy it."""
    runtime = build(config_for(url, folder), FakeClock(), {})
    with runtime.worker.open(service("seed"), write=True) as session:
        seeding.seed(session, START - timedelta(days=30), seeds.DEMO)
        hashed = None
        for person in session.scalars(select(Person)):
            if hashed is None:
                hashed = accounts.set_password(session, person, person.code, PASSWORD).password_hash
            else:
                session.add(accounts.Account(person_id=person.id, sign_in=person.code, password_hash=hashed))
        session.commit()
    # Every place is looked at once here, so that no test pays for it.
    with runtime.worker.open(service("engine"), write=True) as session:
        while engine.reassess_stale(session, START - timedelta(hours=1), random.Random(7)):
            pass
        while readiness.keep(session, START - timedelta(hours=1), 100):
            pass
        session.commit()
    runtime.close()


def config_for(url: str, folder: Path, **changes: Any) -> Config:
    """The settings of a test installation."""
    return Config(
        data=folder,
        database_url=url,
        owner_database_url=url,
        worker_database_url=url,
        secret_key=SECRET,
        public_url="http://localhost",
        # Real holidays would raise watchfulness on the tests' own days; tests of the calendar ask for them.
        **{"public_holidays": False, **changes},
    )


class _CompiledTemplates(BytecodeCache):
    """Templates as compiled once in this process: every town makes an application of its own."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _CompiledTemplates()
_BUILDERS: dict[tuple[str, bool], Any] = {}
_compile_builder = Rule._compile_builder


def _compiled_once(rule: Rule, append_unknown: bool = True) -> Any:
    """What builds the addresses of a rule, compiled once in this process: it depends on nothing but the rule."""
    if rule.defaults:
        return _compile_builder(rule, append_unknown)
    key = (rule.rule, append_unknown)
    if key not in _BUILDERS:
        _BUILDERS[key] = _compile_builder(rule, append_unknown)
    return _BUILDERS[key]


Rule._compile_builder = _compiled_once  # type: ignore[method-assign]


def make_town(
    url: str,
    folder: Path,
    channels: dict[str, Channel] | None = None,
    clock: FakeClock | None = None,
    **settings: Any,
) -> Town:
    """A town on a seeded database."""
    clock = clock or FakeClock()
    runtime = build(config_for(url, folder, **settings), clock, channels)
    runtime.rng = random.Random(7)
    return Town(runtime, clock)


def dates_between(
    session: Session, place_id: uuid.UUID, first: date, last: date, spans: Spans, at: datetime | None = None
) -> list[DateHere]:
    """The dates of a place with a day between these, the earliest first, cancelled ones among them; as known at `at`."""
    chain = [place.id for place in upwards(session, place_id)]
    found = stand_at(chain, *rows_between(session, chain, first, last, at), spans)
    return [one for one in found if one.starts <= last and one.ends >= first]
