"""Readiness: which places would not reach everybody today, what is missing and whose task it is. No name, no number of a person."""

from __future__ import annotations

import csv
import io

from flask import Response
from sqlalchemy import select

from alerts.readiness import Readiness
from alerts.readiness_sentences import sentence
from coordination import readiness_view
from coordination.pages.drills import ROLES as DRILL_ROLES
from coordination.readiness_view import ROLES
from foundation.web import words
from foundation.web.page import Visit, page


@page("/admin/readiness", roles=ROLES)
def board(visit: Visit) -> Response:
    """The board, page by page."""
    rows, more = readiness_view.rows_from(visit.session, visit.args.get("after", "")[:80])
    towns = readiness_view.by_town(visit.session)
    return visit.render(
        "readiness.html",
        lines=readiness_view.lines(visit.session, rows),
        more=more,
        towns=towns,
        untried=words.listed(readiness_view.without_drill(visit.session, visit.now)),
        may_drill=visit.has(*DRILL_ROLES),
        picture=readiness_view.picture(towns) if towns else "",
        summary=readiness_view.summary(towns),
    )


@page("/admin/readiness.csv", roles=ROLES)
def export(visit: Visit) -> Response:
    """Every place of the visitor with what is missing there, one line a gap."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        (
            "locality",
            "ready",
            "gap",
            "role",
            "office",
            "level",
            "step",
            "task_of",
            "task_place",
            "sentence",
            "at",
        )
    )
    for row in visit.session.scalars(select(Readiness).order_by(Readiness.code)):
        for gap in row.gaps or [{}]:
            writer.writerow(
                (
                    row.code,
                    "yes" if row.ready else "no",
                    *(
                        gap.get(name, "")
                        for name in ("key", "role", "office", "level", "step", "by", "by_place")
                    ),
                    sentence(gap) if gap else "",
                    row.at.isoformat(),
                )
            )
    response = Response(out.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=readiness.csv"
    return response
