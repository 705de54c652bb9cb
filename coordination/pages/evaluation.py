"""How good the warnings of a place were, in plots each with its table; what could be changed; and, open to all, what the numbers mean."""

from __future__ import annotations

from typing import Any

from flask import Response

from alerts import evaluating, learning
from alerts.risk import numbers, scoring
from alerts.risk.calibration import BOUNDS
from alerts.routing import OUTSIDE
from committees import places, profiles
from coordination import evaluation_view, reach, trying
from coordination.here import here as installation
from coordination.pages.place import name_of
from coordination.trying import ROLES
from foundation.policy import service
from foundation.web import words
from foundation.web.page import PUBLIC, Visit, page


@page("/evaluation/<code>", roles=ROLES)
def evaluation(visit: Visit, code: str) -> Response:
    """The last twelve months of a place's warnings."""
    place = trying.place_with(visit.session, visit.principal, code)
    # Counted by the engine: deliveries and reports are not the reader's, their numbers are.
    with installation().worker.open(service("engine")) as session:
        found = evaluating.evaluate(session, place, visit.now - learning.LOOK_BACK, visit.now)
        document = evaluation_view.document_at(session, place.id, visit.now)
    report = learning.latest(visit.session, place.id)
    zone = places.zone_of(visit.session, place)
    # Offices from outside the town get small numbers of no town: they read nothing that is behind them.
    near = set(ROLES) - OUTSIDE
    coarse = place.level not in ("town", "ward") or not reach.holds(
        visit.session, visit.principal, place.id, near
    )
    return visit.render(
        "evaluation.html",
        name=name_of(place),
        code=place.code,
        since=words.day_and_year(visit.now - learning.LOOK_BACK, zone),
        until=words.day_and_year(visit.now, zone),
        coarse=coarse,
        said=evaluation_view.in_words(found, coarse=coarse),
        shares=evaluation_view.shares(found, coarse=coarse),
        rules=evaluation_view.rules(found, document, coarse=coarse),
        months=evaluation_view.months(found, coarse=coarse),
        leads=evaluation_view.leads(found, coarse=coarse),
        calibration=evaluation_view.calibrated(found),
        kappa=evaluation_view.kappa_words(found["kappa"]),
        proposals=evaluation_view.proposals(report, document, place.code, coarse=coarse),
        learned=words.day(report.made_at, zone) if report else "",
    )


@page("/method", roles=PUBLIC)
def method(visit: Visit) -> Response:
    """What the level and the percentage mean, where they come from, and what they cannot do."""
    with installation().worker.open(service("command")) as session:
        kappas: list[Any] = evaluation_view.country_kappas(session, visit.now)
    return visit.render(
        "method.html",
        c=scoring.STARTER,
        peace=profiles.starter()["soft"],
        boundaries=[f"{100 * share:.0f}" for share in numbers.STARTER.boundaries],
        kappas=kappas,
        bounds=BOUNDS,
    )
