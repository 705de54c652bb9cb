"""The country at a glance: towns by level and trend, open alerts by town. No names, no text of a report; the hub sees counts only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.alert import OPEN, Alert, answers_of
from alerts.assessing import Score
from alerts.sentences import kind_label, role_names
from alerts.standing import Standing, standings
from committees.incidents import COUNTED, Incident
from committees.places import Country, Locality, LocalityPath, zone_of
from coordination import alert_view
from coordination.here import here
from foundation.policy import service
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

FEWEST = 5
MONTH = timedelta(days=28)


@page("/national", roles=("national_contact", "hub_analyst"), nav=N_("Overview"), order=10)
def overview(visit: Visit) -> Response:
    """Where to help: places by level for the national contact, rounded counts for the hub."""
    own = visit.principal.at("national_contact")
    if not own:
        with here().worker.open(service("command")) as session:
            counts = counts_of(session, visit.now)
        return visit.render("national_counts.html", counts=counts)
    places = towns(visit.session, own)
    how = standings(visit.session, places, visit.now)
    then = levels_then(visit.session, visit.now, [place.id for place in places])
    rows = [_row(place, how[place.id], then.get(place.id)) for place in places]
    rows.sort(key=lambda row: (-row["unanswered"], -row["level"], row["name"]))
    silent = sum(not row["level"] for row in rows)
    alerts = [_alert(visit, alert) for alert in open_alerts(visit.session, own)]
    calendars = [
        (f"/calendar/{place.code}", place.name(words.current().language))
        for place in (visit.session.get_one(Locality, key) for key in own)
    ]
    return visit.render("national.html", rows=rows, silent=silent, alerts=alerts, calendars=calendars)


def towns(session: Session, above: tuple[UUID, ...]) -> list[Locality]:
    """The towns under these places that have anybody who watches; wards are not for outsiders."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id.in_(above))
    rows = select(Locality).where(Locality.id.in_(below), Locality.level == "town", Locality.scored)
    return list(session.scalars(rows.order_by(Locality.code)))


def levels_then(session: Session, now: datetime, ids: list[UUID]) -> dict[UUID, int]:
    """The computed level of each place four weeks ago, where one was stored."""
    rows = select(Score.locality_id, Score.level).where(
        Score.locality_id.in_(ids), Score.at <= now - MONTH, Score.at > now - 3 * MONTH
    )
    return dict(session.execute(rows.order_by(Score.at)).all())


def open_alerts(session: Session, above: tuple[UUID, ...]) -> list[Alert]:
    """The open alerts under these places that this reader may see, the gravest first."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id.in_(above))
    rows = select(Alert).where(Alert.locality_id.in_(below), Alert.state == OPEN, Alert.origin == "live")
    return list(session.scalars(rows.order_by(Alert.level.desc(), Alert.opened_at)))


def trend(now_level: int, then: int | None) -> str:
    """Where a level comes from, in words."""
    if not then or not now_level:
        return _("no comparison yet")
    if now_level > then:
        return _("higher than four weeks ago")
    return _("lower than four weeks ago") if now_level < then else _("as four weeks ago")


def _row(place: Locality, how: Standing, then: int | None) -> dict[str, Any]:
    return {
        "href": f"/place/{place.code}",
        "name": place.name(words.current().language),
        "level": how.level,
        "unanswered": how.unanswered,
        "meta": trend(how.level, then) if how.level else _("no news from enough people"),
    }


def _alert(visit: Visit, alert: Alert) -> dict[str, Any]:
    session = visit.session
    zone = zone_of(session, session.get_one(Locality, alert.town_id))
    acting = sorted({row.role for row in answers_of(session, alert.id) if row.answer == "acting"})
    who = _("acting: %(roles)s", roles=role_names(acting)) if acting else _("nobody is acting yet")
    place = alert_view.place_words(session, alert, visit.principal)
    return {
        "href": f"/a/{alert.id}",
        "name": _("%(what)s, %(place)s", what=kind_label(alert.what), place=place),
        "level": alert.level,
        "meta": _("%(when)s · %(who)s", when=words.when(alert.opened_at, zone, visit.now), who=who),
    }


def counts_of(session: Session, now: datetime) -> list[tuple[str, str, str]]:
    """For each country: reports of four weeks and alerts of four weeks, under five said as "under 5"."""
    reports = _per_country(
        session,
        select(Locality.country_code, func.count(Incident.id))
        .join(Incident, Incident.locality_id == Locality.id)
        .where(Incident.received_at > now - MONTH, Incident.state.in_(COUNTED), Incident.origin == "live"),
    )
    alerts = _per_country(
        session,
        select(Locality.country_code, func.count(Alert.id))
        .join(Alert, Alert.locality_id == Locality.id)
        .where(Alert.opened_at > now - MONTH, Alert.origin == "live"),
    )
    countries = session.scalars(select(Country).where(Country.code != "XA").order_by(Country.code))
    language = words.current().language
    return [
        (
            c.name(language),
            coarse(reports.get(c.code, 0)),
            coarse(alerts.get(c.code, 0)),
        )
        for c in countries
    ]


def _per_country(session: Session, rows: Any) -> dict[str, int]:
    return dict(session.execute(rows.group_by(Locality.country_code)).all())


def coarse(number: int) -> str:
    """A count that cannot point at anybody: fewer than five, none included, is "under 5"."""
    return str(number) if number >= FEWEST else _("under 5")
