"""What is known of a batch of places, each table read once for all of them: what assessing and rules look at.

Nothing is decided here and nothing is written. A survey holds for one moment in one session; what an
assessment changes (risk states, alerts) is read through the session as ever. Only alerts imports this module.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from heapq import nlargest, nsmallest
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from alerts.alert import OPEN, Alert, last_closed
from alerts.evidence import Evidence, RiskState, WeekCount
from alerts.ledger import NEWEST, REACH
from alerts.nearby import Links, links_each
from alerts.risk.detectors import MEMORY, Unusual
from alerts.risk.facts import IncidentFact
from alerts.risk.numbers import Numbers, numbers_of
from alerts.risk.rules import Rule, rules_in_force
from alerts.risk.scoring import grade_weight
from alerts.sums import load_states
from committees import checkins, flashpoints, profiles, verification, windows
from committees.checkins import Voices
from committees.flashpoints import Flashpoint, Remark
from committees.incidents import COUNTED, VERIFIED, Incident
from committees.places import Locality, below_each, load_above, local_day, upwards, zone_of
from committees.profiles import Effective
from committees.reports import NEVER_SEEN, Report, Source
from committees.vouching import VOICE
from committees.windows import DateHere

LOOK_BACK = timedelta(days=28)
MOST = 500  # incidents that rules look at, the newest of a place and below
#: A busy place is looked at for days, a quiet one for more than a year: so the rows to rank are few in both.
REACHES = (timedelta(days=14), timedelta(days=42), timedelta(days=126), REACH)
WEEKS = 56

FACTS = (
    Incident.id,
    Incident.locality_id,
    Incident.kind,
    Incident.severity,
    Incident.graded,
    Incident.reliability,
    Incident.credibility,
    Incident.how_known,
    Incident.ongoing,
    Incident.state,
    Incident.known_source,
    Incident.sensitive,
    Incident.threat,
    Incident.occurred_at,
    Incident.known_at,
    Incident.withheld_from,
    Incident.path,
)


class Survey:
    """A batch of places at one moment: their profiles, voices, dates, neighbours, weights and incidents."""

    def __init__(self, session: Session, now: datetime, place_ids: Iterable[UUID]) -> None:
        self.session, self.now = session, now
        self.ids = list(dict.fromkeys(place_ids))
        load_above(session, self.ids)
        self.below = {key: [key] for key in self.ids} | below_each(session, self.ids)
        self.above = {key: [place.id for place in upwards(session, key)] for key in self.ids}
        self._rules: dict[int, list[Rule]] = {}
        self._numbers: dict[int, Numbers] = {}
        #: What gathering.py worked out of these weeks, by place.
        self.unusual: dict[UUID, tuple[float, Unusual]] = {}
        self._open: dict[tuple[tuple[UUID, ...], int, date], list[DateHere]] = {}
        # Held, so that the session finds them again by key.
        self._states = self._load_states()

    def _load_states(self) -> list[RiskState]:
        near = {key for links in self.links.values() for key, _ in links}
        return load_states(self.session, {*self.ids, *near})

    @cached_property
    def links(self) -> dict[UUID, Links]:
        """The neighbours of each place with their weights, by key."""
        return links_each(self.session, self.ids, self.profiles)

    @cached_property
    def profiles(self) -> dict[UUID, Effective]:
        """The profile in force at each place."""
        return profiles.in_force_each(self.session, self.above, self.now)

    @cached_property
    def voices(self) -> dict[UUID, Voices]:
        """Who spoke in the last 14 days at each place and below."""
        return checkins.voices_each(self.session, self.now, self.below)

    @cached_property
    def waiting(self) -> dict[UUID, int]:
        """How many reports wait to be checked at each place and below."""
        rows = select(Incident.locality_id, func.count()).where(Incident.path == "", ~Incident.sensitive)
        rows = rows.where(Incident.locality_id.in_(self._everywhere), *verification.to_check(self.now))
        own: dict[UUID, int] = defaultdict(int)
        for key, count in self.session.execute(rows.group_by(Incident.locality_id)).all():
            own[key] = count
        return {key: sum(own[one] for one in keys) for key, keys in self.below.items()}

    @cached_property
    def standing(self) -> dict[UUID, dict[str, Alert]]:
        """The alert that is open at each place, by threat, as the batch began."""
        found: dict[UUID, dict[str, Alert]] = {key: {} for key in self.ids}
        for alert in self.session.scalars(
            select(Alert).where(Alert.locality_id.in_(self.ids), Alert.state == OPEN)
        ):
            found[alert.locality_id][alert.threat] = alert
        return found

    @cached_property
    def closed(self) -> dict[UUID, dict[str, Alert]]:
        """The alert that was closed last at each place, by threat."""
        found: dict[UUID, dict[str, Alert]] = {key: {} for key in self.ids}
        for alert in last_closed(self.session, self.ids):
            found[alert.locality_id][alert.threat] = alert
        return found

    @cached_property
    def has_watched_below(self) -> frozenset[UUID]:
        """The places with a watched place right under them."""
        rows = select(Locality.parent_id).where(Locality.parent_id.in_(self.ids), Locality.watched).distinct()
        return frozenset(key for key in self.session.scalars(rows) if key)

    def rules(self, place_id: UUID) -> list[Rule]:
        """The rules of a place's profile, read once for each profile."""
        effective = self.profiles[place_id]
        if id(effective) not in self._rules:
            self._rules[id(effective)] = rules_in_force(effective.document)
        return self._rules[id(effective)]

    def numbers(self, place_id: UUID) -> Numbers:
        """The numbers of a place's profile, read once for each profile."""
        effective = self.profiles[place_id]
        if id(effective) not in self._numbers:
            self._numbers[id(effective)] = numbers_of(effective.document)
        return self._numbers[id(effective)]

    def windows(self, place: Locality) -> list[DateHere]:
        """The dates whose window is open at a place now: of the place itself and of those above it."""
        return self._open_in(place, place.id)

    def windows_within(self, place: Locality) -> list[DateHere]:
        """As `windows`, and the dates of the places below it: a procession in one ward concerns the town."""
        found = {date.key: date for key in self.below[place.id] for date in self._open_in(place, key)}
        return list(found.values())

    def _open_in(self, place: Locality, within: UUID) -> list[DateHere]:
        today, document = local_day(self.now, zone_of(self.session, place)), self.profiles[place.id].document
        chain = (within, *(key for key in self.above[place.id] if key != within))
        asked = (chain, id(document), today)  # a ward's dates are asked for by the ward and by its town
        if asked not in self._open:
            stand = windows.stand_at(chain, *self._dates, windows.spans_of(document))
            self._open[asked] = [date for date in stand if date.is_open(today)]
        return self._open[asked]

    @cached_property
    def _dates(self) -> tuple[list[Flashpoint], list[Remark]]:
        """What was entered and said of dates that may be near, for the whole batch."""
        spans = [span for one in self.profiles.values() for span in windows.spans_of(one.document).values()]
        before, after = (max((span[side] for span in spans), default=0) for side in (0, 1))
        today, everywhere = self.now.date(), {key for chain in self.above.values() for key in chain}
        first, last = today - timedelta(days=after + 1), today + timedelta(days=before + 1)
        return flashpoints.rows_between(self.session, everywhere | self._everywhere, first, last)

    def weeks_before(self, place_id: UUID, monday: date) -> list[int]:
        """Violent incidents per week over the 56 weeks before `monday`, oldest first; weeks without any are 0."""
        start = monday - timedelta(weeks=WEEKS)
        found = self._weeks.get(place_id, {})
        return [found.get(start + timedelta(weeks=n), (0, 0))[0] for n in range(WEEKS)]

    def counted(self, place_id: UUID, monday: date) -> list[int]:
        """Incidents of all kinds per week, oldest first, as far back as detectors look; the last week began on `monday`."""
        found = self._weeks.get(place_id, {})
        return [found.get(monday - timedelta(weeks=n), (0, 0))[1] for n in reversed(range(MEMORY))]

    @cached_property
    def _weeks(self) -> dict[UUID, dict[date, tuple[int, int]]]:
        start = self.now.date() - timedelta(weeks=max(WEEKS, MEMORY) + 2)
        rows = select(WeekCount.locality_id, WeekCount.week, WeekCount.violent, WeekCount.counted)
        found: dict[UUID, dict[date, tuple[int, int]]] = defaultdict(dict)
        for key, week, violent, counted in self.session.execute(
            rows.where(WeekCount.locality_id.in_(self.ids), WeekCount.week >= start)
        ):
            found[key][week] = violent, counted
        return found

    def newest(self, place_id: UUID) -> list[Evidence]:
        """The newest weights that count at a place and below, newest first, 60 at most."""
        rows = (row for key in self.below[place_id] for row in self._evidence.get(key, ()))
        return nsmallest(NEWEST, rows, key=lambda row: (-row.event_at.timestamp(), row.incident_id))

    @cached_property
    def _everywhere(self) -> set[UUID]:
        return {key for keys in self.below.values() for key in keys}

    @cached_property
    def _evidence(self) -> dict[UUID, list[Evidence]]:
        """The newest weights of each place alone."""
        found: dict[UUID, list[Evidence]] = {}
        places = self._everywhere
        for reach in REACHES:
            for key in places:
                found.pop(key, None)
            for row in self.session.scalars(_newest(places, self.now - reach)):
                found.setdefault(row.locality_id, []).append(row)
            places = {key for key in places if len(found.get(key, ())) < NEWEST}
        return found

    def incidents(self, place_id: UUID) -> list[IncidentFact]:
        """What happened at a place and below in four weeks, as rules see it, newest first, 500 at most."""
        rows = (fact for key in self.below[place_id] for fact in self._facts.get(key, ()))
        return nlargest(MOST, rows, key=lambda fact: fact.received_at)

    @cached_property
    def _facts(self) -> dict[UUID, list[IncidentFact]]:
        rank = func.row_number().over(partition_by=Incident.locality_id, order_by=Incident.known_at.desc())
        ranked = (
            select(Incident.id, rank.label("rank"))
            .where(
                Incident.locality_id.in_(self._everywhere),
                Incident.state.in_(COUNTED),
                Incident.known_at > self.now - LOOK_BACK,
                Incident.path != "private_matter",
                Incident.origin != "history",  # imported history moves the score and never makes a rule speak
            )
            .subquery()
        )
        chosen = select(*FACTS).join(ranked, ranked.c.id == Incident.id).where(ranked.c.rank <= MOST)
        rows = self.session.execute(chosen.order_by(Incident.known_at.desc())).all()
        reports = (
            select(Report.incident_id, VOICE, Report.how_known, Report.channel)
            .join(Source, Source.id == Report.source_id)
            .join(ranked, ranked.c.id == Report.incident_id)
            .where(ranked.c.rank <= MOST, Source.known)
        )
        said: dict[UUID, set[str]] = defaultdict(set)
        saw: dict[UUID, set[str]] = defaultdict(set)
        for incident_id, source_id, how, channel in self.session.execute(reports).all():
            said[incident_id].add(str(source_id))
            if how == "saw" and channel not in NEVER_SEEN:
                saw[incident_id].add(str(source_id))
        found: dict[UUID, list[IncidentFact]] = defaultdict(list)
        for row in rows:
            found[row.locality_id].append(fact_of(row, frozenset(said[row.id]), frozenset(saw[row.id])))
        return found


