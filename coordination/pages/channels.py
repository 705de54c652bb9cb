"""The administrator's page of channels: each line with its health, and a test message to oneself by any of one's own."""

from __future__ import annotations

from flask import Response

from committees.people import ContactPoint, contacts_of
from coordination import lines_view
from coordination.errands import TEST_CONTACT
from coordination.here import here
from foundation import errands, journal
from foundation.db import new_id
from foundation.errors import Problem
from foundation.policy import service
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _


@page("/admin/channels", roles=("administrator",))
def channels(visit: Visit) -> Response:
    """Every line to people: set up or not, alive or not, how well it delivers."""
    mine = contacts_of(visit.session, visit.person_id)
    open_lines = here().channels
    with here().worker.open(service("keeper")) as session:
        return visit.render(
            "channels.html",
            lines=lines_view.lines(session, visit.now, open_lines),
            tests=lines_view.tests(session, visit.now, mine),
            silent=lines_view.silent(session, visit.now, visit.principal, open_lines),
            key=new_id(),
        )


@page("/admin/channels/test", roles=("administrator",))
def test_contact(visit: Visit) -> Response:
    """A drill to one of one's own numbers or addresses: the whole way to the phone."""
    if visit.posted:
        point: ContactPoint = visit.get(ContactPoint, visit.uuid("contact"))
        if point.person_id != visit.person_id or not point.verified_at or point.stopped_at:
            raise Problem(
                _("A test goes only to a number or address of your own that is verified."),
                _("Choose one of those on the page."),
            )
        errands.ask(visit.session, visit.now, TEST_CONTACT, point.id, key=visit.uuid("key"))
        journal.record(visit.session, visit.now, "admin:test_message", "person", visit.person_id)
        visit.say(_("On its way. Load this page again to see whether it arrived."))
    return visit.go("/admin/channels")
