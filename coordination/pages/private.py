"""Private matters: harm at home, a child at risk. Help lines come before any question; no story is asked for.

What is sent becomes a call for the services focal person and is never scored (committees/reports.py).
"""

from __future__ import annotations

from uuid import UUID, uuid4

from flask import Response
from werkzeug.datastructures import MultiDict

from committees import reports
from committees.incidents import Incident
from committees.intake import form
from committees.intake.form import PrivateMatter
from committees.places import Country
from committees.reports import NewReport
from committees.ring_me import Ring
from coordination.pages.report import receipt, way_back
from coordination.pages.whereabouts import REPORTERS, Home, country_of, home_of, name_of, source_of
from foundation.errors import Refused
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

HELP_LINES = {
    "women": N_("Help line for women"),
    "children": N_("Help line for children"),
    "rights": N_("Help line for rights"),
}
# Where the law asks everybody to report, the page says so before anything is typed.
DUTY = {
    "IN": N_(
        "In India the law (POCSO Act, section 19) asks everybody who knows of a sexual offence "
        "against a child to report it to the police."
    )
}


@page("/report/private", roles=REPORTERS)
def private(visit: Visit) -> Response:
    """Who can help now; then, if wanted, a short form that asks for a call."""
    home = home_of(visit)
    if not visit.posted:
        start = MultiDict({"ward": home.ward.code} if home.ward else {})
        return _show(visit, home, start, uuid4(), {})
    key = visit.uuid("report_id")
    try:
        matter = form.read_private(visit.form, home.codes, country_of(visit, home).code)
    except Refused as refused:
        return _show(visit, home, visit.form, key, refused.fields)
    incident, created = _store(visit, home, key, matter)
    return visit.go(f"/report/{key}/sent") if created else receipt(visit, incident, repeated=True)


def _show(
    visit: Visit, home: Home, values: MultiDict[str, str], key: UUID, errors: dict[str, str]
) -> Response:
    country = country_of(visit, home)
    return visit.render(
        "private.html",
        422 if errors else 200,
        errors=errors,
        values=values,
        key=key,
        emergency=country.emergency,
        lines=help_lines(country),
        duty=_(DUTY.get(country.code, "")),
        kinds=[(name, _(words)) for name, words in form.PRIVATE.items()],
        wards=[(ward.code, name_of(ward)) for ward in home.wards],
    )


def help_lines(country: Country) -> list[tuple[str, str]]:
    """The help lines of a country as (words, number)."""
    rows = country.settings.get("help_lines", [])
    return [(_(HELP_LINES.get(row["for"], N_("Help line"))), str(row["number"])) for row in rows]


def _store(visit: Visit, home: Home, key: UUID, matter: PrivateMatter) -> tuple[Incident, bool]:
    wish = _("Please let a woman ring.") if matter.woman else ""
    need = " ".join(part for part in (matter.help, wish) if part)
    new = NewReport(
        id=key,
        locality=home.by_code(matter.ward),
        kind=matter.kind,
        occurred_at=visit.now,
        # Neither when nor how is asked here: the call finds out, and nothing of it enters a score.
        how_known="told",
        channel="web",
        source=source_of(visit, home),
        text=need,
        ring=Ring(matter.number, matter.safe_time, need),
        **way_back(visit),
    )
    done = reports.record(visit.session, visit.now, new)
    return done.incident, done.created
