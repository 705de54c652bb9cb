"""Answering an alert over the API: the same act as the button on the page and the SMS code."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from alerts.acknowledging import acknowledge
from alerts.alert import answers_of
from coordination.api.alerts import find
from coordination.api.door import Call, endpoint
from coordination.api.schemas import Input, Moment, Output


class AnswerIn(Input):
    """seen: I know of it. acting: I am doing something. cannot: it is not mine, ask the next one now."""

    answer: Literal["seen", "acting", "cannot"]


class AcknowledgementOut(Output):
    """The caller's answer as it is stored, and when the next step comes (null: the ladder has stopped)."""

    alert: UUID
    answer: Literal["seen", "acting", "cannot"]
    role: str
    at: Moment
    next_step_at: Moment | None


@endpoint(
    "POST",
    "/alerts/<uuid:alert_id>/acknowledgements",
    scope="answer",
    takes=AnswerIn,
    gives=AcknowledgementOut,
    status=201,
    also={200: "The caller had given this answer before"},
)
def answer_alert(call: Call, alert_id: UUID) -> tuple[AcknowledgementOut, int]:
    """Answer an alert: seen, acting, cannot."""
    alert = find(call, alert_id)
    before = {row.id for row in answers_of(call.session, alert.id)}
    row = acknowledge(call.session, call.now, alert, call.caller.person.id, call.body.answer, "api")
    answer = AcknowledgementOut.model_validate(
        {
            "alert": alert.id,
            "answer": row.answer,
            "role": row.role,
            "at": row.at,
            "next_step_at": alert.next_step_at,
        }
    )
    return answer, 200 if row.id in before else 201