def _newest(places: set[UUID], since: datetime) -> Select[Evidence]:
    """The newest weights that count at each of these places alone, since a moment."""
    newest_first = (Evidence.event_at.desc(), Evidence.incident_id)
    rank = func.row_number().over(partition_by=Evidence.locality_id, order_by=newest_first)
    ranked = (
        select(Evidence.incident_id, rank.label("rank"))
        .where(Evidence.locality_id.in_(places), Evidence.counted > 0, Evidence.event_at > since)
        .subquery()
    )
    rows = select(Evidence).join(ranked, ranked.c.incident_id == Evidence.incident_id)
    return rows.where(ranked.c.rank <= NEWEST)


def fact_of(row: Any, sources: frozenset[str], seen_by: frozenset[str]) -> IncidentFact:
    """One incident as rules see it, from a row with FACTS and who said and saw it."""
    return IncidentFact(
        id=str(row.id),
        kind=row.kind,
        severity=row.severity,
        credibility=grade_weight(f"{row.reliability}{row.credibility}") if row.graded else 1.0,
        how_known=row.how_known,
        ongoing=row.ongoing == "yes",
        confirmed=row.state == VERIFIED,
        known_source=row.known_source,
        sensitive=row.sensitive,
        threat=row.threat,
        sources=sources,
        seen_by=seen_by,
        occurred_at=row.occurred_at,
        received_at=row.known_at,
        withheld_from=row.withheld_from,
        path=row.path,
    )


def survey_of(session: Session, now: datetime, places: Sequence[Locality]) -> Survey:
    """A survey of these places."""
    return Survey(session, now, [place.id for place in places])
