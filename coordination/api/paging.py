"""Lists in pages: {items, next}.

`next` is an opaque cursor that names the last row by its order, so that new rows shift nothing.
"""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from pydantic import Field
from sqlalchemy import ColumnElement, Select, Uuid, and_, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from coordination.api.schemas import Input
from foundation.db import UtcDateTime
from foundation.errors import Invalid

Keys = tuple[InstrumentedAttribute[Any], ...]


class PageQuery(Input):
    """Which part of a list: at most `limit` rows after the `cursor` that the page before gave as `next`."""

    limit: int = Field(50, ge=1, le=100)
    cursor: str | None = Field(None, max_length=500)


def page(
    session: Session, rows: Select[Any], keys: Keys, query: PageQuery, *, newest_first: bool = True
) -> tuple[list[Any], str | None]:
    """One page of `rows` in the order of `keys` (the last of them unique), and the cursor of the next page
    if there is one.
    """
    if query.cursor is not None:
        rows = rows.where(_after(keys, _read(query.cursor, keys), newest_first))
    ordered = rows.order_by(*(key.desc() if newest_first else key.asc() for key in keys))
    found = list(session.scalars(ordered.limit(query.limit + 1)).all())
    shown = found[: query.limit]
    return shown, _write([getattr(shown[-1], key.key) for key in keys]) if len(found) > query.limit else None


def _after(keys: Keys, values: list[Any], newest_first: bool) -> ColumnElement[bool]:
    ways: list[ColumnElement[bool]] = []
    for place, (key, value) in enumerate(zip(keys, values, strict=True)):
        beyond = key < value if newest_first else key > value
        ways.append(and_(*(k == v for k, v in zip(keys[:place], values[:place], strict=True)), beyond))
    return or_(*ways)


def _write(values: list[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _read(cursor: str, keys: Keys) -> list[Any]:
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if (
            not isinstance(plain, list)
            or len(plain) != len(keys)
            or not all(isinstance(p, str) and "\0" not in p for p in plain)
        ):
            raise ValueError("not a cursor of this list")
        return [_value(key.type, text) for key, text in zip(keys, plain, strict=True)]
    except (ValueError, OverflowError, RecursionError):
        raise Invalid(
            "cursor",
            "This cursor is not one of ours.",
            "Use the `next` of the page before, or begin without a cursor.",
        ) from None


def _value(kind: Any, text: str) -> Any:
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(text).astimezone(UTC)
    if isinstance(kind, Uuid):
        return uuid.UUID(text)
    text.encode()  # refuses halves of letters, which no database takes
    return text
