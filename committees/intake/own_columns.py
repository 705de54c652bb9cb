"""Concord's own columns for incidents: what `concord export incidents` writes, so that a file can travel between two installations.

locality, kind, occurred_at; and, where there is more to say: id, source, how_known, severity, text, ongoing, people, known_at, grade,
latitude, longitude, name, country. Used by csv_files.py only.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from committees import catalogue
from committees.incidents import HOW_KNOWN, ONGOING, PEOPLE
from committees.intake import csv_files, ucdp
from committees.intake.csv_files import IDS, Event, Fields, Format

COUNTED = ("locality", "kind", "occurred_at", "how_known", "severity", "text")


def read(fields: Fields) -> Event:
    """One row in Concord's own columns; times without an offset are local to the place."""
    csv_files.needed(fields, "locality", "kind", "occurred_at")
    occurred_at = csv_files.moment("occurred_at", fields["occurred_at"])
    known = fields.get("known_at", "")
    known_at = csv_files.moment("known_at", known) if known else occurred_at
    if (known_at.tzinfo is None) == (occurred_at.tzinfo is None) and known_at < occurred_at:
        raise ValueError("known_at is before occurred_at: nothing is known before it happens.")
    severity = fields.get("severity", "")
    key = _id(fields)
    return Event(
        id=key,
        # Without a source of its own a row is taken as somebody else's word than the next one.
        source=fields.get("source") or fields.get("source_id") or str(key),
        where=csv_files.place(
            fields, fields["locality"], name=fields.get("name", ""), country=fields.get("country", "")
        ),
        kind=_kind(fields["kind"]),
        severity=csv_files.whole("severity", severity, 1, 5) if severity else None,
        occurred_at=occurred_at,
        known_at=known_at,
        how_known=_one_of("how_known", fields.get("how_known") or "media", HOW_KNOWN),
        text=fields.get("text", ""),
        ongoing=_one_of("ongoing", fields.get("ongoing") or "unknown", ONGOING),
        people=_one_of("people", fields.get("people") or "unknown", PEOPLE),
        grade=csv_files.grade(fields.get("grade", "")),
    )


def _id(fields: Fields) -> UUID:
    given = fields.get("id", "")
    if not given:
        return uuid5(
            IDS, "|".join(["own", fields.get("source", ""), *(fields.get(name, "") for name in COUNTED)])
        )
    try:
        return UUID(given)
    except ValueError:
        # Another system's number: the same number is the same incident, whatever it looks like.
        return uuid5(IDS, f"own|{given}")


def _kind(text: str) -> str:
    if text in catalogue.KINDS or text == "imported" or text.startswith("imported:"):
        return text
    raise ValueError(f"kind {text!r} is not on the list. Use one of: {', '.join(catalogue.KINDS)}, imported.")


def _one_of(column: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise ValueError(f"{column} must be one of {', '.join(allowed)}, not {text!r}.")
    return text


def read_tagged(fields: Fields) -> Event:
    """A row of somebody else's tagged file: a kind that is not ours is kept as theirs, and a time may be anything ISO writes."""
    kind = fields.get("kind", "")
    theirs = kind not in catalogue.KINDS and kind != "imported" and not kind.startswith("imported:")
    fields = {**fields, "kind": csv_files.imported(kind or "event")} if theirs else fields
    if not fields.get("locality") and fields.get("name") and fields.get("country"):
        # Without a code of the place its name in its country stands for it, as in files of ACLED.
        where = ucdp.somewhere(fields, fields["country"], fields["name"])
        fields = {**fields, "locality": where.code, "name": where.name}
    return read(fields)


TAGGED = Format("HXL", ("occurred_at",), read_tagged)
FORMAT = Format("Concord", ("locality", "kind", "occurred_at"), read)
