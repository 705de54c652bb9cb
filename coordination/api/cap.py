"""CAP messages of other systems over the API: each becomes a report that the committee checks."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from committees.intake import cap
from coordination import cap_intake
from coordination.api.door import Call, endpoint
from coordination.api.rights import REPORTING, source_at
from coordination.api.schemas import Input, Output
from coordination.cap_intake import Taken


class CapIn(Input):
    """A CAP 1.2 message as it was published, as text."""

    document: str = Field(min_length=1, max_length=cap.LARGEST)


class CapOut(Output):
    """What became of a message.

    `taken`: a report was recorded. `repeated`: it was there before. `cancelled`: the reports that it refers to are
    withdrawn. `noted`: nothing changed.
    """

    outcome: Literal["taken", "repeated", "cancelled", "noted"]
    incidents: list[UUID]


@endpoint("POST", "/cap-messages", scope="report", takes=CapIn, gives=CapOut, status=201)
def take_cap(call: Call) -> CapOut:
    """Hand in a CAP 1.2 message about a place of one's own."""
    message = cap.read(call.body.document.encode())
    cap_intake.check(message)
    if message.kind == "Cancel":
        done = cap_intake.cancel(call.session, call.now, message, call.principal.handles)
    elif not cap_intake.reports_something(message):
        done = Taken(cap_intake.NOTED)
    else:
        own = [s.locality_id for s in call.principal.standings if s.role in REPORTING]
        place = cap_intake.place_of(call.session, message, own)
        language = call.caller.person.language
        done = cap_intake.record(call.session, call.now, message, place, source_at(call, place), language)
    return CapOut.model_validate({"outcome": done.outcome, "incidents": [row.id for row in done.incidents]})
