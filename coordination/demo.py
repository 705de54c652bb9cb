"""The demonstration: a database with real places, invented people and a simulated year and a half, made once and kept.

What it simulates it says on every page. SMS and mail go to the console outbox, which has a page, unless SMTP_URL or Twilio are set.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alerts import engine
from committees import accounts, people, public_holidays, reports
from committees.checkins import CheckIn
from committees.committee import committee_for, sitting
from committees.incidents import Incident
from committees.people import ContactPoint, Office, Person, Scope
from committees.places import Locality, Neighbour, local_day, monday_of, zone_of
from coordination import history, seeding, seeding_dates, seeding_profiles, seeding_rosters, seeds
from coordination.cast import PASSWORD, SHOWN
from coordination.runtime import build
from foundation.clock import SystemClock
from foundation.config import Config
from foundation.jobs import Setting
from foundation.policy import service

Progress = Callable[[str, int, int], None]
SEED, HISTORY, CONFIRMED = 20_261, timedelta(days=548), timedelta(days=20)
READY = "demo_ready"
TOGETHER = ((), (), ("meal",), (), (), ("sport", "help"), (), ("sat_together", "rumour"))


@dataclass(frozen=True)
class DemoPerson:
    """One sign-in that the demonstration offers."""

    role: str
    name: str
    locality: str
    sign_in: str
    phone: str
    token: str


def settings_for(environ: dict[str, str], data: Path | None, port: int) -> Config:
    """The settings of a demonstration: its own folder and address; SMTP, Twilio and the database as the environment says."""
    folder = (data or Path(environ.get("CONCORD_DATA") or "var/demo")).resolve()
    given = {
        "CONCORD_DATA": str(folder),
        "CONCORD_PUBLIC_URL": environ.get("CONCORD_PUBLIC_URL", f"http://127.0.0.1:{port}"),
    }
    return replace(Config.from_env({**environ, **given}, demo=True), demo=True)


def prepare(config: Config, size: int, progress: Progress) -> list[DemoPerson]:
    """Build the database if it is not there yet; return the people to sign in as, with fresh tokens."""
    runtime = build(config, SystemClock())
    try:
        with runtime.worker.open(service("seed"), write=True) as session:
            if session.get(Setting, READY) is None:
                _fill(session, size, progress)
                session.add(Setting(key=READY, value="1"))
                session.commit()
        with runtime.worker.open(service("seed"), write=True) as session:
            shown = _people(session)
            session.commit()
        return shown
    finally:
        runtime.close()


def _fill(session: Session, size: int, progress: Progress) -> None:
    now = SystemClock().now()
    seeding.seed(session, now - HISTORY, seeds.DEMO, progress)
    public_holidays.enter(session, now)
    seeding_dates.enter_each(session, now, seeding_dates.demo_rows())
    seeding_rosters.enter_each(session, now, seeding_rosters.demo_rows())
    for row in seeding_profiles.demo_rows(now):
        seeding_profiles.enter(session, now, row)
    _accounts(session, progress)
    wards = _wards(session, size)
    _history(session, now, wards, progress)
    count = 0
    while done := engine.score_pending(session, now, Random(SEED), batch=500):  # noqa: S311 -- a simulation, not a secret
        count += done
        progress("scoring", count, count)
    _levels_of_the_past(session, now, wards, progress)
    _confirm_contacts(session, now)


def _confirm_contacts(session: Session, now: datetime) -> None:
    """Everybody confirmed their number lately, but for one office: the readiness board has something to show."""
    late = select(Scope.person_id).join(Office, Office.id == Scope.office_id)
    late = late.where(Office.role == "district_administration").order_by(Office.code.desc()).limit(1)
    rows = update(ContactPoint).where(ContactPoint.person_id.not_in(late))
    session.execute(rows.values(verified_at=now - CONFIRMED).execution_options(synchronize_session=False))


def _accounts(session: Session, progress: Progress) -> None:
    """One password for all of this made-up cast: hashed once, because hashing is meant to be slow."""
    cast = list(session.scalars(select(Person).order_by(Person.code)))
    hashed = accounts.set_password(session, cast[0], cast[0].code, PASSWORD).password_hash
    session.add_all(accounts.Account(person_id=p.id, sign_in=p.code, password_hash=hashed) for p in cast[1:])
    progress("accounts", len(cast), len(cast))


def _wards(session: Session, size: int) -> list[Locality]:
    rows = session.scalars(
        select(Locality).where(Locality.level == "ward", Locality.watched).order_by(Locality.code)
    )
    by_town: dict[Any, list[Locality]] = {}
    for ward in rows:
        by_town.setdefault(ward.parent_id, []).append(ward)
    towns = sorted(by_town.values(), key=lambda wards: "MARDAN" not in wards[0].code)
    return [ward for wards in towns[:size] for ward in wards]


def _history(session: Session, now: datetime, wards: list[Locality], progress: Progress) -> None:
    rng = Random(SEED)  # noqa: S311 -- a simulation, not a secret
    codes = {ward.id: ward.code for ward in wards}
    around: dict[str, list[str]] = {ward.code: [] for ward in wards}
    for link in session.scalars(select(Neighbour).where(Neighbour.locality_id.in_(codes))):
        if link.neighbour_id in codes:
            around[codes[link.locality_id]].append(codes[link.neighbour_id])
    places = [history.Place(ward.code, zone_of(session, ward).key) for ward in wards]
    start, end = (now - HISTORY).date(), now.date()
    past = history.simulate(places, around, start, end, rng)
    said = history.simulate_checkins(places, past, start, end, rng)
    sources = _sources(session, now, wards)
    _store_incidents(session, {w.code: w for w in wards}, past, sources, progress)
    _store_checkins(
        session,
        {w.code: w for w in wards},
        [c for c in said if c.sent_at > now - timedelta(days=60)],
        sources,
    )


def _sources(session: Session, now: datetime, wards: list[Locality]) -> dict[str, list[reports.Source]]:
    """The sources of each ward: the members of its committee, a few from each."""
    found: dict[str, list[reports.Source]] = {}
    for ward in wards:
        body = committee_for(session, ward.id)
        members = sitting(session, body.id, "member", "secretary", "chair") if body else []
        found[ward.code] = (
            [reports.source_for(session, now, group=body.id, person_id=m.id) for m in members] if body else []
        )
    return found


def _store_incidents(
    session: Session,
    wards: dict[str, Locality],
    past: list[history.PastIncident],
    sources: dict[str, list[reports.Source]],
    progress: Progress,
) -> None:
    for number, old in enumerate(past, 1):
        own = sources[old.locality]
        reports.record(
            session,
            old.occurred_at + timedelta(hours=2),
            reports.NewReport(
                id=uuid.uuid5(uuid.NAMESPACE_URL, f"demo/{number}/{old.locality}/{old.occurred_at}"),
                locality=wards[old.locality],
                kind=old.kind,
                severity=old.severity,
                occurred_at=old.occurred_at,
                how_known=old.how_known,
                channel="import",
                source=own[old.source % len(own)],
                about=old.threat,
                ongoing="no",
                origin="history",
            ),
        )
        progress("simulated history", number, len(past))
    session.flush()
    for incident in session.scalars(select(Incident).where(Incident.origin == "history")):
        if incident.received_at < SystemClock().now() - timedelta(days=2):
            incident.state, incident.reliability, incident.credibility = (
                "verified",
                "B",
                max(1, incident.credibility - 1),
            )


def _store_checkins(
    session: Session,
    wards: dict[str, Locality],
    said: list[history.PastCheckin],
    sources: dict[str, list[reports.Source]],
) -> None:
    rows: dict[tuple[uuid.UUID, uuid.UUID, date], CheckIn] = {}
    for one in said:
        own, ward = sources[one.locality], wards[one.locality]
        day = local_day(one.sent_at, zone_of(session, ward))
        week, source = monday_of(day), own[one.source % len(own)]
        rows[source.id, ward.id, week] = CheckIn(
            locality_id=ward.id,
            source_id=source.id,
            week=week,
            answers=list(one.answers),
            all_calm=one.all_calm,
            channel="import",
            received_at=one.sent_at,
            indicators={},
            talked_to=[],
            prepare="",
            activities=list(_together(ward, week)),
        )
    session.add_all(rows.values())
    session.flush()


def _together(ward: Locality, week: date) -> tuple[str, ...]:
    """What the people of a ward did together in a week: mostly nothing, so that the desk has something to show in each month."""
    return TOGETHER[(zlib.crc32(ward.code.encode()) + week.toordinal() // 7) % len(TOGETHER)]


def _levels_of_the_past(session: Session, now: datetime, wards: list[Locality], progress: Progress) -> None:
    """Scores at the end of each of the last 26 weeks, so that charts have a past; then everything as it stands now, without alerts."""
    from alerts.assessing import assess
    from alerts.known_then import backfill

    watched = list(
        session.scalars(
            select(Locality).where(Locality.watched).order_by(Locality.depth.desc(), Locality.code)
        )
    )
    for number, place in enumerate(watched, 1):
        backfill(session, now, place, weeks=26)
        assess(session, now, place)
        progress("levels", number, len(watched))


def _people(session: Session) -> list[DemoPerson]:
    shown = []
    for code in SHOWN:
        person = session.scalars(select(Person).where(Person.code == code)).first()
        if person is None:
            continue
        standing = people.standings_of(session, person.id)[0]
        contacts = people.contacts_of(session, person.id)
        phone = next((people.address_of(session, c) for c in contacts if c.channel == "sms"), "")
        token = accounts.issue_token(session, SystemClock().now(), person.id, ["all"], 30)
        place = session.get_one(Locality, standing.locality_id)
        shown.append(DemoPerson(standing.role, person.name, place.code, person.code, phone, token))
    return shown


def announcement(config: Config, cast: list[DemoPerson]) -> dict[str, Any]:
    """What `--json` prints: the address and each role's way in."""
    rows = [
        {
            "role": p.role,
            "name": p.name,
            "locality": p.locality,
            "sign_in": p.sign_in,
            "password": PASSWORD,
            "phone": p.phone,
            "token": p.token,
        }
        for p in cast
    ]
    return {"url": config.public_url, "people": rows}


def in_words(announce: dict[str, Any]) -> str:
    """The same for a person at a terminal."""
    lines = [
        "",
        f"  Concord's demonstration is at  {announce['url']}/sign-in",
        "  Places are real; people, offices and events are made up.",
        "",
        f"  Password of everybody: {PASSWORD}",
        "",
    ]
    lines += [
        f"    {p['sign_in']:<18} {p['role'].replace('_', ' '):<24} {p['locality']}"
        for p in announce["people"]
    ]
    lines += ["", f"  SMS and e-mail that were sent: {announce['url']}/outbox     Stop with Ctrl-C.", ""]
    return "\n".join(lines)
