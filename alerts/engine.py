"""The scoring worker: take in changed incidents, assess the places they touch, run the rules, raise and route, in one transaction.

Reads incidents that are pending, writes everything up to the outbox rows. Level-triggered: it finds what a
lost wake-up missed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from alerts import apart, assessing, local_mode, nearby, raising, releasing, routing, seen, severe, turning
from alerts.deciding import OPEN_STEP, RAISE, asked_here
from alerts.evidence import RiskState, state_of
from alerts.gathering import facts_of, keep_unusual
from alerts.sums import scored_above, take_in
from alerts.survey import Survey, survey_of
from committees.call_backs import CallBack
from committees.incidents import Incident
from committees.places import Locality, town_of

BATCH = 100
STALE = timedelta(hours=6)
#: How often stale places are looked for, in seconds, and how many are taken then, in batches of BATCH. A country of 300,000 watched places
#: that all became stale at once (its midnight) is through in 300,000 / 500 * 30 s = 5 h, before it is stale again. A place costs about
#: 3 ms, so this is at most 1.5 s of processor time in 30 s, in transactions of 0.3 s each.
LOOK_EVERY, MOST_STALE = 30, 500


def score_pending(
    session: Session, now: datetime, rng: random.Random, batch: int = BATCH, only: UUID | None = None
) -> int:
    """Bring scores, findings, alerts and deliveries up to date with up to `batch` changed incidents; return how many.

    `only`: those of one place, and each place that they touch by itself (`places_pending`, `_apart`).
    """
    rows = select(Incident).where(Incident.pending).order_by(Incident.received_at, Incident.id).limit(batch)
    if only:
        rows = rows.where(Incident.locality_id == only)
    incidents = list(session.scalars(rows.with_for_update(skip_locked=True)))
    touched = take_in(session, now, incidents)
    seen.keep(session, now, incidents)
    for incident in incidents:
        incident.pending = False
    session.flush()
    if any(incident.origin == "live" for incident in incidents):
        places = _with_neighbours(session, touched)
        (_apart if only else _work_through)(session, now, rng, places)
    return len(incidents)


def places_pending(session: Session, _now: datetime) -> list[UUID]:
    """The places with incidents that wait to be taken in: each can be done by itself, where all together failed."""
    rows = select(Incident.locality_id, func.min(Incident.received_at)).where(Incident.pending)
    rows = rows.group_by(Incident.locality_id).order_by(func.min(Incident.received_at))
    return [key for key, _at in session.execute(rows).all()]


def _apart(session: Session, now: datetime, rng: random.Random, place_ids: Iterable[UUID]) -> None:
    """Work through places one by one: one that cannot be scored stays due and holds up none of the others."""
    order = select(Locality.id).where(Locality.id.in_(list(place_ids)))
    keys = session.scalars(order.order_by(Locality.depth.desc(), Locality.code)).all()
    done = set(apart.in_batches(session, keys, lambda one: _work_through(session, now, rng, one), size=1))
    if failed := [key for key in keys if key not in done]:
        session.execute(update(RiskState).where(RiskState.locality_id.in_(failed)).values(due=True))


def reassess_stale(session: Session, now: datetime, rng: random.Random, batch: int = BATCH) -> int:
    """Assess again what is due, or what nobody looked at for six hours, since local midnight, or since a date changed."""
    return reassess(session, now, rng, stale(session, now, batch)[:batch])


def reassess(session: Session, now: datetime, rng: random.Random, place_ids: Sequence[UUID]) -> int:
    """Assess these places again and tell people where rules say so; return how many places there were."""
    _work_through(session, now, rng, place_ids)
    return len(place_ids)


def stale(session: Session, now: datetime, most: int) -> list[UUID]:
    """Watched places that are to be assessed again: the due ones, then the others, up to `most` of each, so that neither starves the other.

    Where there are more, chance says which, so that places that fail every time hold up none of the others.
    """
    waits = or_(RiskState.assessed_at < now - STALE, turning.turned(session, now))
    never = RiskState.assessed_at.is_(None)
    found: list[UUID] = []
    for which in (RiskState.due, and_(RiskState.due.is_not(True), or_(never, waits))):
        rows = select(Locality.id, Locality.code).join(
            RiskState, RiskState.locality_id == Locality.id, isouter=True
        )
        some = rows.where(Locality.watched, which).order_by(func.random()).limit(most).subquery()
        # By code, so that a town and its wards stand in one batch wherever they fit.
        found += session.scalars(select(some.c.id).order_by(some.c.code))
    return found


def _with_neighbours(session: Session, touched: Iterable[UUID]) -> list[UUID]:
    """The touched places and everything above them, and the neighbours of each: their N changed."""
    own: list[UUID] = []
    for place_id in touched:
        own += scored_above(session, place_id)
    own = list(dict.fromkeys(own))
    return list(dict.fromkeys([*own, *nearby.next_to(session, own)]))


def _work_through(session: Session, now: datetime, rng: random.Random, place_ids: Iterable[UUID]) -> None:
    places = list(session.scalars(select(Locality).where(Locality.id.in_(list(place_ids)))))
    survey = survey_of(session, now, places)
    # Wards before towns: an alert that is open in a ward keeps its town from saying the same again.
    for place in sorted(places, key=lambda p: (-p.depth, p.code)):
        before = state_of(session, place.id).level
        keep_unusual(survey, place)
        assessing.assess(session, now, place, survey)
        if place.watched:
            _raise_at(survey, rng, place, before)
    releasing.release(session, now, rng)  # the places that rose together are said together
    _call_about_silence(survey, [place for place in places if place.watched])
    session.flush()


def _raise_at(survey: Survey, rng: random.Random, place: Locality, before: int) -> None:
    session, now = survey.session, survey.now
    facts = facts_of(survey, place, level_before=before)
    rules = asked_here(
        survey.rules(place.id),
        is_town=town_of(session, place).id == place.id,
        has_watched_below=place.id in survey.has_watched_below,
    )
    told = raising.run(survey, place, rules, facts, " < ".join(survey.profiles[place.id].versions))
    for alert, act, conclusion in told:
        if act in (OPEN_STEP, RAISE):
            routing.tell(session, now, rng, alert, conclusion.tell, clock=_clock(conclusion, alert.level))
            local_mode.tell_if_alone(session, now, rng, alert)
        severe.ask(session, now, rng, alert)


def _clock(conclusion: object, level: int) -> int:
    clocks = conclusion.rule.clocks  # type: ignore[attr-defined]
    return int(clocks.get(str(level), clocks.get("*", 240)))


def _call_about_silence(survey: Survey, places: Iterable[Locality]) -> None:
    """A ward without news is a gap that somebody should ring about, once a fortnight, not a risk."""
    session, now = survey.session, survey.now
    fortnight = now.date().toordinal() // 14
    silent = [place for place in places if place.level == "ward" and survey.voices[place.id].sources < 2]
    keys = {f"no_news:{place.id}:{fortnight}": place for place in silent}
    asked = set(session.scalars(select(CallBack.effect_key).where(CallBack.effect_key.in_(keys))))
    due = now + timedelta(days=2)
    session.add_all(
        CallBack(locality_id=place.id, why="no_news", asked_at=now, due_at=due, effect_key=key)
        for key, place in keys.items()
        if key not in asked
    )
