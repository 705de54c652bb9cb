"""Today: how my ward is, what needs me, and one button. The first page of everybody who reports."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import select

from alerts.alert import OPEN, Alert
from alerts.sentences import kind_label, level_meaning, level_word
from alerts.standing import standing
from committees import actions, checkins, places
from committees.actions import Action
from committees.places import Locality, local_day
from coordination import calendar_view
from coordination.pages.checkin import own_wards, turnout
from coordination.pages.mine import own_reports
from coordination.pages.whereabouts import REPORTERS, Home, home_of, name_of
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

MOST = 3
DAYS_AHEAD = 14


@page("/today", roles=REPORTERS, nav=N_("Today"), order=10)
def today(visit: Visit) -> Response:
    """The state of my ward and the few things that wait for me."""
    home = home_of(visit)
    stands = standing(visit.session, home.place, visit.now)
    mine = own_reports(visit)
    return visit.render(
        "today.html",
        place=name_of(home.place),
        level=stands.level,
        level_word=level_word,
        sentence=level_meaning(stands.level),
        alerts=[_alert(visit, home, alert) for alert in _alerts(visit, home)[:MOST]],
        checkin=_checkin(visit, home),
        reports=[report for report in mine if report.waiting or report.told][:MOST],
        more=len(mine),
        dates=_dates(visit, home),
        calendar=f"/calendar/{home.place.code}",
        actions=[_action(action) for action in _actions(visit, home)[:MOST]],
    )


def _alerts(visit: Visit, home: Home) -> list[Alert]:
    """The open alerts of the visitor's ward and what it lies in, or of their whole area."""
    rows = (
        select(Alert)
        .where(Alert.state == OPEN, Alert.origin == "live")
        .order_by(Alert.level.desc(), Alert.number)
    )
    found = list(visit.session.scalars(rows))
    if home.ward is None:
        return found
    around = {place.id for place in places.ancestors(visit.session, home.ward.id)}
    return [alert for alert in found if alert.locality_id in around]


def _alert(visit: Visit, home: Home, alert: Alert) -> dict[str, Any]:
    place = visit.session.get_one(Locality, alert.locality_id)
    answered = (
        _("Somebody is acting on it.") if alert.acting_at else _("Seen. Nobody says yet that they act on it.")
    )
    return {
        "href": f"/a/{alert.id}",
        "level": alert.level,
        "name": _("%(what)s, %(place)s", what=kind_label(alert.what), place=name_of(place)),
        "meta": _(
            "Alert %(number)s, %(when)s.",
            number=alert.number,
            when=words.when(alert.opened_at, home.zone, visit.now),
        ),
        "answered": answered if alert.answered_at or alert.acting_at else _("Nobody has answered yet."),
    }


def _checkin(visit: Visit, home: Home) -> dict[str, Any] | None:
    """Whether the visitor checked in this week, and how many of their ward did; None without a ward."""
    wards = own_wards(visit, home)
    if not wards:
        return None
    done = all(
        any(
            checkins.of_week(visit.session, handle, ward.id, checkins.week_of(visit.session, visit.now, ward))
            for handle in visit.principal.handles
        )
        for ward in wards
    )
    spoken, of = turnout(visit, wards[0])
    said = _("%(spoken)s of %(all)s members have checked in.", spoken=spoken, all=of)
    return {"done": done, "said": said}


def _dates(visit: Visit, home: Home) -> list[tuple[str, str, str]]:
    """The next dates to prepare for."""
    today = local_day(visit.now, home.zone)
    return calendar_view.soon(visit.session, visit.principal, home.place, today, DAYS_AHEAD)[:MOST]


def _actions(visit: Visit, home: Home) -> list[Action]:
    """What the visitor's roles have to do, the next due first."""
    found = actions.open_in(visit.session, local_day(visit.now, home.zone))
    return [action for action in found if action.role in visit.principal.roles]


def _action(action: Action) -> tuple[str, str]:
    return action.what, _("due %(day)s", day=words.day(action.due))
