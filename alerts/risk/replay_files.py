"""Files of the replay: incidents, neighbours and profile in, scores and warnings out.

What lives here: reading CSV row by row, with a reason for every row that is refused, and writing. What does
not: any decision about risk (replay.py), and the import into a database (committees). The command line and
the benchmarks use it.

Times are days since 1970-01-01 00:00 UTC, as floats; a date without a time stands for its noon.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import yaml

from alerts.risk.levels import BOUNDARIES, check_boundaries
from alerts.risk.peace_terms import peace_signs, seen_on
from alerts.risk.scoring import DAY, MULTIPLIER_BOUNDS, STARTER, Coefficients, grade_weight
from foundation.errors import Problem

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REQUIRED = ("source_id", "date", "date_known", "locality", "category", "severity")
OPTIONAL = ("grade", "deaths")
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)


class Incident(NamedTuple):
    """One usable row: ``credibility`` is the weight 0..1 of its grade, ``fatal`` says whether anyone died.

    The order of the fields is the order in which incidents are sorted.
    """

    known: float
    locality: str
    category: str
    source_id: str
    severity: int
    credibility: float
    happened: float
    fatal: bool


class Rejected(NamedTuple):
    """A row that was not used: where it stood, its fields as read, and why."""

    file: str
    line: int
    reason: str
    row: tuple[str, ...]


class Reading(NamedTuple):
    """What a set of incident files held."""

    incidents: list[Incident]
    rejected: list[Rejected]


class Profile(NamedTuple):
    """What a profile file may change about a replay; ``multipliers`` are by category, 0.5 to 2.

    ``holds_peace`` are its protective factors, and ``soft`` their sizes: the only soft signs that a file of incidents knows.
    """

    coefficients: Coefficients = STARTER
    boundaries: tuple[float, ...] = BOUNDARIES
    multipliers: Mapping[str, float] = {}
    holds_peace: tuple[Mapping[str, Any], ...] = ()
    soft: Mapping[str, Any] = {}

    def soft_on(self, day: date) -> float:
        """X on a day: what holds peace together by then, everywhere alike."""
        if not self.holds_peace:
            return 0.0
        size = float(sum(sign["size"] for sign in peace_signs(self.holds_peace, self.soft, day)))
        return max(size, -float(self.soft["bound"]))


@lru_cache(maxsize=100_000)
def day_number(text: str) -> float:
    """Return days since 1970 for an ISO date (its noon) or date and time; ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if not EARLIEST <= moment.date() < LATEST:
        raise ValueError(f"{text!r} is not between {EARLIEST.year} and {LATEST.year}.")
    if len(text) <= 10:
        moment = moment.replace(hour=12)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) / DAY


def _open(path: str | Path) -> TextIO:
    """Open a file as text, unpacked if its content is gzip; odd bytes spoil one row, not the file."""
    with Path(path).open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    if packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return Path(path).open(encoding="utf-8-sig", errors="replace", newline="")


def _rows(path: str | Path, required: Sequence[str]) -> Iterator[tuple[int, dict[str, int], list[str]]]:
    """Yield (line, column positions, fields) for each row with content; Problem if a column is missing."""
    with _open(path) as text:
        reader = csv.reader(text)
        header = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in required if name not in header]
        if missing:
            raise Problem(
                f"{Path(path).name} has no column {', '.join(missing)}.",
                f"The first line must name the columns, among them {', '.join(required)}.",
            )
        columns = {name: position for position, name in enumerate(header)}
        for row in reader:
            if row:
                yield reader.line_num, columns, row


def _day(name: str, text: str) -> float:
    """Return the day number of one field, or say which field is wrong."""
    try:
        return day_number(text)
    except ValueError:
        raise ValueError(f"{name} must be a date such as 2024-05-31, not {text!r}.") from None


def _incident(fields: Mapping[str, str]) -> Incident:
    """Return the incident of one row; ValueError with a sentence if it cannot be used."""
    for name in REQUIRED:
        if not fields[name]:
            raise ValueError(f"{name} is empty.")
    happened, known = _day("date", fields["date"]), _day("date_known", fields["date_known"])
    if known < happened:
        raise ValueError("date_known is before date: nothing is known before it happens.")
    severity = fields["severity"]
    if severity not in ("1", "2", "3", "4", "5"):
        raise ValueError(f"severity must be 1 to 5, not {severity!r}.")
    deaths = fields.get("deaths", "")
    if deaths and not deaths.isdecimal():
        raise ValueError(f"deaths must be a whole number, not {deaths!r}.")
    fatal = int(deaths) > 0 if deaths else int(severity) >= 4
    credibility = grade_weight(fields.get("grade"))
    place, category, source = fields["locality"], fields["category"], fields["source_id"]
    return Incident(known, place, category, source, int(severity), credibility, happened, fatal)


