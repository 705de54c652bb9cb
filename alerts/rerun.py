"""The past run again under given profiles: the same scoring and the same rules, step by step, and the alerts there would have been.

What lives here: the loop over time, pure over a Past. What does not: reading the past (past.py), the sums (rerun_sums.py), comparing
two runs (what_if.py). A place is looked at when something became known that touches it, and six hours after it was last looked at, as
engine.py does. It writes nothing and tells nobody.

What people did cannot be run again. An alert that a person closed in truth ends then here too; any other ends when its time is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from alerts import engine, raising
from alerts.alert import WHOLE
from alerts.deciding import (
    HIGHEST_UNASKED,
    NOTHING,
    OPEN_STEP,
    RAISE,
    Before,
    Decision,
    asked_here,
    decisions,
    shareable,
    told_to,
)
from alerts.holding import URGENT_FROM
from alerts.past import Ended, Known, Past, Told
from alerts.rerun_sums import Sums, kept_back
from alerts.rerun_view import View
from alerts.risk.facts import Facts
from alerts.risk.rules import Rule, rules_in_force
from committees.places import local_day
from committees.windows import DAY, midnight
from foundation.policy import kept_from

STALE = engine.STALE
WARM = timedelta(days=35)
WEEK = timedelta(days=7)
SAME = timedelta(days=1)
"""An alert is taken as the real one of its place and threat if that one opened within a day of it."""


@dataclass
class Raised:
    """One alert that there would have been. `rule` opened it; `speaks` is the one that raised it since, if any."""

    place: UUID
    threat: str
    rule: str
    opened_at: datetime
    level: int
    ends_at: datetime
    private: bool
    sensitive: bool
    reasons: list[dict[str, Any]]
    evidence: set[str] = field(default_factory=set)
    withheld_from: str = ""
    told: dict[UUID, int] = field(default_factory=dict)
    messages: int = 0
    closed_at: datetime | None = None
    real: Ended | None = None
    speaks: str = ""


class Rerun:
    """One run of the past of a group of places under the document that each of them has.

    `asker`: the role for which it is run. A rule is no way to ask after incidents that this role is never told of.
    """

    def __init__(self, past: Past, documents: Mapping[UUID, Mapping[str, Any]], asker: str = "") -> None:
        self.past, self.documents, self.asker = past, documents, asker
        self.sums = Sums(past, documents)
        self.rules = {key: self._rules_of(key) for key in past.group if past.places[key].watched}
        self.level: dict[UUID, int] = dict.fromkeys(past.group, 0)
        self.next_look: dict[UUID, datetime] = {}
        self.open: dict[tuple[UUID, str], Raised] = {}
        self.last: dict[tuple[UUID, str], Raised] = {}
        self.raised: list[Raised] = []
        #: Each week's chance at each watched place, from what was known before.
        self.forecasts: dict[UUID, list[tuple[datetime, float]]] = {key: [] for key in self.rules}
        self.view = View(past, documents, self.sums)
        # Scores are compared by what the asker may know: else a weight would be a way to ask after what is kept from them.
        hidden = any(kept_back(known, asker) for known in past.known)
        self.told = View(past, documents, Sums(past, documents, asker)) if hidden else self.view
        self._real: dict[tuple[UUID, str], list[Ended]] = defaultdict(list)
        for ended in past.real:
            self._real[ended.place, ended.threat].append(ended)

    def _rules_of(self, key: UUID) -> list[Rule]:
        place = self.past.places[key]
        rules = rules_in_force(self.documents[key])
        below = key in self.past.watched_below
        return asked_here(rules, is_town=place.town == key, has_watched_below=below)

    # ---------------------------------------------------------------------------------------------- time

    def run(self, since: datetime, until: datetime) -> list[Raised]:
        """Run from `since` to `until`, with five weeks before to warm up; return the alerts that opened in between."""
        start = since - WARM
        self.view.until = self.told.until = until
        known = {at: list(rows) for at, rows in groupby(self.past.known, key=lambda one: one.at)}
        moments = sorted({*known, *self.view.moments})
        batches = [(at, known.get(at, [])) for at in moments if at <= until]
        before = [batch for batch in batches if batch[0] <= start]
        for _, batch in before:
            self._take_in(batch)
        self._begin(start)
        week = since
        for at, batch in self._steps(batches[len(before) :], start, until):
            week = self._forecast(week, at)
            self._close(at)
            touched = self._take_in(batch) if batch else []
            self._look(at, self._due(at, [*touched, *self.view.dates_changed(at)]))
        self._forecast(week, until)
        self._close(until)
        return [alert for alert in self.raised if alert.opened_at >= since]

    def _forecast(self, week: datetime, until: datetime) -> datetime:
        """Note the chance of each week from one on up to a moment; return the week that comes next."""
        while week <= until:
            for key, rows in self.forecasts.items():
                rows.append((week, self.told.risk(key, week).p28))
            week += WEEK
        return week

    def _take_in(self, batch: list[Known]) -> list[UUID]:
        if self.told is not self.view:
            self.told.sums.take_in(batch)
        return self.sums.take_in(batch)

    def _begin(self, start: datetime) -> None:
        """Take up the levels as they stood, so that nothing counts as a rise only because the run begins."""
        for key in self.past.group:
            self.level[key] = self.view.level(key, start, 0)
            self._looked(key, start)

    def _steps(
        self, batches: list[tuple[datetime, list[Known]]], start: datetime, until: datetime
    ) -> Iterator[tuple[datetime, list[Known]]]:
        """Each moment at which something became known or a place is due to be looked at again."""
        queue = list(reversed(batches))
        while True:
            next_known = queue[-1][0] if queue else until
            next_due = min(self.next_look.values(), default=until)
            at = min(next_known, next_due)
            if at > until or (at == until and not queue and next_due > until):
                return
            yield at, queue.pop()[1] if queue and queue[-1][0] == at else []
            if not queue and at >= until:
                return

    def _due(self, at: datetime, touched: list[UUID]) -> list[UUID]:
        own = set(self.past.group)
        near = {key for key in own if any(link in touched for link, _ in self.past.places[key].links)}
        due = {key for key in own if self.next_look[key] <= at}
        chosen = (own & set(touched)) | near | due
        return sorted(chosen, key=lambda key: (-self.past.places[key].depth, self.past.places[key].code))

    def _looked(self, key: UUID, at: datetime) -> bool:
        """Note when a place is to be looked at again without news: six hours later, or as its next day begins; say whether it is calm.

        Where nothing was reported in four weeks and no date is near, levels only fall: there once a day is enough.
        """
        zone = self.past.places[key].zone
        tomorrow = midnight(local_day(at, zone) + DAY, zone)
        calm = self.view.is_calm(key, at)
        self.next_look[key] = tomorrow if calm else min(at + STALE, tomorrow)
        return calm

    def _close(self, at: datetime) -> None:
        for key, alert in list(self.open.items()):
            ends = self._end_of(alert)
            if ends <= at:
                alert.closed_at = ends
                alert.messages += sum(alert.told.values())
                self.last[key] = self.open.pop(key)

    def _end_of(self, alert: Raised) -> datetime:
        real = alert.real
        if real and real.by_person and real.closed_at and real.closed_at > alert.opened_at:
            return min(real.closed_at, alert.ends_at)
        return alert.ends_at

    # -------------------------------------------------------------------------------------- one look

    def _look(self, at: datetime, places: list[UUID]) -> None:
        for key in places:
            before = self.level[key]
            if self._looked(key, at) and before == 1:
                continue  # nothing can come of looking
            level = self.level[key] = self.view.level(key, at, before)
            if key in self.rules:
                below = set(self.past.places[key].below) - {key}
                highest = max(
                    (one.level for (place, _), one in self.open.items() if place in below), default=0
                )
                self._ask(key, at, self.view.facts(key, at, before, level, highest))

    # ------------------------------------------------------------------------------------- what it raises

    def _ask(self, key: UUID, at: datetime, facts: Facts) -> None:
        facts = shareable(facts)
        if self.asker:
            facts = told_to(self.asker, facts)
        lines = {*self.open, *self.last}
        before = {threat: self._before(key, threat) for place, threat in lines if place == key}
        for made in decisions(self.rules[key], facts, before, at):
            if made.act != NOTHING:
                self._apply(key, at, made, facts)

    def _before(self, key: UUID, threat: str) -> Before:
        if stands := self.open.get((key, threat)):
            return Before(
                open_level=stands.level,
                evidence=frozenset(stands.evidence),
                rule=stands.speaks or stands.rule,
            )
        if last := self.last.get((key, threat)):
            return Before(
                closed_at=last.closed_at,
                closed_level=last.level,
                closed_evidence=frozenset(last.evidence),
            )
        return Before()

    def _apply(self, key: UUID, at: datetime, made: Decision, facts: Facts) -> None:
        threat, conclusion = made.threat, made.conclusion
        level = min(conclusion.level, HIGHEST_UNASKED)
        ends_at = at + timedelta(hours=raising.LASTS[max(1, level)])
        private = conclusion.rule.private
        if made.act == OPEN_STEP:
            reasons = [reason.data() for reason in conclusion.reasons]
            alert = Raised(key, threat, conclusion.rule.key, at, level, ends_at, private, False, reasons)
            alert.real = self._match(key, threat, at)
            self.open[key, threat] = alert
            self.raised.append(alert)
        alert = self.open[key, threat]
        alert.evidence |= set(conclusion.evidence)
        alert.ends_at = max(alert.ends_at, ends_at)
        rests_on = [i for i in facts.incidents if i.id in alert.evidence]
        alert.sensitive |= any(i.sensitive for i in rests_on)
        words = {w for i in rests_on for w in i.withheld_from.split()}
        alert.withheld_from = " ".join(sorted({*alert.withheld_from.split(), *words}))
        if made.act == RAISE:
            alert.level, alert.private, alert.speaks = level, private, conclusion.rule.key
        if made.act in (OPEN_STEP, RAISE):
            self._tell(alert, conclusion.tell)

    def _match(self, key: UUID, threat: str, at: datetime) -> Ended | None:
        near = [one for one in self._real.get((key, threat), ()) if abs(one.opened_at - at) <= SAME]
        return min(near, key=lambda one: abs(one.opened_at - at), default=None)

    def _tell(self, alert: Raised, roles: tuple[str, ...]) -> None:
        """Who would be told, and by how many messages: one to each number from level 4 on, below it to the first.

        A line in a digest counts as a message.
        """
        people: dict[UUID, Told] = {}
        for role in roles:
            if not kept_from(role, alert.withheld_from):
                people |= {one.person: one for one in self.past.seats.get((alert.place, role), ())}
        for one, role, least, threat in () if alert.private else self.past.linked.get(alert.place, ()):
            meant = least <= alert.level and threat in (WHOLE, alert.threat)
            if meant and not kept_from(role, alert.withheld_from):
                people[one.person] = one
        sent = {key: one.contacts if alert.level >= URGENT_FROM else 1 for key, one in people.items()}
        alert.told |= sent
        alert.messages += sum(sent.values())
