"""CSV files of incidents, row by row: which format a file has, what a row says, and why a row cannot be used.

Pure reading: no session. The formats are one closed list, told apart by their header: Concord's own columns
(own_columns.py), the replay's columns (here), UCDP GED and ACLED as published (ucdp.py, acled.py), exports of
ODK and KoboToolbox (odk.py). A row of HXL tags names columns by itself (hxl.py). Storing is history.py; places
and neighbours are gazetteer.py.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, cast
from uuid import UUID, uuid5

from committees.intake import hxl
from foundation.errors import Problem

IDS = UUID("7b1f0c0e-2d0a-4c55-9f0b-6d2f3f6f8a11")  # the namespace of ids made from a file's own
EARLIEST, LATEST = 1900, 2200
TAGS_WITHIN = 25
LABELS_OF_KOBO = {"_uuid", "_submission_time"}
DELIMITERS = (",", ";", "\t", "|")
Fields = Mapping[str, str]


@dataclass(frozen=True)
class Where:
    """The place of a row: its code and, for one that is not stored yet, what is needed to make it."""

    code: str
    name: str = ""
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Event:
    """One usable row. Times without an offset are local to the place; `grade` is empty where the file has none."""

    id: UUID
    source: str
    where: Where
    kind: str
    severity: int | None
    occurred_at: datetime
    known_at: datetime
    how_known: str = "media"
    text: str = ""
    ongoing: str = "unknown"
    people: str = "unknown"
    grade: str = ""
    channel: str = "csv"
    """By what it came: a file, or the name of the publisher whose terms go with it."""


class Line(NamedTuple):
    """A row as it stands in the file: an event, or the reason why it is none."""

    number: int
    row: tuple[str, ...]
    event: Event | None
    reason: str = ""


@dataclass(frozen=True)
class Format:
    """A kind of file: the columns by which it is known, and how one row is read (ValueError with a sentence)."""

    name: str
    columns: tuple[str, ...]
    read: Callable[[Fields], Event]
    names: Callable[[Sequence[str]], list[str]] = list
    """The names of a header's columns as `columns` writes them."""
    terms: str = ""
    """What the publisher asks of whoever uses such a file, in a sentence."""


# ---------------------------------------------------------------------------------------------- cells


def moment(column: str, text: str, *, utc: bool = False) -> datetime:
    """A date (its noon) or a date and time; `utc` gives one without an offset to UTC, else it stays local."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{column} must be a date such as 2024-05-31, not {text!r}.") from None
    if not EARLIEST <= found.year < LATEST:
        raise ValueError(f"{column} must lie between {EARLIEST} and {LATEST}, not {text!r}.")
    if len(text) <= 10:
        found = found.replace(hour=12)
    return found.replace(tzinfo=UTC) if utc and found.tzinfo is None else found


def day(column: str, text: str) -> date:
    """A date, whatever follows it in the cell."""
    return moment(column, text[:10]).date()


def whole(column: str, text: str, low: int, high: int) -> int:
    """A whole number within its bounds."""
    if not text.isdecimal() or not low <= int(text) <= high:
        raise ValueError(f"{column} must be a whole number from {low} to {high}, not {text!r}.")
    return int(text)


def degrees(column: str, text: str, bound: float) -> float | None:
    """Degrees of latitude (bound 90) or longitude (bound 180); None where the cell is empty."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 999.0
    if not -bound <= value <= bound:
        raise ValueError(f"{column} must be degrees from -{bound:.0f} to {bound:.0f}, not {text!r}.")
    return value


def needed(fields: Fields, *columns: str) -> None:
    """Raise ValueError where one of these cells is empty."""
    for column in columns:
        if not fields.get(column):
            raise ValueError(f"{column} is empty.")


def grade(text: str) -> str:
    """An Admiralty grade as a letter and a digit; a bare digit gets F, the source that nobody knows. Empty stays empty."""
    found = text.upper()
    if not found:
        return ""
    found = f"F{found}" if len(found) == 1 else found
    if len(found) != 2 or found[0] not in "ABCDEF" or found[1] not in "123456":
        raise ValueError(f"grade must be a letter A-F and a digit 1-6, or the digit alone, not {text!r}.")
    return found


def place(fields: Fields, code: str, **more: str) -> Where:
    """The place of a row with the coordinates of its columns latitude and longitude."""
    return Where(
        code,
        latitude=degrees("latitude", fields.get("latitude", ""), 90),
        longitude=degrees("longitude", fields.get("longitude", ""), 180),
        **more,
    )


