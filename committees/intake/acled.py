"""ACLED's export of events (Armed Conflict Location and Event Data, https://acleddata.com), read by its published column names.

The file stays the user's: ACLED's terms ask each user to download it under their own name. Used by csv_files.py only.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from uuid import uuid5

from committees.intake import csv_files
from committees.intake.csv_files import IDS, Event, Fields, Format
from committees.intake.ucdp import deaths_of, severity_of, somewhere

VIOLENT = ("battles", "explosions/remote violence", "violence against civilians", "riots")
WITH_INTERVENTION = (
    "protest with intervention", "excessive force against protesters", "excessive force against protestors",
)  # fmt: skip
TERMS = (
    "ACLED's data are under your own licence with ACLED: keep them to yourself (no export holds them), and name ACLED"
    " (acleddata.com) wherever you show what was made of it."
)
REGION_ONLY = "3"  # geo_precision
CHANNEL = "acled"  # what came by it leaves in no export: the terms of ACLED forbid to pass it on
DAYS = ("%Y-%m-%d", "%d %B %Y", "%d-%b-%Y", "%d/%m/%Y")


def read(fields: Fields) -> Event:
    """One event: a protest that was broken up is 2; violence is 3 and by its deaths 4 or 5. Peaceful protest and other developments are none.

    Where only the larger area is known (geo_precision 3), it is that area's, not its capital's.
    """
    csv_files.needed(fields, "event_id_cnty", "event_date", "event_type", "country")
    known = fields.get("geo_precision") != REGION_ONLY and fields.get("admin2")
    area = known or fields.get("admin1") or ""
    if not area:
        raise ValueError("admin1 and admin2 are empty: a score needs a place.")
    at = datetime.combine(_day(fields["event_date"]).date(), time(12), UTC)
    return Event(
        id=uuid5(IDS, f"acled|{fields['event_id_cnty']}"),
        source=f"ACLED {fields['event_id_cnty']}",
        where=somewhere(fields, fields["country"], area),
        kind=csv_files.imported(fields["event_type"]),
        severity=_severity(fields),
        occurred_at=at,
        known_at=at,
        channel=CHANNEL,
    )


def _severity(fields: Fields) -> int:
    deaths = deaths_of("fatalities", fields.get("fatalities", ""))
    kind, finer = fields["event_type"].casefold(), fields.get("sub_event_type", "").casefold()
    if kind in VIOLENT or deaths:
        return severity_of(deaths)
    if kind == "protests" and finer in WITH_INTERVENTION:
        return 2
    if kind == "protests":
        raise ValueError("A peaceful protest is lawful and no incident: it is left out.")
    raise ValueError(f"event_type {fields['event_type']!r} is not an incident.")


def _day(text: str) -> datetime:
    for pattern in DAYS:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    raise ValueError(f"event_date must be a date such as 2024-05-31 or 31 May 2024, not {text!r}.")


FORMAT = Format(
    "ACLED", ("event_id_cnty", "event_date", "event_type", "country", "admin1"), read, terms=TERMS
)
