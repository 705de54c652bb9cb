"""The city in two minutes: wards by what needs somebody first, overdue actions, coming dates; and the map."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response

from alerts import weeks
from alerts.alert import Alert
from alerts.sentences import kind_label, level_word, role_name
from alerts.standing import Standing, standings
from alerts.town_map import town_map
from committees import actions
from committees.places import Locality, local_day, zone_of
from coordination import reach
from coordination.pages.place import area_of, dates_of, name_of
from foundation.errors import NotFound
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_, ngettext
from foundation.web.words import gettext as _

CITY = ("city_officer", "district_administration", "chair")
RECENT = timedelta(days=7)
WEEKS = 12
DAYS_AHEAD = 14


@page("/city", roles=CITY, nav=N_("City"), order=12)
def city(visit: Visit) -> Response:
    """What needs somebody, ward by ward."""
    session, now = visit.session, visit.now
    wards, areas = _wards(visit)
    stands = standings(session, [*wards, *areas], now)
    ordered = sorted(wards, key=lambda ward: _urgency(ward, stands[ward.id], now))
    zone = zone_of(session, areas[0])
    names = {place.id: place for place in (*wards, *areas)}
    alerts = sorted(
        (alert for place in (*wards, *areas) for alert in stands[place.id].open_alerts),
        key=lambda alert: (alert.acting_at is not None, -alert.level, alert.opened_at),
    )
    today = local_day(now, zone)
    late = [row for row in actions.open_in(session, today) if row.due < today]
    return visit.render(
        "city.html",
        title=_(", ").join(name_of(area) for area in areas),
        areas=[
            {
                "name": name_of(a),
                "level": stands[a.id].level,
                "href": f"/place/{a.code}",
                "calendar": f"/calendar/{a.code}",
            }
            for a in areas
        ],
        alerts=[_alert(alert, names[alert.locality_id], zone, now) for alert in alerts],
        wards=[_row(ward, stands[ward.id], zone, now) for ward in ordered],
        summary=_summary(wards, stands, alerts, now),
        top=_top(ordered, alerts),
        late=[(row.what, role_name(row.role), words.day(row.due)) for row in late],
        dates=[date for area in areas for date in dates_of(visit, area, zone, DAYS_AHEAD)],
    )


@page("/city/map", roles=CITY)
def city_map(visit: Visit) -> Response:
    """The list first, then the picture; twelve weeks are twelve links."""
    session, now = visit.session, visit.now
    wards, areas = _wards(visit)
    spans = weeks.last_weeks(now, zone_of(session, areas[0]), WEEKS)
    back = _back(visit)
    levels = _levels_of(visit, wards, spans[-1 - back][1] if back else None)
    towns = sorted({ward.parent_id for ward in wards if ward.parent_id}, key=str)
    return visit.render(
        "city_map.html",
        rows=[{"href": f"/place/{w.code}", "name": name_of(w), "level": levels[w.id]} for w in wards],
        maps=[_map(visit, town, wards, levels) for town in towns],
        weeks=[
            (n, _("now") if n == 0 else words.day(monday), n == back)
            for n, (monday, _end) in enumerate(reversed(spans))
        ],
        shown=_("Levels now")
        if not back
        else _("Levels at the end of the week from %(day)s", day=words.day(spans[-1 - back][0])),
    )


def _wards(visit: Visit) -> tuple[list[Locality], list[Locality]]:
    """The watched wards of a visitor, and the places that they answer for."""
    ids = set(visit.principal.at(*CITY))
    areas = [place for place in (visit.session.get(Locality, key) for key in ids) if place is not None]
    wards = reach.wards_below(visit.session, ids)
    if not areas:
        raise NotFound()
    return wards, sorted(areas, key=lambda place: place.code)


def _urgency(ward: Locality, stands: Standing, now: datetime) -> tuple[Any, ...]:
    """Unanswered alerts first, then what rose most this week, then the level; a silent ward before a quiet one."""
    rise = change(stands, now)
    silent = stands.level == 0
    return (-stands.unanswered, -rise, -stands.level if not silent else -1.5, reach.by_number(ward))


def change(stands: Standing, now: datetime) -> int:
    """By how many levels a place rose (or fell, below 0) within the last seven days."""
    if stands.before is None or stands.since is None or now - stands.since > RECENT or not stands.level:
        return 0
    return stands.level - stands.before


def _row(ward: Locality, stands: Standing, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    moved = change(stands, now)
    said = []
    if stands.unanswered:
        said.append(
            ngettext(
                "%(num)d alert waits for an answer", "%(num)d alerts wait for an answer", stands.unanswered
            )
        )
    if moved and stands.before is not None and stands.since is not None:
        day, before = words.day(stands.since, zone), level_word(stands.before)
        said.append(
            _("rose from %(before)s on %(day)s", before=before, day=day)
            if moved > 0
            else _("fell from %(before)s on %(day)s", before=before, day=day)
        )
    if not stands.level:
        said.append(_("no news from enough people"))
    return {
        "href": f"/place/{ward.code}",
        "name": name_of(ward),
        "level": stands.level,
        "meta": " · ".join(said),
    }


def _alert(alert: Alert, place: Locality, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    state = (
        _("somebody is acting on it")
        if alert.acting_at
        else _("seen, nobody is acting yet")
        if alert.answered_at
        else _("nobody has answered yet")
    )
    opened = words.when(alert.opened_at, zone, now)
    return {
        "href": f"/a/{alert.id}",
        "name": _("%(what)s, %(place)s", what=kind_label(alert.what), place=name_of(place)),
        "level": alert.level,
        "meta": _("Alert %(number)d, %(opened)s: %(state)s", number=alert.number, opened=opened, state=state),
    }


def _summary(wards: list[Locality], stands: dict[UUID, Standing], alerts: list[Alert], now: datetime) -> str:
    """The morning in one line."""
    waiting = sum(alert.acting_at is None for alert in alerts)
    moved = sum(change(stands[ward.id], now) > 0 for ward in wards)
    silent = sum(stands[ward.id].level == 0 for ward in wards)
    return " ".join(
        (
            ngettext(
                "%(num)d alert waits for somebody to act.",
                "%(num)d alerts wait for somebody to act.",
                waiting,
            ),
            ngettext("%(num)d ward rose this week.", "%(num)d wards rose this week.", moved),
            ngettext("%(num)d ward is Not known.", "%(num)d wards are Not known.", silent),
        )
    )


def _top(ordered: list[Locality], alerts: list[Alert]) -> str:
    """The address of the one thing to open first."""
    if alerts and alerts[0].acting_at is None:
        return f"/a/{alerts[0].id}"
    return f"/place/{ordered[0].code}" if ordered else ""


def _back(visit: Visit) -> int:
    """How many weeks back the map looks: 0 to 11."""
    raw = visit.args.get("week", "0")
    return min(int(raw), WEEKS - 1) if raw.isdecimal() and raw.isascii() else 0


def _levels_of(visit: Visit, wards: list[Locality], at: datetime | None) -> dict[UUID, int]:
    if at is None:
        return {key: one.level for key, one in standings(visit.session, wards, visit.now).items()}
    found = weeks.levels_at(visit.session, [ward.id for ward in wards], [at])
    return {key: levels[0] for key, levels in found.items()}


def _map(visit: Visit, town_id: UUID, wards: list[Locality], levels: dict[UUID, int]) -> dict[str, Any]:
    town = visit.session.get_one(Locality, town_id)
    own = [area_of(ward, levels[ward.id]) for ward in wards if ward.parent_id == town_id]
    rtl = words.current().dir == "rtl"
    return {
        "name": name_of(town),
        "map": town_map(own, name_of(town), rtl=rtl, key=f"map-{town.code.lower()}"),
    }
