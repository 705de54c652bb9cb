"""The calendar of a place: a month of dates with their windows. One date and its forms are dates.py."""

from __future__ import annotations

from flask import Response

from committees.places import local_day, zone_of
from coordination import calendar_view, reach
from coordination.calendar_view import Month
from coordination.pages.whereabouts import name_of
from foundation.web.page import Visit, page

READERS = reach.READS_LEVELS
TELLERS = ("chair", "city_officer", "national_contact")


@page("/calendar/<code>", roles=READERS)
def calendar(visit: Visit, code: str) -> Response:
    """A month: the list on phones, weeks beside it where there is room."""
    here = reach.place_with(visit.session, visit.principal, code)
    today = local_day(visit.now, zone_of(visit.session, here))
    month = calendar_view.month_of(visit.args.get("month", ""), today)
    dates = calendar_view.dates_near(visit.session, visit.principal, here, month.first, month.last)
    return visit.render(
        "calendar.html",
        place=here,
        name=name_of(here),
        month=month,
        before=month.beside(-1),
        after=month.beside(1),
        rows=calendar_view.rows(visit.session, here, dates),
        weekdays=calendar_view.weekday_names(here.country_code),
        weeks=calendar_view.weeks(here, month, dates, today),
        as_table=visit.args.get("view") == "month",
        now=Month(today.year, today.month),
        may_add=calendar_view.may_write(visit.session, visit.principal, here),
        may_tell=reach.holds(visit.session, visit.principal, here.id, TELLERS),
    )