def imported(category: str) -> str:
    """The kind of an imported event: its file's own category, kept apart from the catalogue's kinds."""
    return f"imported:{'_'.join(category.casefold().split())}"


# ----------------------------------------------------------------------------------- the replay's columns


def read_replay(fields: Fields) -> Event:
    """A row as `concord replay` reads it: age runs from date_known, noon UTC, so that both give the same score.

    Two rows are one event only if they agree in every field that counts, as in the replay.
    """
    needed(fields, "source_id", "date", "date_known", "locality", "category", "severity")
    happened = moment("date", fields["date"], utc=True)
    known = moment("date_known", fields["date_known"], utc=True)
    if known < happened:
        raise ValueError("date_known is before date: nothing is known before it happens.")
    same = ("source_id", "date", "date_known", "locality", "category", "severity", "grade", "deaths")
    return Event(
        id=uuid5(IDS, "|".join(["replay", *(fields.get(name, "") for name in same)])),
        source=fields["source_id"],
        where=place(fields, fields["locality"]),
        kind=imported(fields["category"]),
        severity=whole("severity", fields["severity"], 1, 5),
        occurred_at=known,
        known_at=known,
        grade=grade(fields.get("grade", "")),
    )


REPLAY = Format(
    "replay", ("source_id", "date", "date_known", "locality", "category", "severity"), read_replay
)


def formats() -> tuple[Format, ...]:
    """The closed list of formats, the most telling header first."""
    from committees.intake import acled, odk, own_columns, ucdp

    return (ucdp.FORMAT, acled.FORMAT, REPLAY, own_columns.FORMAT, odk.FORMAT)


# ----------------------------------------------------------------------------------------------- files


@contextmanager
def opened(path: Path) -> Iterator[io.TextIOBase]:
    """The text of a file, unpacked if it is gzip; whatever cannot be read becomes a Problem in words."""
    try:
        with path.open("rb") as raw:
            plain = _unpacked(path, raw)
            with io.TextIOWrapper(plain, encoding=_alphabet(path, plain), newline="") as text:
                yield text
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Problem(f"{path.name} is a damaged gzip file.", "Download or pack it again.") from None
    except UnicodeDecodeError:
        raise Problem(
            f"{path.name} is not written in UTF-8.",
            "Save it as CSV in UTF-8 and try again: no letter is guessed.",
        ) from None
    except OSError as error:
        raise Problem(
            f"{path} cannot be read: {error.strerror}.", "Check the name and who may read it."
        ) from None
    except csv.Error as error:
        raise Problem(
            f"{path.name} is not a CSV file: {error}.", "Save it as CSV in UTF-8 and try again."
        ) from None


def _unpacked(path: Path, raw: BinaryIO) -> IO[bytes]:
    head = raw.read(4)
    raw.seek(0)
    if head[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if head in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise Problem(f"{path.name} is a workbook, not CSV.", "Open it and save it as CSV in UTF-8.")
    return raw


def _alphabet(path: Path, plain: IO[bytes]) -> str:
    """UTF-8, or UTF-16 where a mark at its beginning says so: what Excel calls Unicode text."""
    head = plain.read(2)
    plain.seek(0)
    return "utf-16" if head in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


@dataclass(frozen=True)
class Table:
    """A CSV file: its header in small letters, its row of HXL tags if it has one, and (line number, fields) of each row with content."""

    header: list[str]
    tags: list[str]
    rows: Iterator[tuple[int, list[str]]]


def table(text: io.TextIOBase, name: str) -> Table:
    """Read the head of a CSV file; tags stand in the first line or below it, also below further lines of titles, and are no row."""
    lines = _marked(text)
    first = next(lines, "")
    reader = csv.reader(itertools.chain([first], lines), delimiter=_delimiter(first))
    header = [column.strip().casefold() for column in next(reader, [])]
    if not any(header):
        raise Problem(f"{name} is empty.", "The first line must name the columns.")
    tags = header if hxl.is_tags(header) else []
    begun: list[tuple[int, list[str]]] = []
    for row in itertools.islice(reader, 0 if tags else TAGS_WITHIN):
        if hxl.is_tags(row):
            # What stands above the tags are titles, however many lines they take.
            tags, begun = row, []
            break
        begun.append((reader.line_num, row))

    def rows() -> Iterator[tuple[int, list[str]]]:
        more = ((reader.line_num, row) for row in reader)
        for number, row in itertools.chain(begun, more):
            if any(cell.strip() for cell in row) and not hxl.is_tags(row):
                yield number, row

    return Table(header, tags, rows())


def _marked(text: io.TextIOBase) -> Iterator[str]:
    """The lines of a file without the one by which Excel is told its separator."""
    for number, line in enumerate(text):
        if number or not re.fullmatch(r"sep=.\s*", line, re.IGNORECASE):
            yield line


def _delimiter(line: str) -> str:
    """What parts the columns of the first line: exports of KoboToolbox have semicolons, and so has Excel in many countries."""
    bare = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=bare.count) if any(one in bare for one in DELIMITERS) else ","


