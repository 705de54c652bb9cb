"""One printed table for each benchmark. Knows nothing of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A heading, the names of the columns, and rows of words and numbers as they are to be read."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()


def show(table: Table) -> str:
    """The table as a block of Markdown with columns of one width, to be read as it is or pasted."""
    widths = [max(len(row[n]) for row in (table.columns, *table.rows)) for n in range(len(table.columns))]
    lines = [
        _line(table.columns, widths),
        "|" + "|".join("-" * (width + 2) for width in widths) + "|",
        *(_line(row, widths) for row in table.rows),
    ]
    return "\n".join([f"\n### {table.title}\n", *lines, "", *table.notes])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def ms(seconds: float) -> str:
    """A span as whole milliseconds, or as seconds where it is long."""
    return f"{seconds * 1000:.0f} ms" if seconds < 2 else f"{seconds:.1f} s"
