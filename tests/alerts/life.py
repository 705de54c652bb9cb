"""A town lived through at random, as people and the worker would: for tests that compare what was with what is computed again."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from alerts import engine, escalation, reweighing, what_if
from alerts.alert import Alert
from committees import checkins, people, profiles, reports, verification
from committees.incidents import Incident
from committees.places import Locality, by_code
from foundation.db import Base
from tests.make import START, Town

TOWN = "PK-KP-MARDAN"
WARDS = tuple(f"{TOWN}-W{n}" for n in (3, 5, 7))
PEOPLE = ("member1.mardan", "member2.mardan", "member3.mardan", "member4.mardan")
KINDS = (
    "rumour",
    "angry_crowd",
    "group_clash",
    "killing",
    "threat",
    "hate_message",
    "small_fight",
    "pressed_to_leave",
)
TICK = timedelta(hours=2)
Opening = tuple[str, str, datetime]


def live(town: Town, rng: random.Random, days: int, hours: float = 9.0) -> None:
    """So many days as they might be: reports, some checked, joined or taken back, check-ins, alerts that people end."""
    made: list[uuid.UUID] = []
    until = town.clock.now() + timedelta(days=days)
    next_news = town.clock.now() + timedelta(hours=1)
    while town.clock.now() < until:
        if town.clock.now() >= next_news:
            happen(town, rng, made)
            next_news = town.clock.now() + timedelta(hours=rng.expovariate(1 / hours))
        work(town, rng)
        town.clock.at = min(until, next_news, next_due(town))


def work(town: Town, rng: random.Random) -> None:
    """What the worker does about alerts, in the order of its jobs; nothing is sent."""
    with town.session("engine", write=True) as session:
        now = town.clock.now()
        reweighing.take_up(session, now)
        engine.score_pending(session, now, rng)
        escalation.climb_due(session, now, rng)
        escalation.end_expired(session, now)
        while engine.reassess_stale(session, now, rng):
            pass


def only_watch(town: Town) -> None:
    """No other town of the seed is looked at: only time would be lost."""
    with town.session("seed", write=True) as session:
        for place in session.scalars(select(Locality).where(Locality.watched)):
            place.watched = place.code.startswith(TOWN)


def next_due(town: Town) -> datetime:
    """When something happens by itself: an alert's time is over, or a place was not looked at for six hours."""
    now = town.clock.now()
    with town.session("engine") as session:
        ends = session.scalars(select(Alert.ends_at).where(Alert.state == "open", Alert.ends_at > now)).all()
    return min([now + TICK, *(end + timedelta(minutes=1) for end in ends)])


def happen(town: Town, rng: random.Random, made: list[uuid.UUID]) -> None:
    """One thing that people do."""
    what = rng.random()
    if what < 0.6 or not made:
        how = rng.choice(("saw", "told", "heard"))
        made.append(
            town.report(
                rng.choice(PEOPLE),
                rng.choice(WARDS),
                rng.choice(KINDS),
                how_known=how,
                ongoing=rng.choice(("yes", "no")),
            )
        )
        return
    with town.session("seed", write=True) as session:
        now = town.clock.now()
        if what < 0.85:
            incident = session.get_one(Incident, rng.choice(made))
            if incident.state in ("merged", "withdrawn"):
                return
            outcome = rng.choice(verification.OUTCOMES)
            verdict = verification.Verdict(outcome, severity=rng.choice((None, 3)))
            verification.verify(session, now, town.person(session, "secretary.mardan").id, incident, verdict)
        elif what < 0.92 and len(made) > 1:
            one, other = (session.get_one(Incident, key) for key in rng.sample(made, 2))
            if (
                one.locality_id == other.locality_id
                and one.state != "merged"
                and other.state not in ("merged", "withdrawn")
            ):
                verification.merge(session, now, one, other)
        else:
            who = town.person(session, rng.choice(PEOPLE))
            standing = people.standings_of(session, who.id)[0]
            source = reports.source_for(session, now, group=standing.committee_id, person_id=who.id)
            place = by_code(session, rng.choice(WARDS))
            answers = tuple(rng.randint(1, 5) for _ in range(5))
            checkins.record(session, now, checkins.NewCheckIn(uuid.uuid4(), place, source, answers))


def raised_live(town: Town) -> list[Opening]:
    with town.session("engine") as session:
        rows = session.scalars(select(Alert).where(Alert.origin == "live", Alert.opened_at > START)).all()
        return sorted((str(row.locality_id), row.threat, row.opened_at) for row in rows)


def put_in_force(town: Town, code: str, document: dict[str, Any]) -> None:
    """A place's own picture from now on, as an installation brings it; the worker takes it up."""
    with town.session("seed", write=True) as session:
        now, place = town.clock.now(), by_code(session, code)
        made = profiles.draft(session, now, place.id, document, author_id=None, reason="as the test says")
        profiles.publish(session, now, made)


def rerun(
    town: Town, instead: dict[str, Any] | None = None, until: datetime | None = None
) -> list[dict[str, Any]]:
    """The alerts there would have been since START, with another document of the town's own if one is given."""
    with town.session("engine") as session:
        place = by_code(session, TOWN)
        changed = (place.id, instead) if instead is not None else None
        return [
            alert
            for group in what_if.groups(session, place.id)
            for alert in what_if.run_group(session, group, START, until or town.clock.now(), changed).alerts
        ]


def openings(alerts: list[dict[str, Any]]) -> list[Opening]:
    return sorted((a["place"], a["threat"], datetime.fromisoformat(a["at"])) for a in alerts)


def levels_live(town: Town) -> list[tuple[str, str, int]]:
    """How high each alert that was raised since START has risen."""
    with town.session("engine") as session:
        rows = session.scalars(select(Alert).where(Alert.origin == "live", Alert.opened_at > START))
        return sorted((str(row.locality_id), row.threat, row.level) for row in rows)


def levels(alerts: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """The same of alerts there would have been."""
    return sorted((one["place"], one["threat"], one["level"]) for one in alerts)


def rows_of_everything(town: Town) -> dict[str, int]:
    with town.session("engine") as session:
        names = sorted(Base.metadata.tables)
        return {
            name: session.execute(select(func.count()).select_from(Base.metadata.tables[name])).scalar_one()
            for name in names
        }
