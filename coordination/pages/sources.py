"""The administrator's page of what comes in from elsewhere: each form server and mailbox with its state, and our form to put there.

No answer and no letter is shown here: they come to the secretary's desk. Where servers are is set by the operator alone.
"""

from __future__ import annotations

from flask import Response
from sqlalchemy import select

from committees.committee import Committee
from committees.intake import xlsform
from committees.places import Locality
from coordination import collecting, reach
from coordination.collected import Collection
from foundation.errors import NotFound
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

KINDS = {
    "kobo": N_("KoboToolbox, asked every minute"),
    "odk": N_("ODK Central, asked every minute"),
    "hook": N_("A form server that sends by itself"),
    "mail": N_("Mailbox, asked every minute"),
}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@page("/admin/sources", roles=("administrator",))
def sources(visit: Visit) -> Response:
    """Every source that is set up: last asked, last heard from, what is wrong."""
    known = {row.name: row for row in visit.session.scalars(select(Collection))}
    rows = [
        {
            "name": name,
            "kind": _(KINDS[kind]),
            "form": _form(kind, known.get(name)),
            **_state(visit, known.get(name)),
        }
        for name, kind in collecting.names(visit.config).items()
    ]
    return visit.render("sources.html", rows=rows, towns=_towns(visit))


def _form(kind: str, row: Collection | None) -> str:
    """Which form is read from a source; nothing for a mailbox."""
    if kind == collecting.MAIL_NAME:
        return ""
    return _("reads their own form") if row and row.matching else _("reads our form")


def _state(visit: Visit, row: Collection | None) -> dict[str, object]:
    return {
        "heard": words.ago(row.heard_at, visit.now) if row and row.heard_at else "",
        "taken": row.taken if row else 0,
        "error": _(row.error) if row and row.error else "",
    }


def _towns(visit: Visit) -> list[tuple[str, str]]:
    """The places of committees: each has a form of its own, with its wards."""
    rows = select(Locality).join(Committee, Committee.locality_id == Locality.id).order_by(Locality.code)
    return [(one.code, one.name(words.current().language)) for one in visit.session.scalars(rows)]


@page("/admin/sources/form", roles=("administrator",))
def form(visit: Visit) -> Response:
    """Our form for one town, as a file for ODK or Kobo."""
    code = visit.args.get("town", "")
    town = visit.session.scalars(select(Locality).where(Locality.code == code)).first()
    if town is None or code not in dict(_towns(visit)):
        raise NotFound(_("There is no committee at this place."))
    wards = [(one.code, one.names) for one in reach.wards_below(visit.session, [town.id])]
    book = xlsform.workbook(
        town.name("en"), [*wards, (town.code, town.names)], visit.config.locales, visit.now.date()
    )
    response = Response(book, mimetype=XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="concord-{code.lower()}.xlsx"'
    return response
