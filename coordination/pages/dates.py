"""One date of a calendar: adding it, confirming or moving it, what it means at a place, cancelling it; and a shock elsewhere.

What the forms store is committees/flashpoints.py; the month is calendar.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from flask import Response
from werkzeug.datastructures import MultiDict

from alerts.sentences import date_name, trigger_label
from committees import flashpoints, profiles
from committees.flashpoints import ELSEWHERE, NAME_LENGTH, NOTE_LENGTH, REASON_LENGTH, NewDate
from committees.places import Locality, local_day, town_of, upwards, zone_of
from committees.windows import DateHere, spans_of
from coordination import calendar_view, reach
from coordination.pages.calendar import READERS, TELLERS
from coordination.pages.whereabouts import name_of
from foundation.errors import Invalid, NotAllowed, NotFound, Refused
from foundation.web import words
from foundation.web.forms import Form
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

SOMETHING = N_("Something happened elsewhere")
NOT_REAL = N_("Enter a real date, like 27 11 2026")
TOO_LONG = N_("Make it shorter. You have used %(used)d of %(most)d letters")
STEP = 0.01


@page("/calendar/<code>/add", roles=calendar_view.WRITERS)
def add(visit: Visit, code: str) -> Response:
    """A date to prepare for."""
    here = _writable(visit, code)
    if not visit.posted:
        return _form(visit, here, MultiDict(), uuid4(), {})
    key = visit.uuid("date_id")
    try:
        new = _read_new(visit, here, key)
        row = flashpoints.record(visit.session, visit.now, new)
    except Refused as refused:
        return _form(visit, here, visit.form, key, refused.fields)
    except Invalid as invalid:
        return _form(visit, here, visit.form, key, {invalid.field: _(invalid.message)})
    _keep_note(visit, here, row.id)
    visit.say(_("The date is in the calendar. Watching starts by itself."))
    return visit.go(f"/calendar/{here.code}/date/{row.id}")


def _read_new(visit: Visit, here: Locality, key: UUID) -> NewDate:
    form = Form(visit.form)
    kind = form.choice("trigger", dict(_kinds(visit, here)), _("Choose what kind of date it is"))
    name = form.text("name", NAME_LENGTH, _(TOO_LONG), needed=_("Give the date a name"))
    starts = form.date_parts("starts", _(NOT_REAL))
    ends = form.date_parts("ends", _(NOT_REAL)) if _filled(visit.form, "ends") else starts
    form.text("note", NOTE_LENGTH, _(TOO_LONG))
    form.check()
    assert starts
    assert ends
    return NewDate(
        id=key,
        locality=here,
        trigger=kind,
        names={words.current().language: name},
        starts=starts,
        ends=ends,
        about="about" in visit.form.getlist("sure"),
        difficult="difficult" in visit.form.getlist("sure"),
        by=visit.person_id,
    )


def _filled(values: MultiDict[str, str], name: str) -> bool:
    return any(values.get(f"{name}_{part}", "").strip() for part in ("day", "month", "year"))


def _kinds(visit: Visit, here: Locality) -> list[tuple[str, str]]:
    document = profiles.in_force(visit.session, here.id).document
    keys = [row["key"] for row in document["triggers"] if row["key"] != ELSEWHERE]
    return [(key, trigger_label(key, document)) for key in keys]


def _form(
    visit: Visit, here: Locality, values: MultiDict[str, str], key: UUID, errors: dict[str, str]
) -> Response:
    return visit.render(
        "date_add.html",
        422 if errors else 200,
        place=here,
        name=name_of(here),
        values=values,
        key=key,
        errors=errors,
        kinds=_kinds(visit, here),
        starts=_parts(values, "starts"),
        ends=_parts(values, "ends"),
        most=NOTE_LENGTH,
    )


def _parts(values: MultiDict[str, str], name: str) -> dict[str, str]:
    return {part: values.get(f"{name}_{part}", "") for part in ("day", "month", "year")}


def _keep_note(visit: Visit, here: Locality, date_id: UUID) -> None:
    text = visit.form.get("note", "").strip()
    if text:
        flashpoints.note(
            visit.session, visit.now, here, _date(visit, here, date_id), text, by=visit.person_id
        )


def _writable(visit: Visit, code: str) -> Locality:
    here = reach.place_with(visit.session, visit.principal, code)
    if not calendar_view.may_write(visit.session, visit.principal, here):
        raise NotAllowed(
            _("The calendar of this place is kept by its committee."), _("Ask its secretary to add the date.")
        )
    return here


def _date(visit: Visit, here: Locality, date_id: UUID) -> DateHere:
    """How a date stands at a place, or at the ward below it where it was entered; raise NotFound where it is neither's."""
    spans = spans_of(profiles.in_force(visit.session, here.id).document)
    found = flashpoints.date_of(visit.session, here.id, date_id, spans)
    row = visit.session.get(flashpoints.Flashpoint, date_id)
    if found is None and row is not None and reach.covered(visit.session, visit.principal, [row.locality_id]):
        above = {place.id for place in upwards(visit.session, row.locality_id)}
        found = (
            flashpoints.date_of(visit.session, row.locality_id, date_id, spans) if here.id in above else None
        )
    if found is None:
        raise NotFound()
    return found


