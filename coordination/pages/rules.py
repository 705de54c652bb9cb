"""The rules in force at a place as sentences: where each comes from, what waits for an answer, and the log of changes.

Rules are changed on rule_edit.py.
"""

from __future__ import annotations

from flask import Response
from sqlalchemy import select

from committees import places, profiles
from committees.places import Country, Locality, LocalityPath
from committees.profiles import PROPOSED, Profile
from coordination import reach, rules_view
from coordination.local_picture import EDITORS
from coordination.pages.place import name_of
from coordination.rules_view import READERS
from foundation.errors import NotFound
from foundation.web.page import PAGES, Visit, page
from foundation.web.words import gettext as _

MOST_LISTED = 60


@page("/rules", roles=READERS)
def choose(visit: Visit) -> Response:
    """Choose the place whose rules to read."""
    code = visit.args.get("code", "").strip()
    error = ""
    if code:
        try:
            return visit.go(f"/rules/{rules_view.place_with(visit.session, visit.principal, code).code}")
        except NotFound:
            error = _("We know no place with this code that you may read. Look at the list below")
    rows = [{"href": f"/rules/{one.code}", "name": name_of(one), "meta": one.code} for one in _near(visit)]
    return visit.render("rules_choose.html", 422 if error else 200, rows=rows, code=code, error=error)


def _near(visit: Visit) -> list[Locality]:
    """The visitor's own places, and what lies under them down to towns; for those who read everywhere, the countries' places too."""
    ids = set(visit.principal.at(*READERS))
    rows = select(Locality).where(Locality.id.in_(ids))
    own = list(visit.session.scalars(rows.order_by(Locality.depth, Locality.code)))
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id.in_(ids))
    towns = select(Locality).where(Locality.id.in_(below), Locality.level == "town", Locality.id.not_in(ids))
    if visit.principal.at(*rules_view.EVERYWHERE):
        towns = select(Locality).where(Locality.code.in_(select(Country.code)), Locality.id.not_in(ids))
    return [*own, *visit.session.scalars(towns.order_by(Locality.code).limit(MOST_LISTED))]


@page("/rules/<code>", roles=READERS)
def rules(visit: Visit, code: str) -> Response:
    """The rules in force at a place."""
    session = visit.session
    here = rules_view.place_with(session, visit.principal, code)
    zone = places.zone_of(session, here)
    layers = profiles.layers(session, here.id)
    waiting = waiting_at(visit, here)
    return visit.render(
        "rules.html",
        name=name_of(here),
        code=here.code,
        rules=rules_view.shown(session, layers, zone),
        off=rules_view.switched_off(layers),
        versions=[rules_view.layer_words(session, layer, zone) for layer in layers],
        log=rules_view.change_log(session, layers, here, zone),
        waiting=len(waiting),
        may_edit=may_edit(visit, here),
        links=_links(visit, here, waiting),
    )


def _links(visit: Visit, here: Locality, waiting: list[int]) -> dict[str, str]:
    """Where this visitor may go on to: the whole local picture, a version that waits, a comparison, a try on the past."""
    picture = f"/place/{here.code}/profile"
    reads = bool(reach.covered(visit.session, visit.principal, [here.id]))
    paths = {
        "profile": ("/place/<code>/profile", picture),
        "waits": ("/place/<code>/profile/<int:version>", f"{picture}/{waiting[0]}" if waiting else ""),
        "compare": ("/place/<code>/profile/compare", f"{picture}/compare"),
        "what_if": ("/rules/try/<code>", f"/rules/try/{here.code}"),
    }
    open_to = {one.path for one in PAGES if visit.has(*one.roles)}
    return {name: link if reads and path in open_to else "" for name, (path, link) in paths.items()}


def may_edit(visit: Visit, place: Locality) -> bool:
    """Whether this visitor may propose a change of the rules of a place."""
    return reach.holds(visit.session, visit.principal, place.id, EDITORS)


def waiting_at(visit: Visit, place: Locality) -> list[int]:
    """The numbers of this place's versions that wait for a second person, the oldest first."""
    rows = select(Profile.version).where(Profile.locality_id == place.id, Profile.state == PROPOSED)
    return list(visit.session.scalars(rows.order_by(Profile.version)))
