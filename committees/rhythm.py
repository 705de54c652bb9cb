"""The week of the check-in: when a committee's members are asked, reminded once, and when asking ends. Local hours of a week.

Pure, but for reading a committee's own row. Who is asked and by what message is coordination/asking_check_ins.py; the page that changes it
is coordination/pages/rhythm.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.errors import Invalid
from foundation.web.words import N_

PROMPT, REMINDER = "prompt", "reminder"
DAY = 24
WEEK = 7 * DAY


@dataclass(frozen=True)
class Rhythm:
    """Hours since Monday 00:00 at the place: Thursday 17:00, Saturday 10:00 and Sunday 20:00 unless a committee says otherwise."""

    asks: bool = True
    prompt: int = 3 * DAY + 17
    reminder: int = 5 * DAY + 10
    closes: int = 6 * DAY + 20

    def checked(self) -> Rhythm:
        """This rhythm; raise Invalid where its three moments do not follow each other within a week."""
        if not 0 <= self.prompt < WEEK:
            raise Invalid("prompt", N_("Choose a day and an hour for the question"))
        if not self.prompt < self.reminder < WEEK:
            raise Invalid("reminder", N_("The reminder must come after the question, in the same week"))
        if not self.reminder < self.closes < WEEK:
            raise Invalid("closes", N_("Asking must end after the reminder, in the same week"))
        return self


def of(stored: Mapping[str, Any]) -> Rhythm:
    """The rhythm that a committee's row holds; whatever it does not name is as usual."""
    known = {field.name for field in fields(Rhythm)}
    return Rhythm(**{key: value for key, value in stored.items() if key in known})


def stored(rhythm: Rhythm) -> dict[str, Any]:
    """What a committee's row keeps of a rhythm."""
    return asdict(rhythm)


def prompt_key(step: str, week: date, person_id: UUID, ward_id: UUID) -> str:
    """What a question to a member about a ward is kept under: it is asked once for each step of a week."""
    return f"checkin:{step}:{week}:{person_id}:{ward_id}"


def step_at(now: datetime, zone: ZoneInfo, rhythm: Rhythm) -> str:
    """Which message is due now: PROMPT until the reminder's hour, REMINDER until asking ends, else an empty word."""
    if not rhythm.asks:
        return ""
    local = now.astimezone(zone)
    hour = local.weekday() * DAY + local.hour
    if rhythm.prompt <= hour < rhythm.reminder:
        return PROMPT
    return REMINDER if rhythm.reminder <= hour < rhythm.closes else ""


def closes_at(monday: date, zone: ZoneInfo, rhythm: Rhythm) -> datetime:
    """When asking ends in the week that begins on `monday`."""
    day, hour = divmod(rhythm.closes, DAY)
    return datetime.combine(monday + timedelta(days=day), datetime.min.time(), zone).replace(hour=hour)
