"""The weekly check-in: five questions in words, signs of peace, and who was spoken to.

Reading the form is committees/intake/checkin_form.py, storing it committees/checkins.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Response
from werkzeug.datastructures import MultiDict

from alerts.sentences import indicator_label
from committees import checkins, profiles
from committees.checkins import CheckIn, NewCheckIn
from committees.committee import voices_of_ward
from committees.intake import checkin_form
from committees.intake.checkin_form import CheckInAnswers
from committees.places import Locality
from coordination.pages.whereabouts import REPORTERS, Home, home_of, name_of, source_of
from foundation.errors import NotFound, Refused
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

WEEK, DAY = timedelta(days=7), timedelta(days=1)


@page("/check-in", roles=REPORTERS, nav=N_("Check-in"), nav_for=("member",), order=30)
def check_in(visit: Visit) -> Response:
    """The form for this week, or with `calm` the same with 1 for everything, to be looked at and sent."""
    home = home_of(visit)
    document = profiles.in_force(visit.session, home.place.id).document
    if not visit.posted:
        return _show(visit, home, document, _start(visit, home), uuid4(), {})
    key = visit.uuid("checkin_id")
    try:
        answers = checkin_form.read(
            visit.form, home.codes, tuple(row["key"] for row in document["indicators"])
        )
    except Refused as refused:
        return _show(visit, home, document, visit.form, key, refused.fields)
    row = _store(visit, home, key, answers)
    return visit.go(f"/check-in/{row.id}/sent")


@page("/check-in/<uuid:checkin_id>/sent", roles=REPORTERS)
def checked_in(visit: Visit, checkin_id: UUID) -> Response:
    """The receipt of one's own check-in, with how many have spoken."""
    row: CheckIn = visit.get(CheckIn, checkin_id)
    if row.source_id not in visit.principal.handles:
        raise NotFound()
    ward = visit.session.get_one(Locality, row.locality_id)
    spoken, of = turnout(visit, ward, row.week)
    last_day = words.day(row.week + WEEK - DAY)
    return visit.render(
        "checked_in.html",
        key=row.id,
        ward=name_of(ward),
        spoken=spoken,
        of=of,
        late=row.late,
        last_day=last_day,
    )


def turnout(visit: Visit, ward: Locality, week: date | None = None) -> tuple[int, int]:
    """How many have spoken for a ward in a week (this one if none is named), and how many could: never fewer than did."""
    week = week or checkins.week_of(visit.session, visit.now, ward)
    spoken = checkins.spoken_this_week(visit.session, ward.id, week)
    return spoken, max(spoken, voices_of_ward(visit.session, ward.id))


def _start(visit: Visit, home: Home) -> MultiDict[str, str]:
    ward = home.ward.code if home.ward else visit.args.get("ward", "")
    return checkin_form.all_calm(ward) if "calm" in visit.args else MultiDict({"ward": ward})


def _show(
    visit: Visit,
    home: Home,
    document: Mapping[str, Any],
    values: MultiDict[str, str],
    key: UUID,
    errors: dict[str, str],
) -> Response:
    return visit.render(
        "check_in.html",
        422 if errors else 200,
        errors=errors,
        values=values,
        key=key,
        ward=home.ward,
        place=name_of(home.place),
        wards=[(ward.code, name_of(ward)) for ward in home.wards],
        questions=_questions(_last_week(visit, home)),
        indicators=[(row["key"], indicator_label(row["key"], document)) for row in document["indicators"]],
        **_lists(),
    )


def show_empty(visit: Visit) -> Response:
    """The form without a person, a ward or last week's answers: it may stand in a cache."""
    return visit.render(
        "check_in.html",
        errors={},
        values=MultiDict(),
        key="",
        ward=None,
        place="",
        wards=[],
        questions=_questions([]),
        indicators=[],
        **_lists(),
    )


def _questions(last: list[int]) -> list[tuple[int, str, list[tuple[str, str]], str]]:
    found = []
    for number, (question, points) in enumerate(checkin_form.QUESTIONS, 1):
        before = _("last week: %(n)s", n=last[number - 1]) if last else ""
        choices = [(str(point), f"{point}. {_(words)}") for point, words in enumerate(points, 1)]
        found.append((number, _(question), choices, before))
    return found


def _lists() -> dict[str, Any]:
    return {
        "said": [(key, _(words)) for key, words in checkin_form.SAID.items()],
        "talked_to": [(key, _(words)) for key, words in checkin_form.TALKED_TO.items()],
        "activities": [(key, _(words)) for key, (words, _sign) in checkin_form.ACTIVITIES.items()],
    }


def _last_week(visit: Visit, home: Home) -> list[int]:
    if home.ward is None:
        return []
    week = checkins.week_of(visit.session, visit.now, home.ward) - WEEK
    for handle in visit.principal.handles:
        if found := checkins.of_week(visit.session, handle, home.ward.id, week):
            return [int(answer) for answer in found.answers]
    return []


def _store(visit: Visit, home: Home, key: UUID, answers: CheckInAnswers) -> CheckIn:
    new = NewCheckIn(
        id=key,
        locality=home.by_code(answers.ward),
        source=source_of(visit, home),
        answers=answers.answers,
        all_calm=answers.all_calm,
        indicators=answers.indicators,
        talked_to=answers.talked_to,
        prepare=answers.prepare,
        activities=answers.activities,
        at=visit.filled_at(),
    )
    return checkins.record(visit.session, visit.now, new)
