"""The closed, typed list of what a comparison or an expression may look at: plain values of Facts and of one incident.

Nothing here reveals who reported, where exactly, or any text. Incidents are those of known sources only, as for every condition.
cel.py declares these names to the expression language, conditions.py compares with them, the editor's page lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alerts.risk.facts import Facts, IncidentFact
from foundation.web.words import N_

# The types, in the words in which the editor's page names them.
WHOLE_NUMBER, NUMBER, WORD = N_("whole number"), N_("number with a point"), N_("word")
YES_NO, WORDS, INCIDENTS = N_("yes or no"), N_("list of words"), N_("list of incidents")
MOST_INCIDENTS, MOST_WORDS = 500, 10


@dataclass(frozen=True)
class Field:
    """One thing to look at: its type, how it is read from facts, its English name. `most` bounds the length of a list."""

    kind: str
    read: Callable[[Facts], Any]
    label: str
    most: int = 0


@dataclass(frozen=True)
class IncidentField:
    """One thing to look at in an incident; `read` also gets the facts, for their time."""

    kind: str
    read: Callable[[IncidentFact, Facts], Any]
    label: str


def _hours(earlier: Any, facts: Facts) -> float:
    return float((facts.now - earlier).total_seconds() / 3600)


def known(facts: Facts) -> list[IncidentFact]:
    """The incidents that known sources reported, the newest first, as many as an expression may look at."""
    return [i for i in facts.incidents if i.known_source][:MOST_INCIDENTS]


FIELDS: dict[str, Field] = {
    "level": Field(WHOLE_NUMBER, lambda f: f.level, N_("level of the score now")),
    "level_before": Field(WHOLE_NUMBER, lambda f: f.level_before, N_("level before this look")),
    "surge": Field(NUMBER, lambda f: float(f.surge), N_("chance of more trouble than usual, 0 to 1")),
    "sources_28d": Field(WHOLE_NUMBER, lambda f: f.sources_28d, N_("people who reported in 28 days")),
    "voices": Field(WHOLE_NUMBER, lambda f: f.voices, N_("members who sent news in 14 days")),
    "open_below": Field(WHOLE_NUMBER, lambda f: f.open_below, N_("highest open alert in a place below")),
    "windows": Field(
        WORDS, lambda f: sorted(f.windows)[:MOST_WORDS], N_("kinds of date that are near"), MOST_WORDS
    ),
    "difficult_windows": Field(
        WORDS,
        lambda f: sorted(f.difficult_windows)[:MOST_WORDS],
        N_("near dates that were hard last time"),
        MOST_WORDS,
    ),
    "unusual": Field(
        WORDS,
        lambda f: sorted(f.unusual)[:MOST_WORDS],
        N_("detectors that call this place unusual"),
        MOST_WORDS,
    ),
    "incidents": Field(INCIDENTS, known, N_("what known people reported in 28 days"), MOST_INCIDENTS),
}
INCIDENT_FIELDS: dict[str, IncidentField] = {
    "kind": IncidentField(WORD, lambda i, _f: i.kind, N_("what happened, a word of the list of kinds")),
    "severity": IncidentField(WHOLE_NUMBER, lambda i, _f: i.severity, N_("how severe, 1 to 5")),
    "credibility": IncidentField(NUMBER, lambda i, _f: float(i.credibility), N_("how sure, 0.2 to 1")),
    "how_known": IncidentField(WORD, lambda i, _f: i.how_known, N_("saw, told, heard or media")),
    "ongoing": IncidentField(YES_NO, lambda i, _f: i.ongoing, N_("whether it is still going on")),
    "confirmed": IncidentField(YES_NO, lambda i, _f: i.confirmed, N_("whether the secretary confirmed it")),
    "sensitive": IncidentField(YES_NO, lambda i, _f: i.sensitive, N_("whether it is a private matter")),
    "threat": IncidentField(WORD, lambda i, _f: i.threat, N_("its line of tension")),
    "sources": IncidentField(
        WHOLE_NUMBER, lambda i, _f: len(i.sources), N_("how many known people reported it")
    ),
    "seen": IncidentField(YES_NO, lambda i, _f: bool(i.seen_by), N_("whether somebody saw it")),
    "hours_ago": IncidentField(
        NUMBER, lambda i, f: _hours(i.received_at, f), N_("hours since we heard of it")
    ),
    "happened_hours_ago": IncidentField(
        NUMBER, lambda i, f: _hours(i.occurred_at, f), N_("hours since it happened")
    ),
}
