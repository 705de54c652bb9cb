"""The weekly check-in: five questions in words, signs of peace, and who was spoken to.

Reading the form is committees/intake/checkin_form.py, storing it committees/checkins.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Response
from werkzeug.datastructures import MultiDict

from alerts.sentences import indicator_label
from committees import checkins, committee, profiles
from committees.checkins import CheckIn, NewCheckIn
from committees.committee import voices_of_ward
from committees.intake import checkin_form
from committees.intake.checkin_form import CheckInAnswers
from committees.places import Locality
from committees.reports import WALK_IN, Source
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
    own = own_wards(visit, home)
    home = replace(home, ward=_chosen(visit, own) or home.ward)
    document = profiles.in_force(visit.session, home.place.id).document
    if not visit.posted:
        return show(visit, home, document, _start(visit, home), uuid4(), {}, others=_others(home, own))
    key = visit.uuid("checkin_id")
    try:
        answers = checkin_form.read(visit.form, home.codes, signs_of(document))
    except Refused as refused:
        return show(visit, home, document, visit.form, key, refused.fields, others=_others(home, own))
    row = store(visit, home, source_of(visit, home), key, answers)
    return visit.go(f"/check-in/{row.id}/sent")


def own_wards(visit: Visit, home: Home) -> list[Locality]:
    """The wards for which this visitor sits, those first for which they have not checked in this week."""
    wards = {ward.id: ward for ward in home.wards}
    mine = [wards[key] for key in committee.wards_of(visit.session, visit.person_id) if key in wards]
    return sorted(mine, key=lambda ward: _of_now(visit, ward) is not None) if len(mine) > 1 else mine


def _chosen(visit: Visit, own: list[Locality]) -> Locality | None:
    """Of which of their wards a visitor speaks: as they say, else the next that waits."""
    code = visit.form.get("ward", "") if visit.posted else visit.args.get("ward", "")
    return next((ward for ward in own if ward.code == code), own[0] if own else None)


def _others(home: Home, own: list[Locality]) -> list[tuple[str, str]]:
    return [(ward.code, name_of(ward)) for ward in own if ward is not home.ward]


def signs_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of the signs for which a local picture asks."""
    return tuple(row["key"] for row in document["indicators"])


def _of_now(visit: Visit, ward: Locality) -> CheckIn | None:
    """What this visitor has said of a ward for the week that answers of now would speak of."""
    for handle in visit.principal.handles:
        week = checkins.week_spoken_of(visit.session, visit.now, ward, handle)
        if found := checkins.of_week(visit.session, handle, ward.id, week):
            return found
    return None


@page("/check-in/<uuid:checkin_id>/sent", roles=REPORTERS)
def checked_in(visit: Visit, checkin_id: UUID) -> Response:
    """The receipt of one's own check-in, with how many have spoken."""
    row: CheckIn = visit.get(CheckIn, checkin_id)
    if row.source_id not in visit.principal.handles:
        raise NotFound()
    ward = visit.session.get_one(Locality, row.locality_id)
    spoken, of = turnout(visit, ward, row.week)
    last_day = words.day(row.week + WEEK - DAY)
    waiting = [one for one in own_wards(visit, home_of(visit)) if _of_now(visit, one) is None]
    return visit.render(
        "checked_in.html",
        key=row.id,
        ward=name_of(ward),
        spoken=spoken,
        of=of,
        late=row.late,
        last_day=last_day,
        others=[(one.code, name_of(one)) for one in waiting],
    )


def turnout(visit: Visit, ward: Locality, week: date | None = None) -> tuple[int, int]:
    """How many have spoken for a ward in a week (this one if none is named), and how many could: never fewer than did."""
    week = week or checkins.week_of(visit.session, visit.now, ward)
    spoken = checkins.spoken_this_week(visit.session, ward.id, week)
    return spoken, max(spoken, voices_of_ward(visit.session, ward.id))


def _start(visit: Visit, home: Home) -> MultiDict[str, str]:
    ward = home.ward.code if home.ward else visit.args.get("ward", "")
    if "calm" in visit.args:
        return checkin_form.all_calm(ward)
    said = _of_now(visit, home.ward) if home.ward else None
    return checkin_form.as_said(ward, said) if said else MultiDict({"ward": ward})


def show(
    visit: Visit,
    home: Home,
    document: Mapping[str, Any],
    values: MultiDict[str, str],
    key: UUID,
    errors: dict[str, str],
    *,
    others: Sequence[tuple[str, str]] = (),
    persons: Sequence[tuple[str, str]] = (),
) -> Response:
    """The form as it was filled in. `others`: further wards of the visitor; `persons`: of whom it may be, where it is somebody else's."""
    return visit.render(
        "check_in.html",
        422 if errors else 200,
        others=others,
        persons=persons,
        errors=errors,
        values=values,
        key=key,
        ward=home.ward,
        place=name_of(home.place),
        wards=[(ward.code, name_of(ward)) for ward in home.wards],
        questions=_questions([] if persons else _last_week(visit, home)),
        indicators=[(row["key"], indicator_label(row["key"], document)) for row in document["indicators"]],
        **_lists(),
    )


def show_empty(visit: Visit) -> Response:
    """The form without a person, a ward or last week's answers: it may stand in a cache."""
    return visit.render(
        "check_in.html",
        others=[],
        persons=[],
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
    for handle in visit.principal.handles:
        week = checkins.week_spoken_of(visit.session, visit.now, home.ward, handle) - WEEK
        if found := checkins.of_week(visit.session, handle, home.ward.id, week):
            return [int(answer) for answer in found.answers]
    return []


def store(
    visit: Visit, home: Home, source: Source, key: UUID, answers: CheckInAnswers, *, for_other: bool = False
) -> CheckIn:
    """Keep the answers of a form as those of this source."""
    new = NewCheckIn(
        id=key,
        locality=home.by_code(answers.ward),
        source=source,
        answers=answers.answers,
        channel=WALK_IN if for_other else "web",
        all_calm=answers.all_calm,
        indicators=answers.indicators,
        talked_to=answers.talked_to,
        prepare=answers.prepare,
        activities=answers.activities,
        at=visit.filled_at(),
        logged_for_other=for_other,
    )
    return checkins.record(visit.session, visit.now, new)