@page("/calendar/<code>/date/<uuid:date_id>", roles=READERS)
def one_date(visit: Visit, code: str, date_id: UUID) -> Response:
    """A date with its window, last year's notes, and what may be said of it here."""
    here = reach.place_with(visit.session, visit.principal, code)
    found = _date(visit, here, date_id)
    if not visit.posted:
        return _show(visit, here, found, MultiDict(), {})
    act = ACTS.get(visit.form.get("act", ""))
    if act is None:
        raise NotFound()
    _writable(visit, code)
    # What is said of a ward's date is said where it was entered, seen from its town too.
    place = visit.session.get_one(Locality, found.locality_id) if _is_below(visit, here, found) else here
    try:
        said = act(visit, place, found)
    except Refused as refused:
        return _show(visit, here, found, visit.form, refused.fields)
    except Invalid as invalid:
        return _show(visit, here, found, visit.form, {invalid.field: _(invalid.message)})
    visit.say(said)
    return visit.go(f"/calendar/{here.code}/date/{found.id}")


def _is_below(visit: Visit, here: Locality, found: DateHere) -> bool:
    return found.locality_id not in {place.id for place in upwards(visit.session, here.id)}


def _confirm(visit: Visit, place: Locality, found: DateHere) -> str:
    form = Form(visit.form)
    starts = form.date_parts("starts", _(NOT_REAL))
    ends = form.date_parts("ends", _(NOT_REAL)) if _filled(visit.form, "ends") else starts
    form.check()
    _remark(visit, place, found, starts=starts, ends=ends, about=False)
    return _("Thank you. The date is confirmed for %(place)s.", place=name_of(place))


def _means(visit: Visit, place: Locality, found: DateHere) -> str:
    form = Form(visit.form)
    weights = dict(_weights(visit, place, found))
    weight = form.choice("weight", weights, _("Choose how much it counts"), needed=False)
    difficult = form.choice("difficult", ("yes", "no"), _("Choose yes or no"))
    text = form.text("note", NOTE_LENGTH, _(TOO_LONG))
    form.check()
    _remark(visit, place, found, difficult=difficult == "yes", term=float(weight) if weight else None)
    if text:
        flashpoints.note(visit.session, visit.now, place, found, text, by=visit.person_id)
    return _("Noted for this date, and for the next year.")


def _cancel(visit: Visit, place: Locality, found: DateHere) -> str:
    form = Form(visit.form)
    reason = form.text("reason", REASON_LENGTH, _(TOO_LONG), needed=_("Say why it does not take place"))
    form.check()
    _remark(visit, place, found, cancelled=reason)
    return _("Cancelled. It stays in the calendar with your reason.")


def _restore(visit: Visit, place: Locality, found: DateHere) -> str:
    _remark(visit, place, found, cancelled="")
    return _("It takes place after all.")


def _remark(visit: Visit, place: Locality, found: DateHere, **says: Any) -> None:
    flashpoints.remark(visit.session, visit.now, place, found, by=visit.person_id, **says)


ACTS: dict[str, Callable[[Visit, Locality, DateHere], str]] = {
    "confirm": _confirm,
    "means": _means,
    "cancel": _cancel,
    "restore": _restore,
}


