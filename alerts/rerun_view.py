"""What a place's rules could see at a past moment: its level then, and its facts, from what was known by then.

The same as assessing.py and gathering.py do for rows, over a Past and its Sums. Only rerun.py uses it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from alerts import survey
from alerts.explaining import soft_terms
from alerts.past import Known, Past
from alerts.rerun_sums import Sums
from alerts.risk import scoring, surge
from alerts.risk.calibration import held
from alerts.risk.detectors import MEMORY, Unusual, unusual
from alerts.risk.facts import Facts, IncidentFact, facts_at
from alerts.risk.numbers import kappa_bounds
from alerts.risk.scoring import Risk
from committees import checkins, windows
from committees.checkins import Voices
from committees.incidents import COUNTED
from committees.places import local_day, monday_of
from committees.windows import DateHere

Timed = tuple[Sequence[datetime], Sequence[Any]]


def _between(timed: Timed | None, after: datetime, until: datetime) -> Sequence[Any]:
    """What stands at times after one moment and up to another."""
    if timed is None:
        return ()
    times, rows = timed
    return rows[bisect_right(times, after) : bisect_right(times, until)]


class View:
    """Looks at the places of a past at a moment; Sums hold what was known by then."""

    def __init__(self, past: Past, documents: Mapping[UUID, Mapping[str, Any]], sums: Sums) -> None:
        self.past, self.documents, self.sums = past, documents, sums
        entered, said = past.dates
        self.moments = sorted({row.created_at for row in entered} | {row.created_at for row in said})
        #: The end of the run: what holds peace together on that day is taken to have held all along.
        self.until: datetime | None = None
        self._spans = {id(document): windows.spans_of(document) for document in documents.values()}
        self._facts: dict[UUID, tuple[Known, int, IncidentFact]] = {}
        self._answered: dict[UUID, Timed] = {
            key: ([row.received_at for row in rows], rows) for key, rows in past.checkins.items()
        }
        self._reported: dict[UUID, Timed] = {
            key: ([at for _source, at in rows], [source for source, _at in rows])
            for key, rows in past.reporters.items()
        }
        self._heard: tuple[UUID | None, datetime | None, Voices | None] = (None, None, None)
        self._open: dict[tuple[UUID, UUID, date, int], list[DateHere]] = {}

    def is_calm(self, key: UUID, at: datetime) -> bool:
        """Whether no incident was reported in four weeks, and no date is near."""
        return not self._recent(key, at) and not self._windows_within(key, at)

    def level(self, key: UUID, at: datetime, before: int) -> int:
        """The level of a place, after the one before."""
        return self.sums.numbers[key].level(self.risk(key, at).p28, before)

    def risk(self, key: UUID, at: datetime) -> Risk:
        """The score of a place."""
        document, sums = self.documents[key], self.sums
        return scoring.score(
            sums.read(key, "fast", at),
            sums.read(key, "slow", at),
            sums.near(key, "fast", at, weighted=True),
            kappa=self._kappa(key, at),
            soft=soft_terms(
                document,
                self._voices(key, at),
                self._windows(key, key, at),
                local_day(self.until or at, self.past.places[key].zone),
            ).total,
            coefficients=sums.numbers[key].coefficients,
        )

    def facts(self, key: UUID, at: datetime, before: int, level: int, open_below: int) -> Facts:
        """The facts of a place and below; `open_below` is the highest level of an alert that is open below."""
        chance = self._surge(key, at)
        return facts_at(
            at,
            level_before=before,
            level=level,
            incidents=[self._fact(known) for known in self._recent(key, at)],
            surge=chance,
            windows=self._windows_within(key, at),
            voices=self._voices(key, at).sources,
            open_below=open_below,
            unusual=self._unusual(key, at, chance),
        )

    def dates_changed(self, at: datetime) -> set[UUID]:
        """The places of which a date was entered, or something said of one, at this very moment."""
        changed = {row.locality_id for rows in self.past.dates for row in rows if row.created_at == at}
        return (
            {key for key in self.past.group if changed & set(self.past.places[key].above)}
            if changed
            else set()
        )

    def _kappa(self, key: UUID, at: datetime) -> float:
        known = [unheld for since, unheld in self.past.kappas.get(key, ()) if since <= at]
        return float(held(known[-1], kappa_bounds(self.documents[key]))) if known else 1.0

    def _windows(self, key: UUID, within: UUID, at: datetime) -> list[DateHere]:
        """The dates whose window is open, as they were known then: of `within`, seen from the place `key`."""
        place = self.past.places[key]
        today, known = local_day(at, place.zone), bisect_right(self.moments, at)
        wanted = (key, within, today, known)
        if wanted not in self._open:
            chain = [within, *(one for one in place.above if one != within)]
            entered = [row for row in self.past.dates[0] if row.created_at <= at]
            said = [row for row in self.past.dates[1] if row.created_at <= at]
            spans = self._spans[id(self.documents[key])]
            self._open[wanted] = [
                one for one in windows.stand_at(chain, entered, said, spans) if one.is_open(today)
            ]
        return self._open[wanted]

    def _windows_within(self, key: UUID, at: datetime) -> list[DateHere]:
        place = self.past.places[key]
        inside = place.below if place.is_town else (key,)
        found = {row.key: row for one in inside for row in self._windows(key, one, at)}
        return list(found.values())

    def _voices(self, key: UUID, at: datetime) -> Voices:
        """Who spoke in the last 14 days at a place and below; the last answer is kept, because it is asked for twice."""
        if (key, at) != self._heard[:2]:
            since, below = at - timedelta(days=checkins.NEWS_DAYS), self.past.places[key].below
            rows = [row for one in below for row in _between(self._answered.get(one), since, at)]
            reporters = {source for one in below for source in _between(self._reported.get(one), since, at)}
            self._heard = (key, at, checkins.gathered(rows, frozenset(reporters)))
        assert self._heard[2] is not None
        return self._heard[2]

    def _recent(self, key: UUID, at: datetime) -> list[Known]:
        since = at - survey.LOOK_BACK
        found = [
            known
            for known in self.sums.at(self.past.places[key].below)
            if known.known_at > since
            and known.facts["state"] in COUNTED
            and known.facts["path"] != "private_matter"
        ]
        return sorted(found, key=lambda known: known.known_at, reverse=True)[: survey.MOST]

    def _fact(self, known: Known) -> IncidentFact:
        said = self.sums.said.get(known.incident, ())
        kept = self._facts.get(known.incident)
        if kept and kept[0] is known and kept[1] == len(said):
            return kept[2]
        sources = frozenset(one.source for one in said if one.known)
        seen_by = frozenset(one.source for one in said if one.known and one.saw)
        fact = survey.fact_of(_Row(known), sources, seen_by)
        self._facts[known.incident] = (known, len(said), fact)
        return fact

    def _monday(self, key: UUID, at: datetime) -> date:
        return monday_of(local_day(at, self.past.places[key].zone))

    def _surge(self, key: UUID, at: datetime) -> float:
        weeks = self.sums.violent_weeks(key, self._monday(key, at), survey.WEEKS)
        near = self.sums.near(key, "count_fast", at, weighted=False)
        fast, slow = self.sums.read(key, "count_fast", at), self.sums.read(key, "count_slow", at)
        return surge.from_weeks(weeks, fast, slow, near)

    def _unusual(self, key: UUID, at: datetime, chance: float) -> Unusual:
        return unusual(self.sums.counted_weeks(key, self._monday(key, at), MEMORY), chance)


class _Row:
    """An incident as it was known, with the names that a row has."""

    def __init__(self, known: Known) -> None:
        self.id, self.occurred_at, self.known_at = known.incident, known.occurred_at, known.known_at
        self.facts = known.facts

    def __getattr__(self, name: str) -> Any:
        return self.facts[name]
