"""What a phone keeps for the time without network: an empty report, an empty check-in, a page that says so, and what to fill them with.

Also how a phone lists Concord among its programs.

The three pages are the same for everybody: they name no person and no place, so that they may stand in a cache. What a form offers (the
wards of the visitor) is fetched apart and kept in the visitor's own outbox. Sending is the work of report.py and checkin.py, keeping that
of foundation/web/static/offline.js. Only the map of pages imports it.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Response, jsonify
from werkzeug.datastructures import MultiDict

from committees import profiles
from committees.intake.form import CROWD, DAYS, GOING_ON, HOW, LANDMARKS, PARTS, WHAT
from coordination.pages import checkin, report
from coordination.pages.whereabouts import REPORTERS, country_of, home_of, name_of
from foundation.policy import service
from foundation.web import words
from foundation.web.page import PUBLIC, Visit, page
from foundation.web.words import gettext as _

ICONS = [
    {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
    *(
        {
            "src": f"/static/icon-{size}.png",
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": "any maskable",
        }
        for size in (192, 512)
    ),
]


def _nobody(visit: Visit) -> Visit:
    """The same visit by nobody in particular; the address says in which language (frame.choose_language)."""
    return replace(
        visit,
        person=None,
        principal=service("sign_in"),
        csrf="",
        nav=[],
        languages=[],
        notices=[],
        service="Concord",
        emergency="",
        outbox="",
        empty=True,
    )


@page("/offline", roles=PUBLIC)
def offline(visit: Visit) -> Response:
    """What to read where a page cannot come: what can be done without network."""
    return _nobody(visit).render("offline.html")


@page("/manifest.json", roles=PUBLIC)
def manifest(visit: Visit) -> Response:
    """What a phone shows of Concord among its programs, in the language that the address asks for."""
    _nobody(visit)
    language = words.current()
    response = jsonify(
        {
            "id": "/",
            "name": "Concord",
            "short_name": "Concord",
            "description": _("Tell early, act together"),
            "lang": language.language,
            "dir": language.dir,
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#F7F5F0",
            "theme_color": "#0B5563",
            "icons": ICONS,
            "shortcuts": [
                {"name": _("Report something"), "url": "/report"},
                {"name": _("Check-in"), "url": "/check-in"},
            ],
        }
    )
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = "max-age=3600"
    return response


@page("/offline/report", roles=PUBLIC)
def empty_report(visit: Visit) -> Response:
    """The report form without a person, a place or a number."""
    return _nobody(visit).render(
        "report.html",
        errors={},
        values=MultiDict({"day": "today", "name": "none"}),
        key="",
        offer=None,
        what=[(name, _(label), _(hint)) for name, (label, hint) in WHAT.items()],
        near=[],
        far=[],
        landmarks=[_(label) for label in LANDMARKS.values()],
        days=report.options(DAYS),
        parts=report.options(PARTS),
        going_on=report.options(GOING_ON),
        how=report.options(HOW),
        crowd=report.options(CROWD),
        about=[],
        warned=False,
        emergency="",
    )


@page("/offline/check-in", roles=PUBLIC)
def empty_check_in(visit: Visit) -> Response:
    """The check-in form without a person or a place."""
    return checkin.show_empty(_nobody(visit))


@page("/offline/settings", roles=REPORTERS)
def settings(visit: Visit) -> Response:
    """What the empty forms are filled with on the phone of this visitor: wards, what a report may be about, the emergency number."""
    home = home_of(visit)
    threats = profiles.in_force(visit.session, home.place.id).document["threats"]
    mine = home.ward.code if home.ward else ""
    return jsonify(
        {
            "ward": [
                [place.code, name_of(place)] for place in sorted(home.wards, key=lambda p: p.code != mine)
            ],
            "mine": mine,
            "about": [[row["key"], _(row["about"])] for row in threats if row.get("about")],
            "emergency": country_of(visit, home).emergency,
        }
    )
