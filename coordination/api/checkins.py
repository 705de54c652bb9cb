"""The weekly check-in over the API: five answers from 1 good to 5 bad for one place."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import select

from committees import checkins, profiles
from committees.checkins import QUESTIONS, CheckIn, NewCheckIn
from coordination.api.door import Call, endpoint
from coordination.api.rights import place_named, source_at
from coordination.api.schemas import Code, Input, Moment, Output
from foundation.errors import Invalid

Answer = Annotated[int, Field(strict=True, ge=1, le=5)]
Word = Annotated[str, Field(min_length=1, max_length=40)]


class CheckInIn(Input):
    """One week's answers. A second check-in of the week replaces the first one's answers."""

    id: UUID
    locality: Code
    answers: list[Answer] = Field(min_length=QUESTIONS, max_length=QUESTIONS)
    all_calm: bool = Field(False, strict=True)
    indicators: dict[Word, Literal["seen", "stopped"]] = Field(default_factory=dict, max_length=40)
    talked_to: list[Word] = Field(default_factory=list, max_length=12)
    prepare: str = Field("", max_length=120)


class CheckInOut(Output):
    """A check-in as it is stored: `week` is the Monday with which the week of which it speaks begins, at the place.

    `late`: it came after the committee had ended asking for that week.
    """

    id: UUID
    locality: str
    week: str
    received_at: Moment
    late: bool


@endpoint(
    "POST",
    "/checkins",
    scope="report",
    takes=CheckInIn,
    gives=CheckInOut,
    status=201,
    also={200: "This week's answers were there already, and were replaced"},
)
def check_in(call: Call) -> tuple[CheckInOut, int]:
    """Send this week's answers."""
    body: CheckInIn = call.body
    place = place_named(call.session, body.locality)
    source = source_at(call, place)
    known = {row["key"] for row in profiles.in_force(call.session, place.id).document["indicators"]}
    if unknown := sorted(set(body.indicators) - known):
        raise Invalid(
            "indicators", f"{unknown[0]} is not an indicator of this place.", "Its profile lists them."
        )
    new = NewCheckIn(
        id=body.id,
        locality=place,
        source=source,
        answers=tuple(body.answers),
        channel="api",
        all_calm=body.all_calm,
        indicators=dict(body.indicators),
        talked_to=tuple(body.talked_to),
        prepare=body.prepare.strip(),
        activities=None,
    )
    before = set(call.session.scalars(select(CheckIn.id).where(CheckIn.source_id == source.id)))
    row = checkins.record(call.session, call.now, new)
    answer = CheckInOut(
        id=row.id,
        locality=place.code,
        week=row.week.isoformat(),
        received_at=row.received_at,
        late=row.late,
    )
    return answer, 200 if row.id in before else 201
