"""How SMS travel to each country: answers, sender, long messages; and for India the registered texts with their ids, as a page and as CSV."""

from __future__ import annotations

import csv
from io import StringIO

from flask import Response
from sqlalchemy import select

from alerts import dlt, sms_routes
from alerts.messages import CATALOGUES
from alerts.sms_routes import Route, Usual
from committees.places import Country
from foundation.errors import Invalid, NotFound, Refused
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _

ROLES = ("administrator",)
COLUMNS = (
    "template",
    "language",
    "category",
    "header",
    "entity",
    "type",
    "text",
    "gaps",
    "longest",
    "id",
    "remarks",
)


@page("/admin/sms-routes", roles=ROLES)
def routes(visit: Visit) -> Response:
    """Every country, and how SMS travel there."""
    known = sms_routes.all_routes(visit.session)
    rows = [(one, known.get(one.code, Route(one.code))) for one in _countries(visit)]
    return visit.render("sms_routes.html", rows=rows)


def _countries(visit: Visit) -> list[Country]:
    return list(visit.session.scalars(select(Country).order_by(Country.code)))


@page("/admin/sms-routes/<country>", roles=ROLES)
def route(visit: Visit, country: str) -> Response:
    """The settings of one country."""
    here = visit.get(Country, country)
    found, errors = sms_routes.route_for(visit.session, country), dict[str, str]()
    usual = sms_routes.usual_of(here)
    if visit.posted:
        found, usual = _typed(visit, country), _usual(visit, usual)
        try:
            sms_routes.save(visit.session, visit.now, found, usual, by=visit.person_id)
        except Refused as refused:
            errors = refused.fields
        else:
            visit.say(_("Kept. The next SMS goes this way."))
            return visit.go("/admin/sms-routes")
    return visit.render(
        "sms_route.html",
        422 if errors else 200,
        country=here,
        route=found,
        usual=usual,
        hours=[(str(hour), f"{hour:02d}:00") for hour in range(24)],
        errors=errors,
        registry=country in sms_routes.REGISTERED_IN,
    )


def _typed(visit: Visit, country: str) -> Route:
    def typed(name: str) -> str:
        return visit.form.get(name, "").strip()

    return Route(
        country,
        two_way=typed("two_way") != "no",
        sender=typed("sender"),
        concat_ok=typed("concat_ok") != "no",
        answer_number=typed("answer_number"),
        registered=typed("registered") == "yes",
        entity=typed("entity"),
        brand=typed("brand"),
    )


def _usual(visit: Visit, now: Usual) -> Usual:
    """What was typed; a field that the form does not have stays as it is, and no hour at all is one that does not exist."""

    def hour(name: str, was: int) -> int:
        typed = visit.form.get(name, str(was))
        return int(typed) if typed.isdecimal() else -1

    emergency = visit.form.get("emergency", now.emergency).strip()
    return Usual(emergency, hour("quiet_from", now.quiet_from), hour("quiet_to", now.quiet_to))


@page("/admin/sms-routes/<country>/texts", roles=ROLES)
def texts(visit: Visit, country: str) -> Response:
    """The texts for the registry in one language, and the ids that came back."""
    found = _registered(visit, country)
    language = (visit.form if visit.posted else visit.args).get("language", "en")
    if language not in dlt.LANGUAGES:
        raise NotFound(_("We know no such language."))
    rows = dlt.texts(found, [language])
    errors: dict[str, str] = {}
    if visit.posted:
        errors = _enter(visit, rows)
        if not errors:
            visit.say(_("The ids are kept."))
            return visit.go(f"/admin/sms-routes/{country}/texts?language={language}")
    ids = dlt.rows_of(visit.session)
    return visit.render(
        "sms_texts.html",
        422 if errors else 200,
        country=visit.get(Country, country),
        route=found,
        language=language,
        words=CATALOGUES[language],
        languages=[(key, CATALOGUES[key].name) for key in dlt.LANGUAGES],
        rows=[(one, ids.get((one.template, one.language))) for one in rows],
        reasons={key: _(words) for key, words in dlt.REASONS.items()},
        grave=dlt.GRAVE,
        errors=errors,
    )


def _registered(visit: Visit, country: str) -> Route:
    found = sms_routes.route_for(visit.session, country)
    if country not in sms_routes.REGISTERED_IN or not found.registered:
        raise NotFound(
            _("This country's networks ask for no registered texts, as it is set."),
            _("An administrator can set it on the page of the country."),
        )
    return found


def _enter(visit: Visit, rows: list[dlt.Registered]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for one in rows:
        try:
            typed = visit.form.get(f"id_{one.template}", "").strip()
            dlt.enter(visit.session, visit.now, one, typed, by=visit.person_id)
        except Invalid as invalid:
            errors[invalid.field] = invalid.message
    return errors


@page("/admin/sms-routes/<country>/texts.csv", roles=ROLES)
def texts_csv(visit: Visit, country: str) -> Response:
    """All texts of all languages for the registrar."""
    found = _registered(visit, country)
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in dlt.texts(found):
        writer.writerow(_line(found, one))
    return Response(
        "\ufeff" + out.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="sms-texts-{country}.csv"'},
    )


def _line(found: Route, one: dlt.Registered) -> tuple[str, ...]:
    return (
        one.template,
        one.language,
        dlt.CATEGORY,
        found.sender,
        found.entity,
        "Unicode" if one.unicode else "Text",
        one.text,
        " ".join(f"{name}:{size}" for name, size in one.gaps),
        str(one.letters),
        found.ids.get((one.template, one.language), ""),
        " ".join(one.reasons),
    )
