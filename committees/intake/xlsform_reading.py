"""Reading an XLSForm that somebody sends us: its questions and their answers, in the reader's language, to be matched with ours.

A question that would be a place on a map, a file, a person's name or number is left out, and so is what repeats. Nothing in the workbook is run.
Source: the XLSForm reference, https://xlsform.org. Pure.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from committees.intake.bare import is_personal
from committees.intake.matching import Question
from foundation.errors import Invalid
from foundation.web.words import N_

LARGEST, LARGEST_INSIDE, MOST_ROWS, MOST_COLUMNS = 900 * 1024, 8 * 1024 * 1024, 3000, 60
ASKED = ("select_one", "select_multiple", "text", "date", "datetime", "integer", "today", "calculate")
#: Forms write these with a space as well.
_ALIKE = re.compile(r"^(begin|end|select)[ _](repeat|group|one|multiple)\b", re.IGNORECASE)
LONGEST_LABEL = 200
NO_FORM = N_("This is not an XLSForm. Choose the .xlsx file with the sheets survey and choices.")
TOO_LARGE = N_("This file is too large. An XLSForm has at most 900 KB.")
NOTHING = N_("This form has no question that we could read.")


def read(body: bytes, language: str) -> list[Question]:
    """The questions of a form in its own order; raise Invalid("form") with the words why it cannot be read."""
    if len(body) > LARGEST:
        raise Invalid("form", TOO_LARGE)
    survey, choices = _sheets(body)
    lists: dict[str, list[tuple[str, str]]] = {}
    for row in choices:
        if name := row.get("name", ""):
            lists.setdefault(row.get("list_name") or row.get("list name", ""), []).append(
                (name, _label(row, language) or name)
            )
    found = list(questions(survey, lists, language))
    if not found:
        raise Invalid("form", NOTHING)
    return found


def questions(
    survey: Sequence[Mapping[str, str]], lists: Mapping[str, list[tuple[str, str]]], language: str
) -> Iterator[Question]:
    """The questions of a survey sheet that could be matched, in its order."""
    repeats = 0
    for row in survey:
        written = _ALIKE.sub(lambda match: f"{match[1]}_{match[2]}".casefold(), row.get("type", "").strip())
        kind, *rest = written.split() or [""]
        kind = kind.casefold()
        repeats += {"begin_repeat": 1, "end_repeat": -1}.get(kind, 0)
        name = row.get("name", "")
        if repeats > 0 or kind not in ASKED or not name or is_personal(name):
            continue
        answers = list(lists.get(rest[0], ())) if kind.startswith("select") and rest else []
        if answers and "or_other" in rest:
            answers.append(("other", "other"))
        yield Question(name, _label(row, language) or name, tuple(answers))


def _label(row: Mapping[str, str], language: str) -> str:
    """The words in a language, else those without one, else the first ones."""
    labels = {head: text for head, text in row.items() if head.partition("::")[0] == "label" and text}
    own = next((text for head, text in labels.items() if f"({language})" in head), "")
    words = own or labels.get("label") or next(iter(labels.values()), "")
    return re.sub(r"<[^>]*>|[*_#]{1,3}", "", words).strip()[:LONGEST_LABEL]


def _sheets(body: bytes) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            if sum(one.file_size for one in packed.infolist()) > LARGEST_INSIDE:
                raise Invalid("form", TOO_LARGE)
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        named = {str(name).casefold().strip(): name for name in book.sheetnames}
        if "survey" not in named:
            raise Invalid("form", NO_FORM)
        survey = _rows(book[named["survey"]])
        choices = _rows(book[named["choices"]]) if "choices" in named else []
    except Invalid:
        raise
    except Exception:  # noqa: BLE001 -- a workbook that somebody sends can be broken in any way
        raise Invalid("form", NO_FORM) from None
    return survey, choices


def _rows(sheet: Any) -> list[dict[str, str]]:
    return rows_of(islice(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS), MOST_ROWS))


def rows_of(lines: Iterator[Sequence[Any]]) -> list[dict[str, str]]:
    """The rows with content, each by its heads in small letters."""
    heads = [_cell(value).casefold() for value in next(lines, ())]
    rows = [{head: _cell(value) for head, value in zip(heads, line, strict=False) if head} for line in lines]
    return [row for row in rows if row.get("type") or row.get("name")]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()
