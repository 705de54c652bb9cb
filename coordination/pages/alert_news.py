"""What an office does to an alert besides running it: confirm or refuse Severe, and send word of what was done or advice back down."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from alerts import news, severe
from alerts.alert import Alert
from coordination import closing_alerts
from coordination.pages.alert import show
from foundation.errors import Invalid, NotAllowed
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _


@page("/a/<uuid:alert_id>/confirm", roles=severe.MAY_CONFIRM)
def confirm(visit: Visit, alert_id: UUID) -> Response:
    """A chair or city officer confirms that it is Severe, or refuses with a reason."""
    row = visit.get(Alert, alert_id)
    if not visit.posted:
        return visit.go(f"/a/{alert_id}")
    role = closing_alerts.role_here(visit.session, row, visit.person_id, severe.MAY_CONFIRM)
    if role is None:
        raise NotAllowed(_("Only the chair or the city officer of this place can confirm this."))
    if visit.form.get("decision", "confirm") == "confirm":
        severe.confirm(visit.session, visit.now, row, role)
        visit.say(_("Confirmed. Everybody who was told hears it again, as Severe."))
        return visit.go(f"/a/{alert_id}")
    try:
        severe.refuse(visit.session, visit.now, row, role, visit.form.get("severe_reason", ""))
    except Invalid as wrong:
        return show(visit, row, {"severe_reason": _(wrong.message)})
    visit.say(_("Refused. It stays High, and the record says who decided."))
    return visit.go(f"/a/{alert_id}")


@page("/a/<uuid:alert_id>/news", roles=news.MAY_SEND)
def send_news(visit: Visit, alert_id: UUID) -> Response:
    """Tell those who were told before what was done, or advice."""
    row = visit.get(Alert, alert_id)
    if not visit.posted:
        return visit.go(f"/a/{alert_id}")
    role = closing_alerts.role_here(visit.session, row, visit.person_id, news.MAY_SEND)
    if role is None:
        raise NotAllowed(_("This alert belongs to another place."), _("You can read it and answer it."))
    kind, _colon, what = visit.form.get("news", "").partition(":")
    try:
        news.send_back(
            visit.session, visit.now, row, person_id=visit.person_id, role=role, kind=kind, what=what
        )
    except Invalid as wrong:
        return show(visit, row, {"news": _(wrong.message)}, open_form="news")
    visit.say(_("Sent. Those who were told before you hear it in their own language."))
    return visit.go(f"/a/{alert_id}")
