"""Exports of KoboToolbox and ODK Central (CSV) whose questions are those of our own form, read as incidents of the past.

Columns carry the groups of a form before their names (report/what, report-what). A place is the code of a ward or town, as the form that
Concord makes offers them. Used by csv_files.py only.
"""

from __future__ import annotations

from collections.abc import Sequence

from committees.intake import csv_files, submissions
from committees.intake.csv_files import Event, Fields, Format, Where
from committees.intake.submissions import NAMES_OF_ID, QUESTIONS

SYSTEM = (
    "_submission_time",
    "_submitted_by",
    "submissiondate",
    "submittername",
    "_validation_status",
    "reviewstate",
)


def names(header: Sequence[str]) -> list[str]:
    """The names of our questions and of what the system adds, without groups; nothing for any other column."""
    short = [column.rsplit("/", 1)[-1] for column in header]
    short = [name.rsplit("-", 1)[-1] if "-" in name else name for name in short]
    return [
        column if column in NAMES_OF_ID else name if name in (*QUESTIONS, *SYSTEM, *NAMES_OF_ID) else ""
        for column, name in zip(header, short, strict=True)
    ]


def read(fields: Fields) -> Event:
    """One submission; it happened on its day, at the latest when it was sent."""
    csv_files.needed(fields, "ward")
    found = submissions.read(fields)
    if found.refused:
        raise ValueError("It is marked as not approved on its form server.")
    at = submissions.at_noon(found.day) if found.day else found.sent_at
    if at is None:
        raise ValueError("occurred_on is empty and no time of submission stands in the file.")
    return Event(
        id=found.id,
        source=found.collector or str(found.id),
        where=Where(found.ward),
        kind=found.kind,
        severity=None,
        occurred_at=at,
        known_at=at,
        how_known=found.how_known,
        text=found.text,
        ongoing=found.ongoing,
        people=found.people,
    )


FORMAT = Format("ODK or Kobo", ("what", "ward", "how"), read, names)
