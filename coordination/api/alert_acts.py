"""What an office does to an alert over the API besides answering it: confirm or refuse Severe, send word or advice back down.

The same acts as the buttons of the alert page, with the same rights.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from alerts import news, severe
from alerts.alert import Alert
from coordination import closing_alerts
from coordination.api.alerts import find
from coordination.api.door import Call, endpoint
from coordination.api.schemas import Input, Moment, Output
from foundation.errors import Invalid, NotAllowed


class SevereIn(Input):
    """Yes, or no with a reason (10 to 400 letters): whether an alert that went out as High is Severe."""

    confirm: bool
    reason: str = Field("", max_length=400)


class SevereOut(Output):
    """How the alert stands after the decision."""

    alert: UUID
    level: int
    proposed: int | None
    role: str


class NewsIn(Input):
    """What was done (kind acted) or advice (kind advised), as a key of the closed lists."""

    kind: Literal["acted", "advised"]
    what: str = Field(max_length=40)


class NewsOut(Output):
    """What was noted; those who were told before hear it."""

    alert: UUID
    kind: Literal["acted", "advised"]
    what: str
    role: str
    at: Moment


@endpoint("POST", "/alerts/<uuid:alert_id>/severe", scope="answer", takes=SevereIn, gives=SevereOut)
def decide_severe(call: Call, alert_id: UUID) -> SevereOut:
    """Confirm or refuse a proposed level 5, as chair or city officer of the place."""
    alert = find(call, alert_id)
    role = _role(call, alert, severe.MAY_CONFIRM)
    try:
        if call.body.confirm:
            severe.confirm(call.session, call.now, alert, role)
        else:
            severe.refuse(call.session, call.now, alert, role, call.body.reason)
    except Invalid as wrong:
        raise Invalid("reason", wrong.message, wrong.hint) from None
    return SevereOut(alert=alert.id, level=alert.level, proposed=alert.proposed, role=role)


@endpoint("POST", "/alerts/<uuid:alert_id>/news", scope="answer", takes=NewsIn, gives=NewsOut, status=201)
def send_news(call: Call, alert_id: UUID) -> NewsOut:
    """Tell those who were told of an alert before the caller what was done, or advice."""
    alert, said = find(call, alert_id), call.body
    row = news.send_back(
        call.session,
        call.now,
        alert,
        person_id=call.caller.person.id,
        role=_role(call, alert, news.MAY_SEND),
        kind=said.kind,
        what=said.what,
    )
    return NewsOut.model_validate(
        {
            "alert": alert.id,
            "kind": said.kind,
            "what": said.what,
            "role": row.values["role"],
            "at": row.at.isoformat(),
        }
    )


def _role(call: Call, alert: Alert, roles: tuple[str, ...]) -> str:
    """The role in which the caller may do this at the alert's place; NotAllowed where there is none."""
    role = closing_alerts.role_here(call.session, alert, call.caller.person.id, roles)
    if role is None:
        raise NotAllowed("This alert belongs to another place.", "You can read it and answer it.")
    return role
