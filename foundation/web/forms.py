"""Reading forms strictly and kindly: each reader returns a value or notes the words for its field. What was typed is kept by the page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from werkzeug.datastructures import MultiDict

from foundation.errors import Refused

YEARS = range(1900, 2200)


class Form:
    """A sent form with the errors found so far; `check()` raises them all at once."""

    def __init__(self, values: MultiDict[str, str]) -> None:
        self.values = values
        self.errors: dict[str, str] = {}

    def choice(self, name: str, allowed: Iterable[str], error: str, *, needed: bool = True) -> str:
        """One of a closed list; `error` is said where it is needed and missing, or not on the list."""
        value = self.values.get(name, "").strip()
        if (value or needed) and value not in set(allowed):
            self.errors.setdefault(name, error)
            return ""
        return value

    def choices(self, name: str, allowed: Iterable[str]) -> tuple[str, ...]:
        """Those ticked of a closed list; anything else is left out."""
        known = set(allowed)
        return tuple(value for value in self.values.getlist(name) if value in known)

    def text(self, name: str, longest: int, too_long: str, *, needed: str = "") -> str:
        """Free text up to a length; `too_long` may hold %(used)d and %(most)d, `needed` is said where it must not be empty."""
        value = self.values.get(name, "").replace("\r\n", "\n").strip()
        if needed and not value:
            self.errors.setdefault(name, needed)
        if len(value) > longest:
            self.errors.setdefault(name, too_long % {"used": len(value), "most": longest})
        return value

    def whole(self, name: str, low: int, high: int, error: str) -> int:
        """A whole number in a range, in any script's digits."""
        try:
            value = int(self.values.get(name, ""))
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            self.errors.setdefault(name, error)
        return value

    def date_parts(self, name: str, not_real: str) -> date | None:
        """A date from three boxes: name_day, name_month, name_year."""
        parts = [self.values.get(f"{name}_{part}", "").strip() for part in ("year", "month", "day")]
        try:
            return date(*(int(part) for part in parts))
        except (ValueError, OverflowError):  # a year of twenty digits overflows
            self.errors.setdefault(name, not_real)
            return None

    def moment(self, name: str, error: str) -> datetime | None:
        """A local date and time as a datetime-local box sends it, naive."""
        try:
            found = datetime.fromisoformat(self.values.get(name, ""))
        except ValueError:
            found = None
        # At the ends of the calendar a time has no place in UTC any more.
        if found is None or found.year not in YEARS:
            self.errors.setdefault(name, error)
            return None
        return found

    def id(self, name: str, error: str) -> UUID | None:
        """A UUID that the form carried."""
        try:
            return UUID(self.values.get(name, ""))
        except ValueError:
            self.errors.setdefault(name, error)
            return None

    def check(self) -> None:
        """Raise everything that was found wrong."""
        if self.errors:
            raise Refused(dict(self.errors))
