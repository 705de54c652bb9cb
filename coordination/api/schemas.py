"""What all bodies share:

a strict base for what comes in, a closed base for what goes out, and the types of single fields.

The bodies themselves stand beside their endpoints. An answer carries exactly the fields of its schema,
never a row of the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from committees.catalogue import KINDS

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|z|[+-]\d\d:\d\d)?")


class Input(BaseModel):
    """What a client sends: every name it uses must be known."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Output(BaseModel):
    """What a client gets: these fields and no others."""

    model_config = ConfigDict(extra="forbid")


def _moment(value: Any) -> datetime:
    """An ISO 8601 time with its zone, as UTC; a naive one is refused: nobody can say what it means."""
    if isinstance(value, datetime):  # our own, on its way out
        return value.astimezone(UTC)
    text = value if isinstance(value, str) else ""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise PydanticCustomError("moment", "Write the time like 2026-11-24T14:00:00+05:00.")
    if found.group(3) is None:
        raise PydanticCustomError("moment_zone", "Add the zone to the time, like +05:00, or Z for UTC.")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("moment", "There is no such day or hour in the calendar.") from None


def _kind(value: str) -> str:
    if value not in KINDS:
        raise PydanticCustomError("kind", "Choose a kind from /api/v1/incident-types.")
    return value


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
Code = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9-]{2,40}$", description="The code of a place, as in /api/v1/localities.")
]
KindKey = Annotated[str, AfterValidator(_kind), Field(json_schema_extra={"enum": sorted(KINDS)})]
Severity = Annotated[int, Field(strict=True, ge=1, le=5)]
Names = Mapping[str, str]


def number_of(version: str) -> int:
    """The version of an address; 0, which no version has, for anything that is no number of ours."""
    return int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0
