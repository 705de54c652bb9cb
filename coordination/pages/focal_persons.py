"""The focal persons of one's own committee: who vouches for people without an account, since when and why. The chair makes and ends them.

Rules are committees/vouching.py; the report for somebody vouched for is report.py.
"""

from __future__ import annotations

from uuid import UUID

from flask import Response

from committees import committee, vouching
from committees.people import Person
from committees.places import zone_of
from committees.vouching import FocalPerson
from coordination.desk_view import DESK
from coordination.pages.whereabouts import Home, home_of
from foundation.errors import Invalid, NotAllowed, NotFound
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _

MAY_VOUCH = ("member", "touch_point", "secretary", "chair")


@page("/desk/focal", roles=DESK)
def focal_persons(visit: Visit) -> Response:
    """Who vouches now and who did; a chair makes somebody a focal person here."""
    body = _body(visit)
    if not visit.posted:
        return _show(visit, {})
    _only_the_chair(visit)
    sitting = {str(person.id): person for person in committee.sitting(visit.session, body, *MAY_VOUCH)}
    person = sitting.get(visit.form.get("person", ""))
    if person is None:
        return _show(visit, {"person": _("Choose a person of this committee")})
    home = home_of(visit)
    try:
        vouching.appoint(
            visit.session,
            visit.now,
            committee_id=body,
            locality_id=home.standing.locality_id,
            person_id=person.id,
            by=visit.person_id,
            reason=visit.form.get("reason", ""),
        )
    except Invalid as wrong:
        return _show(visit, {wrong.field: _(wrong.message)})
    visit.say(_("Noted. This person can now report for people they vouch for."))
    return visit.go("/desk/focal")


@page("/desk/focal/<uuid:row_id>", roles=DESK)
def ended(visit: Visit, row_id: UUID) -> Response:
    """A chair ends a focal person, with a reason."""
    row: FocalPerson = visit.get(FocalPerson, row_id)
    if row.committee_id != _body(visit):
        raise NotFound()
    if not visit.posted:
        return visit.go("/desk/focal")
    _only_the_chair(visit)
    try:
        vouching.end(
            visit.session, visit.now, row, by=visit.person_id, reason=visit.form.get(f"why_{row.id}", "")
        )
    except Invalid as wrong:
        return _show(visit, {f"why_{row.id}": _(wrong.message)})
    visit.say(_("Ended. What this person reports for others from now on is checked before it counts."))
    return visit.go("/desk/focal")


def _body(visit: Visit) -> UUID:
    found = home_of(visit).standing.committee_id
    if found is None:
        raise NotFound()
    return found


def _only_the_chair(visit: Visit) -> None:
    if not visit.has("chair"):
        raise NotAllowed(_("Only the chair makes and ends focal persons."))


def _show(visit: Visit, errors: dict[str, str]) -> Response:
    body, home = _body(visit), home_of(visit)
    rows = [_row(visit, home, row) for row in vouching.of_committee(visit.session, body)]
    taken = {row["person"] for row in rows if row["now"]}
    sitting = committee.sitting(visit.session, body, *MAY_VOUCH)
    return visit.render(
        "focal_persons.html",
        422 if errors else 200,
        rows=rows,
        persons=[(str(one.id), one.name) for one in sitting if one.id not in taken],
        chair=visit.has("chair"),
        values=visit.form,
        errors=errors,
        most=vouching.LONGEST_REASON,
    )


def _row(visit: Visit, home: Home, row: FocalPerson) -> dict[str, object]:
    zone = zone_of(visit.session, home.area)
    return {
        "id": row.id,
        "person": row.person_id,
        "name": visit.session.get_one(Person, row.person_id).name,
        "since": words.when(row.made_at, zone, visit.now),
        "reason": row.reason,
        "now": row.ended_at is None,
        "ended": words.when(row.ended_at, zone, visit.now) if row.ended_at else "",
        "why_ended": row.ended_reason,
    }
