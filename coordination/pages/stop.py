"""The link in every letter that ends letters: opening it changes nothing, one press does. No sign-in: its signature is the key.

Mail programs press it for their owner (RFC 8058): they post `List-Unsubscribe=One-Click` and know no form token.
"""

from __future__ import annotations

from uuid import UUID

from flask import Response
from sqlalchemy.exc import IntegrityError

from committees import contact_stops
from coordination.here import here
from foundation.errors import NotFound
from foundation.policy import service
from foundation.web.page import PUBLIC, Visit, page
from foundation.web.words import gettext as _

PATH = "/stop/<uuid:point_id>/<uuid:signature>"


@page(PATH, roles=PUBLIC)
def stop(visit: Visit, point_id: UUID, signature: UUID) -> Response:
    """End letters to the address that this link was sent to."""
    if not contact_stops.is_signed(visit.session, point_id, signature):
        raise NotFound(_("This link is not whole."), _("Copy it from the letter again, up to its end."))
    if visit.posted:
        _keep(visit, point_id)
    return visit.render("stop.html", done=visit.posted)


def _keep(visit: Visit, point_id: UUID) -> None:
    # As a hook: a visitor without a name may write nothing, and a hook may only add what came in.
    with here().web.open(service("hook"), write=True) as session:
        contact_stops.ask(session, visit.now, point_id)
        try:
            session.commit()
        except IntegrityError:
            session.rollback()  # pressed twice within a minute
