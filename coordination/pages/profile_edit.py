"""Typing in what a meeting said of the local picture: a form in small sections that makes a draft. Reading and deciding are profile.py."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from flask import Response
from werkzeug.datastructures import MultiDict

from alerts.labels import kind_label
from alerts.profile_words import DAY, TIMESCALES
from alerts.risk.shapes import Wrong
from committees import catalogue, profiles
from committees.intake.form import LANDMARKS
from committees.places import Locality, descendants, local_day, zone_of
from committees.profile_templates import Template, templates
from committees.profiles import DRAFT, IN_FORCE, PROPOSED, Profile
from coordination import local_picture, profile_form, profile_view, reach
from coordination.pages.place import name_of
from coordination.profile_form import Offer, Values
from foundation.db import new_id
from foundation.errors import Invalid, Problem
from foundation.web.forms import Form
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _

EDITORS = local_picture.EDITORS


@page("/place/<code>/profile/edit", roles=EDITORS)
def edit(visit: Visit, code: str) -> Response:
    """The form, filled with what holds, a version that is still open, or a template; sent, it becomes a draft."""
    here = reach.place_with(visit.session, visit.principal, code)
    local_picture.editor(visit.session, here, visit.person_id)
    base = _base(visit, here)
    own: dict[str, Any] = local_picture.own_of(visit.session, base) if base else {}
    named = visit.form.get("template", "") if visit.posted else visit.args.get("template", "")
    template = templates().get(named or str(own.get("review", {}).get("template", "")))
    inherited = local_picture.below(visit.session, here.id)
    wards = _wards(visit, here)
    offer = Offer(inherited, tuple(key for key, _name in wards), profile_form.headings_of(own, template))
    if not visit.posted:
        values = profile_form.values_of(own, local_picture.whole(visit.session, base, here.id), offer)
        values["consulted"] = "\n".join(base.consulted) if base and base.state == DRAFT else ""
        values["reason"] = base.reason if base and base.state == DRAFT else ""
        return _form(visit, here, base, offer, wards, values, template)
    if visit.form.get("more"):
        return _form(visit, here, base, offer, wards, visit.form, template)
    return _save(visit, here, base, offer, wards, template)


def _save(
    visit: Visit,
    here: Locality,
    base: Profile | None,
    offer: Offer,
    wards: list[tuple[str, str]],
    template: Template | None,
) -> Response:
    session, form, zone = visit.session, Form(visit.form), zone_of(visit.session, here)
    today = local_day(visit.now, zone)
    own = local_picture.own_of(session, base) if base else {}
    document = profile_form.read(form, own, offer, today, template.key if template else "")
    starts = _starts(form, today)
    if not form.errors:
        try:
            row = local_picture.write(
                session,
                visit.now,
                here,
                document,
                person_id=visit.person_id,
                reason=visit.form.get("reason", ""),
                consulted=visit.form.get("consulted", "").splitlines(),
                valid_from=datetime.combine(starts, time(), zone) if starts else None,
                key=visit.uuid("id"),
            )
            # What was typed anew takes the place of the draft that it was typed from.
            if base and base.state == DRAFT and base.id != row.id:
                local_picture.withdraw(session, visit.now, base, visit.person_id)
            visit.say(_("Saved as a draft. It changes nothing until it is proposed and approved."))
            return visit.go(f"/place/{here.code}/profile/{row.version}")
        except Problem as problem:
            field = (
                problem.field
                if isinstance(problem, Invalid) and not isinstance(problem, Wrong)
                else "document"
            )
            form.errors[field] = local_picture.in_words(problem)
    return _form(visit, here, base, offer, wards, visit.form, template, form.errors)


def _starts(form: Form, today: date) -> date | None:
    """The day from which it is to hold, where one was given."""
    if not any(form.values.get(f"from_{part}") for part in ("day", "month", "year")):
        return None
    day = form.date_parts("from", _("Enter a real date, like 27 11 2026"))
    if day and day < today:
        form.errors["from"] = _("The date must be today or later")
    return day


def _base(visit: Visit, here: Locality) -> Profile | None:
    """The version that the form starts from: the one named, else what holds here."""
    number = (visit.form if visit.posted else visit.args).get("base", "")
    rows = profiles.versions_of(visit.session, here.id)
    named = next((row for row in rows if str(row.version) == number), None)
    return named or next((row for row in rows if row.state == IN_FORCE), None)


def _wards(visit: Visit, here: Locality) -> list[tuple[str, str]]:
    below = [place for place in descendants(visit.session, here.id) if place.level == "ward"]
    return [(place.code, name_of(place)) for place in (*below, here)][:300]


def _form(
    visit: Visit,
    here: Locality,
    base: Profile | None,
    offer: Offer,
    wards: list[tuple[str, str]],
    values: Values | MultiDict[str, str],
    template: Template | None,
    errors: dict[str, str] | None = None,
) -> Response:
    inherited = offer.inherited
    own_triggers = [row for row in (base.document if base else {}).get("triggers", ()) if row.get("label")]
    usual = {row["key"] for row in inherited["triggers"]}
    return visit.render(
        "profile_edit.html",
        status=422 if errors else 200,
        place=here,
        name=name_of(here),
        base=base,
        proposed=base is not None and base.state == PROPOSED,
        start=template,
        values=values,
        errors=errors or {},
        id=visit.form.get("id") or new_id(),
        threats=[(row["key"], _(row["label"])) for row in inherited["threats"] if row["key"] != "unsorted"],
        triggers=[
            (row["key"], _(row["label"]))
            for row in (*inherited["triggers"], *(row for row in own_triggers if row["key"] not in usual))
        ],
        rows=profile_form.row_numbers(MultiDict(values), more=visit.form.get("more", "")),
        timescales=[(key, _(words)) for key, words in TIMESCALES.items()],
        landmarks=[(key, _(words)) for key, words in LANDMARKS.items()],
        strengths=[
            ("", _("Noted only")),
            ("some", _("It holds a little")),
            ("strong", _("It holds well")),
        ],
        days_seen=_days_seen(values),
        holds_hint=_holds_hint(inherited),
        wards=wards,
        headings=offer.headings,
        weights=[
            (kind, kind_label(kind), *_weights(inherited, values, kind)) for kind in profile_form.weighed()
        ],
    )


def _days_seen(values: Values | MultiDict[str, str]) -> dict[str, str]:
    """When things were last said to hold, in words, by the day that stands hidden in their row."""
    found = {}
    for name, text in values.items():
        if name.startswith("holds_") and name.endswith("_last_seen") and DAY.fullmatch(text):
            found[text] = _("Last said on %(day)s.", day=profile_view.day_of(text))
    return found


def _holds_hint(document: Any) -> str:
    """By how much what holds peace may lower the score at most, and for how long."""
    days = document["soft"]["holds_peace_days"]
    return _("What holds may lower the score a little, for %(n)d days after a meeting says so.", n=days)


def _weights(
    inherited: Any, values: Values | MultiDict[str, str], kind: str
) -> tuple[str, list[tuple[str, str]]]:
    """The usual weight of a kind here, and the weights to choose from."""
    usual = f"{inherited.get('multipliers', {}).get(kind, catalogue.KINDS[kind].multiplier):g}"
    standing = values.get(f"weight_{kind}", "")
    known = (
        standing if standing.replace(".", "", 1).isascii() and standing.replace(".", "", 1).isdigit() else ""
    )
    return usual, profile_form.weight_choices(usual, known)