def read_incidents(paths: Iterable[str | Path]) -> Reading:
    """Read CSV or CSV.gz files of incidents, in any order of rows.

    A row that repeats another in every field that counts is rejected, so that giving a file twice changes
    nothing. Raises Problem if a file lacks a column, OSError if it cannot be read.
    """
    incidents: list[Incident] = []
    rejected: list[Rejected] = []
    seen: set[Incident] = set()
    for path in paths:
        for line, columns, row in _rows(path, REQUIRED):
            try:
                used = [name for name in (*REQUIRED, *OPTIONAL) if name in columns]
                if len(row) < len(columns):
                    raise ValueError(f"The row has {len(row)} fields, the first line has {len(columns)}.")
                incident = _incident({name: row[columns[name]].strip() for name in used})
                if incident in seen:
                    raise ValueError("The same row was read before.")
            except ValueError as error:
                rejected.append(Rejected(Path(path).name, line, str(error), tuple(row)))
                continue
            seen.add(incident)
            incidents.append(incident)
    return Reading(incidents, rejected)


def read_neighbours(path: str | Path) -> dict[str, list[str]]:
    """Return each locality's neighbours from a CSV with ``locality,neighbour``, in the file's order.

    A row without a neighbour names a place that has none. Raises Problem for a missing column or place.
    """
    neighbours: dict[str, list[str]] = {}
    for line, columns, row in _rows(path, ("locality", "neighbour")):
        place, near = (
            row[columns[name]].strip() if columns[name] < len(row) else ""
            for name in ("locality", "neighbour")
        )
        if not place:
            raise Problem(f"Line {line} of {Path(path).name} names no locality.")
        known = neighbours.setdefault(place, [])
        if near and near != place and near not in known:
            known.append(near)
    return neighbours


def profile_from(content: Any) -> Profile:
    """Return the profile of a mapping with ``coefficients``, ``boundaries``, ``multipliers``, all optional.

    Instead of ``multipliers``, a list ``kinds`` with ``key`` and ``multiplier`` is read too, and ``holds_peace``
    where ``soft`` gives its sizes, as a whole threat profile does. Other keys are
    left alone, because a threat profile says much that is not arithmetic. Raises Problem if a value is out
    of bounds.
    """
    try:
        given: dict[str, Any] = dict(content.get("coefficients") or {})
        if "severity_weights" in given:
            given["severity_weights"] = tuple(given["severity_weights"])
        kinds = {kind["key"]: kind.get("multiplier", 1.0) for kind in content.get("kinds") or ()}
        named = {**kinds, **(content.get("multipliers") or {})}
        multipliers = {str(key): float(value) for key, value in named.items()}
        low, high = MULTIPLIER_BOUNDS
        wrong = [key for key, value in multipliers.items() if not low <= value <= high]
        if wrong:
            raise ValueError(f"The multiplier of {', '.join(wrong)} must be between {low} and {high}.")
        boundaries = check_boundaries(content.get("boundaries") or BOUNDARIES)
        soft = content.get("soft") or {}
        holds = tuple(content.get("holds_peace") or ()) if "holds_peace" in soft else ()
        made = Profile(Coefficients(**given), boundaries, multipliers, holds, soft)
        for row in holds:  # what cannot be read is said now, not in the middle of a run
            made.soft_on(seen_on(row) if row.get("strength") else EARLIEST)
        return made
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Problem("The profile cannot be used.", str(error)) from error


def read_profile(path: str | Path) -> Profile:
    """Read a YAML or JSON profile; Problem if it cannot be read as one."""
    try:
        content = yaml.safe_load(Path(path).read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Problem(f"{Path(path).name} is neither YAML nor JSON.", str(error)) from error
    return profile_from(content if content is not None else {})


def write_rows(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file, packed if its name ends in .gz; the same rows give the same bytes."""
    with Path(path).open("wb") as raw:
        packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if str(path).endswith(".gz") else raw
        with io.TextIOWrapper(packed, encoding="utf-8", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)


def write_rejected(path: str | Path, rejected: Iterable[Rejected]) -> None:
    """Write rejected rows as CSV: file, line, reason, then the row's own fields as they were read."""
    write_rows(
        path, ("file", "line", "reason", "row"), ((r.file, r.line, r.reason, *r.row) for r in rejected)
    )
