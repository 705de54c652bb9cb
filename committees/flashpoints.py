"""The calendar of dates that raise watchfulness: processions, elections, anniversaries, shocks elsewhere. No date is for one community only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.places import LocalityPath
from foundation.db import Base, Keyed


class Flashpoint(Keyed, Base):
    """A date of one trigger at a place (and below); `difficult` says that it was hard last time."""

    __tablename__ = "flashpoint"

    code: Mapped[str | None] = mapped_column(unique=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    trigger: Mapped[str]
    names: Mapped[dict[str, Any]]
    starts: Mapped[date]
    ends: Mapped[date]
    about: Mapped[bool] = mapped_column(default=False)
    difficult: Mapped[bool] = mapped_column(default=False)


def is_open(row: Flashpoint, today: date, triggers: Mapping[str, tuple[int, int]]) -> bool:
    """Whether the window of a date is open today."""
    before, after = triggers.get(row.trigger, (0, 0))
    return row.starts - timedelta(days=before) <= today <= row.ends + timedelta(days=after)


def dates_at(session: Session, locality_ids: Iterable[UUID]) -> list[Flashpoint]:
    """All dates of these places, the earliest first."""
    rows = select(Flashpoint).where(Flashpoint.locality_id.in_(set(locality_ids)))
    return list(session.scalars(rows.order_by(Flashpoint.starts)))


def coming(session: Session, locality_id: UUID, today: date, days: int = 30) -> list[Flashpoint]:
    """The dates of a place in the coming days."""
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id == locality_id)
    rows = select(Flashpoint).where(
        Flashpoint.locality_id.in_(above),
        Flashpoint.ends >= today,
        Flashpoint.starts <= today + timedelta(days=days),
    )
    return list(session.scalars(rows.order_by(Flashpoint.starts)))