def format_of(header: Sequence[str], tags: Sequence[str], name: str) -> tuple[Format, list[str]]:
    """The format with this header or these tags, and its names for the columns; Problem that names what is missing."""
    known = formats()
    for one in known:
        names = one.names(header)
        if set(one.columns) <= set(names):
            return one, names
    if tags:
        from committees.intake import own_columns

        return own_columns.TAGGED, _tagged(own_columns.TAGGED, tags, name)
    nearest = min(known, key=lambda one: len(set(one.columns) - set(header)) / len(one.columns))
    if set(header) >= LABELS_OF_KOBO:
        raise Problem(
            f"{name} is an export with labels, or of a form that is not ours.",
            "Export our form again with XML values and headers. How to match another form: docs/imports.md.",
        )
    missing = [column for column in nearest.columns if column not in header]
    said = "; ".join(f"{one.name}: {', '.join(one.columns)}" for one in known)
    raise Problem(
        f"{name} has no column {', '.join(missing)}.",
        f"The first line must name the columns. Formats: {said}.",
    )


def _tagged(wanted: Format, tags: Sequence[str], name: str) -> list[str]:
    """Our names of columns that are tagged; Problem that says which tags are missing."""
    names = hxl.own_columns(tags)
    # A place is known by its code, or by its name in its country.
    placed = "locality" in names or {"name", "country"} <= set(names)
    columns = wanted.columns if placed else ("locality", *wanted.columns)
    if missing := [column for column in columns if column not in names]:
        said = "; ".join(f"{column}: {' or '.join(hxl.TAGS[column])}" for column in missing)
        raise Problem(
            f"{name} has HXL tags, but none for {', '.join(missing)}.",
            f"Tag the columns. Tags that mean it: {said}.",
        )
    return names


@dataclass(frozen=True)
class Opened:
    """A file whose header was understood, and its rows to come; `names` are the format's own for the columns of `header`."""

    format: Format
    header: tuple[str, ...]
    names: tuple[str, ...]
    lines: Iterator[Line]

    @property
    def unread(self) -> list[str]:
        """The columns of which nothing is read, where tags or groups gave the others their names."""
        return [had for had, name in zip(self.header, self.names, strict=False) if had and not name]


@contextmanager
def events(path: Path) -> Iterator[Opened]:
    """Open a file of incidents and find its format; each row comes as an event or with its reason."""
    with opened(path) as text:
        read = table(text, path.name)
        found, names = format_of(read.header, read.tags, path.name)
        yield Opened(found, tuple(read.header), tuple(names), _lines(found, names, read.rows))


def _lines(found: Format, names: list[str], rows: Iterator[tuple[int, list[str]]]) -> Iterator[Line]:
    for number, row in rows:
        try:
            if len(row) < len(names):
                raise ValueError(f"The row has {len(row)} fields, the first line has {len(names)}.")
            fields = {name: cell.strip() for name, cell in zip(names, row, strict=False) if name}
            yield Line(number, tuple(row), found.read(fields))
        except ValueError as error:
            yield Line(number, tuple(row), None, str(error))


def write_rejected(
    path: Path, header: Sequence[str], rejected: Sequence[tuple[Sequence[str], str]]
) -> Path | None:
    """Write rows that were not used to FILE.rejected.csv with the reason at the end; None where there are none.

    Beside the file, or in the current folder where that one is closed to us. Mended, the file can be imported as it is.
    """
    if not rejected:
        return None
    columns = [name for name in header if name != "reason"]
    kept = [position for position, name in enumerate(header) if name != "reason"]
    for target in (path.with_name(f"{path.name}.rejected.csv"), Path.cwd() / f"{path.name}.rejected.csv"):
        try:
            with target.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow([*columns, "reason"])
                for row, reason in rejected:
                    writer.writerow([*(row[n] if n < len(row) else "" for n in kept), reason])
            return target
        except OSError:
            continue
    raise Problem(
        f"{path.name}.rejected.csv cannot be written.", "Run the command in a folder where you may write."
    )
