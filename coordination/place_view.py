"""What a place's page shows, from rows that the visitor may see: why, what would lower it, how sure, history.

Reads only; words come from alerts.sentences and gettext. pages/place.py shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts import weeks, whole_points
from alerts.assessing import Score, numbers_then
from alerts.risk import levels
from alerts.risk.conditions import unusual_reasons
from alerts.sentences import level_word, line_sentence, reason_sentence
from alerts.standing import NO_NEWS, Standing
from committees import checkins
from committees.actions import DONE, Action
from committees.committee import Membership, Seat
from committees.incidents import Incident
from committees.places import Locality, LocalityPath
from coordination import score_view
from foundation.policy import Principal
from foundation.web import words
from foundation.web.words import gettext as _
from foundation.web.words import ngettext

LOOK_BACK = timedelta(days=28)
HISTORY = 12


@dataclass(frozen=True)
class Row:
    """One line of "why this level": its sentence, its points as people read them, the reports behind it."""

    sentence: str
    points: str
    reports: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Why:
    """The table: what pushes up, what pulls down, the total and the words for its band."""

    up: list[Row]
    down: list[Row]
    total: int
    total_words: str


def why(
    session: Session, principal: Principal, score: Score, zone: ZoneInfo, near: list[Locality], *, desk: bool
) -> Why:
    """Why a place has its score, in whole points that add up; `desk`: reports link to the sorting page."""
    boundaries = numbers_then(score).boundaries
    total = whole_points.shown_total(score.p28, boundaries)
    seen = score_view.seen(session, principal, score.contributions, zone, near)
    up, down = whole_points.table(whole_points.grouped(score.contributions, seen), total)
    level = levels.level_of(score.p28, boundaries)
    low, high = whole_points.band(level, boundaries)
    band = _("%(level)s is %(low)d to %(high)d", level=level_word(level), low=low, high=high)
    return Why(
        [_row(line, points, seen, desk) for line, points in up],
        [_row(line, points, seen, desk) for line, points in down],
        total,
        _("Score today (%(band)s)", band=band),
    )


def _row(line: whole_points.Line, points: int, seen: Mapping[str, Mapping[str, Any]], desk: bool) -> Row:
    sentence = line_sentence({"key": line.key, **{k: v for k, v in line.values.items() if k != "key"}})
    links = tuple((f"/desk/r/{key}", str(seen[key]["reference"])) for key in line.incidents) if desk else ()
    # A true minus sign: a hyphen is lost on paper.
    return Row(sentence, f"+{points}" if points > 0 else f"\N{MINUS SIGN}{-points}", links)


def unusual(now: datetime, stands: Standing, zone: ZoneInfo) -> list[str]:
    """Why a place was unusual when it was assessed last, in sentences, and when that was; none where it was not. It is no part of the score."""
    found = stands.unusual or {}
    if not found.get("detectors"):
        return []
    reasons = unusual_reasons(tuple(found["detectors"]), found["seen"], found["usual"])
    at = words.when(datetime.fromisoformat(found["at"]), zone, now)
    return [*(reason_sentence(one.data()) for one in reasons), _("Found %(when)s.", when=at)]


def what_would_lower(stands: Standing, score: Score | None, zone: ZoneInfo) -> list[str]:
    """What would lower the level, in sentences with dates."""
    found = [
        _(
            "Alert %(number)d is open. While it is, the level stays at least %(level)s.",
            number=alert.number,
            level=level_word(alert.level),
        )
        for alert in stands.open_alerts
    ]
    if stands.to_check:
        found.append(
            ngettext(
                "%(num)d report waits to be checked. Until then this place is not called Quiet.",
                "%(num)d reports wait to be checked. Until then this place is not called Quiet.",
                stands.to_check,
            )
        )
    if score and stands.computed > 1:
        found.append(_fall(score, stands.computed, zone))
        numbers = numbers_then(score)
        edge = round(100 * numbers.step_down * levels.lower_boundary(stands.computed, numbers.boundaries))
        found.append(_("A level falls only when the score is below %(n)d points.", n=edge))
    if stands.level == 0 and stands.why_not_known == NO_NEWS:
        found.append(_("Two people who send news within 14 days are enough for a level."))
    if stands.level == 1:
        found.append(_("This is the lowest level. Please keep checking in."))
    return found


def _fall(score: Score, level: int, zone: ZoneInfo) -> str:
    if score.falls_at is None:
        return _("So much happened here that the score does not fall by itself within ten years.")
    return _(
        "If nothing new is reported, the score falls to %(level)s by %(day)s.",
        level=level_word(level - 1),
        day=words.day(score.falls_at, zone),
    )


def how_sure(session: Session, now: datetime, place: Locality, zone: ZoneInfo) -> list[str]:
    """How much this level rests on: who checked in, how many reports were seen in person, the last news."""
    found = [_turnout(session, now, place)]
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place.id)
    in_person = func.count().filter(Incident.how_known == "saw")
    recent = select(func.count(), func.max(Incident.received_at), in_person)
    recent = recent.where(Incident.locality_id.in_(below), Incident.known_at > now - LOOK_BACK)
    total, last, seen = session.execute(recent).one()
    if total:
        found.append(
            ngettext(
                "Of %(num)d report in 4 weeks that you may read, %(seen)d was seen in person.",
                "Of %(num)d reports in 4 weeks that you may read, %(seen)d were seen in person.",
                total,
                seen=seen,
            )
        )
        found.append(_("Last report: %(ago)s.", ago=words.ago(last, now)))
    else:
        found.append(_("No report in 4 weeks that you may read."))
    return found


def _turnout(session: Session, now: datetime, place: Locality) -> str:
    """How many spoke this week, of how many who sit for the place and below."""
    week = checkins.week_of(session, now, place)
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place.id)
    spoken = (
        session.scalar(
            select(func.sum(checkins.Turnout.spoken)).where(
                checkins.Turnout.locality_id.in_(below), checkins.Turnout.week == week
            )
        )
        or 0
    )
    seats = (
        select(func.count())
        .select_from(Membership)
        .join(Seat, Seat.id == Membership.seat_id)
        .where(Seat.ward_id.in_(below), Membership.until.is_(None))
    )
    members = max(spoken, session.scalar(seats) or 0)
    if not members:
        return _("No committee member sits for this place yet.")
    return ngettext(
        "%(spoken)d of %(num)d member has checked in this week.",
        "%(spoken)d of %(num)d members have checked in this week.",
        members,
        spoken=spoken,
    )


@dataclass(frozen=True)
class WeekRow:
    """One week of a place's history: its Monday as words, the level, the actions done in it."""

    label: str
    level: int
    done: int


def history(session: Session, now: datetime, place: Locality, zone: ZoneInfo) -> list[WeekRow]:
    """The last 12 weeks, oldest first: the level at each week's end, and the actions that were done in it."""
    spans = weeks.last_weeks(now, zone, HISTORY)
    found = weeks.levels_at(session, [place.id], [end for _monday, end in spans])[place.id]
    done = select(Action.done_at).where(
        Action.locality_id == place.id, Action.state == DONE, Action.done_at > spans[0][1] - weeks.WEEK
    )
    days = [at.astimezone(zone).date() for at in session.scalars(done) if at]
    return [
        WeekRow(_short(monday), level, sum(monday <= day < monday + weeks.WEEK for day in days))
        for (monday, _end), level in zip(spans, found, strict=True)
    ]


def _short(monday: date) -> str:
    return words.day_by(monday, "d MMM")