def _weights(visit: Visit, place: Locality, found: DateHere) -> list[tuple[str, str]]:
    """The sizes that a place may choose, from nothing to the bound of the kind, as points of the score."""
    document = profiles.in_force(visit.session, place.id).document
    row = next((row for row in document["triggers"] if row["key"] == found.trigger), None)
    bound = round(float(row["bound"]) / STEP) if row else 0
    usual = round(float(row["term"]) / STEP) if row else 0
    return [
        ("", _("As the rules say: up to %(n)d points", n=usual)),
        ("0.00", _("Nothing: it is a day like any other here")),
        *((f"{n * STEP:.2f}", _("Up to %(n)d points", n=n)) for n in range(1, bound + 1)),
    ]


def _show(
    visit: Visit, here: Locality, found: DateHere, values: MultiDict[str, str], errors: dict[str, str]
) -> Response:
    document = profiles.in_force(visit.session, here.id).document
    above = [place.id for place in upwards(visit.session, here.id)]
    notes = flashpoints.notes_of(
        visit.session, [*above, *flashpoints.below(visit.session, here.id)], [found.series]
    )
    visits = flashpoints.to_visit(visit.session, found.id) if found.trigger == ELSEWHERE else []
    may_write = calendar_view.may_write(visit.session, visit.principal, here)
    return visit.render(
        "date.html",
        422 if errors else 200,
        place=here,
        name=date_name(found.names, found.trigger),
        date=found,
        when=calendar_view.days_words(found.starts, found.ends),
        kind=trigger_label(found.trigger, document),
        watch=calendar_view.watch_words(found),
        month=calendar_view.Month(found.starts.year, found.starts.month),
        entered_at=name_of(visit.session.get_one(Locality, found.locality_id)),
        notes=[(words.day(note.day), note.text, str(note.day.year)) for note in notes],
        visits=[name_of(place) for place in visits],
        may_write=may_write and found.trigger != ELSEWHERE,
        may_cancel=may_write,
        weights=_weights(visit, here, found),
        weight=values.get("weight", "" if found.term is None else f"{found.term:.2f}"),
        starts=_parts(values, "starts") if values.get("act") == "confirm" else found.starts,
        ends=_parts(values, "ends") if values.get("act") == "confirm" else found.ends,
        values=values,
        errors=errors,
        most=NOTE_LENGTH,
    )


@page("/calendar/<code>/elsewhere", roles=TELLERS)
def elsewhere(visit: Visit, code: str) -> Response:
    """Something happened elsewhere, and people here may be blamed for it."""
    here = reach.place_with(visit.session, visit.principal, code)
    if not reach.holds(visit.session, visit.principal, here.id, TELLERS):
        raise NotAllowed(_("This is for the chair, the city officer and the national contact."))
    choices = calendar_view.places_to_tick(visit.session, visit.principal, here)
    today = local_day(visit.now, zone_of(visit.session, here))
    spans = spans_of(profiles.in_force(visit.session, here.id).document)
    errors: dict[str, str] = {}
    key = visit.uuid("date_id") if visit.posted else uuid4()
    if visit.posted:
        ticked = set(Form(visit.form).choices("places", [place.code for place in choices]))
        chosen = [place for place in choices if place.code in ticked]
        if chosen:
            _store_elsewhere(visit, here, key, chosen, today)
            visit.say(_("Recorded. The committee is asked to visit those who may be blamed."))
            return visit.go(f"/calendar/{here.code}")
        errors = {"places": _("Tick at least one place")}
    return visit.render(
        "elsewhere.html",
        422 if errors else 200,
        place=here,
        name=name_of(here),
        key=key,
        errors=errors,
        days=spans.get(ELSEWHERE, (0, 0))[1],
        places=[(place.code, name_of(place)) for place in choices],
    )


def _store_elsewhere(visit: Visit, here: Locality, key: UUID, chosen: list[Locality], today: date) -> None:
    towns = {place.id: town_of(visit.session, place) for place in chosen}
    new = NewDate(key, here, ELSEWHERE, {"en": SOMETHING}, today, today, by=visit.person_id)
    flashpoints.record_elsewhere(visit.session, visit.now, new, chosen, towns)
