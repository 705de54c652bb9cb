"""What the check-ins of the last weeks hold besides their answers: those that came late, and what people did together. No name is shown.

What an activity weighs is the score's; asking is asking_check_ins.py.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from flask import Response
from sqlalchemy import select

from committees.checkins import WEEK, CheckIn
from committees.intake.checkin_form import ACTIVITIES
from committees.places import Locality, zone_of
from coordination import reach
from coordination.desk_view import DESK
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _

WEEKS = 4


@dataclass(frozen=True)
class Told:
    """One line: a ward or an activity in words, how many told of it, and the week it speaks of."""

    name: str
    meta: str
    count: int = 0


@page("/desk/weeks", roles=DESK)
def weeks(visit: Visit) -> Response:
    """Late answers and signs of peace of the last four weeks, the newest first."""
    wards = {ward.id: ward for ward in reach.wards_below(visit.session, visit.principal.at(*DESK))}
    towns = {key: visit.session.get_one(Locality, key) for key in visit.principal.at(*DESK)}
    places = towns | wards
    found = _rows(visit, places)
    return visit.render("weeks.html", late=_late(visit, found, places), together=_together(found, places))


def _rows(visit: Visit, places: dict[UUID, Locality]) -> list[CheckIn]:
    rows = select(CheckIn).where(
        CheckIn.locality_id.in_(places), CheckIn.received_at > visit.now - WEEKS * WEEK
    )
    return list(visit.session.scalars(rows.order_by(CheckIn.received_at.desc(), CheckIn.id)))


def _late(visit: Visit, rows: list[CheckIn], places: dict[UUID, Locality]) -> list[Told]:
    late = [row for row in rows if row.late]
    return [Told(_name(places[row.locality_id]), _came(visit, row, places)) for row in late]


def _came(visit: Visit, row: CheckIn, places: dict[UUID, Locality]) -> str:
    came = words.when(row.received_at, zone_of(visit.session, places[row.locality_id]), visit.now)
    return " · ".join([_week(row.week), came])


def _together(rows: list[CheckIn], places: dict[UUID, Locality]) -> list[Told]:
    told = Counter(
        (row.week, row.locality_id, str(one)) for row in rows for one in row.activities if one in ACTIVITIES
    )
    newest = sorted(told, key=lambda one: (one[0], one[2]), reverse=True)
    return [
        Told(_(ACTIVITIES[what][0]), " · ".join([_name(places[place]), _week(week)]), told[week, place, what])
        for week, place, what in newest
    ]


def _week(monday: date) -> str:
    return _("week until %(day)s", day=words.day(monday + WEEK - timedelta(days=1)))


def _name(place: Locality) -> str:
    return place.name(words.current().language)
