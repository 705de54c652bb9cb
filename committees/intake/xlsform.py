"""Our report form as an XLSForm, for ODK Collect and KoboToolbox: the same questions, answers and words as on the web, in every language.

Made from the lists of form.py, so that a submission is read by the same keys (submissions.py). No name of a person and no point on a map is
asked for. Source: the XLSForm reference, https://xlsform.org. Pure but for writing the workbook.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from committees.intake import form
from foundation.web import words
from foundation.web.words import N_
from foundation.web.words import gettext as _

QUESTIONS: tuple[tuple[str, str, str, str, bool], ...] = (
    # type, name, label, hint, required
    ("select_one what", "what", N_("What happened?"), N_("Choose the closest. You can change it later."), True),
    ("select_one ward", "ward", N_("Where?"), "", True),
    ("text", "spot", N_("Nearest known place"), N_("If you like. For example bus stand, market, school. No house numbers."), False),
    ("date", "occurred_on", N_("When?"), "", True),
    ("select_one ongoing", "ongoing", N_("Is it still going on?"), "", False),
    ("select_one how", "how", N_("How do you know?"), N_("This helps us judge how sure we are."), True),
    ("select_one people", "people", N_("How many people?"), "", False),
    ("text", "text", N_("Tell us more, if you can"), N_("Write what, not who. No names, phone numbers or religion of any person."), False),
)  # fmt: skip
#: Not in the future, and no longer than our own form takes.
CONSTRAINTS = {"occurred_on": ". <= today()", "text": f"string-length(.) <= {form.LONGEST_TEXT}"}
LISTS: dict[str, Mapping[str, str]] = {
    "what": {key: label for key, (label, _hint) in form.WHAT.items()},
    "ongoing": form.GOING_ON,
    "how": form.HOW,
    "people": form.CROWD,
}


def survey(languages: Sequence[str]) -> list[list[str]]:
    """The sheet of questions: its header, then a row for each."""
    header = ["type", "name", "required", "constraint"]
    for language in languages:
        header += [_column("label", language), _column("hint", language)]
    rows = [header]
    for kind, name, label, hint, required in QUESTIONS:
        row = [kind, name, "yes" if required else "", CONSTRAINTS.get(name, "")]
        for language in languages:
            with words.speaking(language):
                row += [_(label), _(hint) if hint else ""]
        rows.append(row)
    return rows


def choices(wards: Sequence[tuple[str, Mapping[str, str]]], languages: Sequence[str]) -> Iterator[list[str]]:
    """The sheet of answers: its header, then a row for each answer of each list; a ward is its code and its names by language."""
    yield ["list_name", "name", *(_column("label", language) for language in languages)]
    for code, names in wards:
        yield ["ward", code, *(names.get(language) or names.get("en") or code for language in languages)]
    for name, answers in LISTS.items():
        for key, label in answers.items():
            told = []
            for language in languages:
                with words.speaking(language):
                    told.append(_(label))
            yield [name, key, *told]


def workbook(
    title: str, wards: Sequence[tuple[str, Mapping[str, str]]], languages: Sequence[str], today: date
) -> bytes:
    """The form as an .xlsx file."""
    from openpyxl import Workbook

    book = Workbook()
    for name, rows in (
        ("survey", survey(languages)),
        ("choices", list(choices(wards, languages))),
        ("settings", [["form_title", "form_id", "version", "default_language"],
                      [title, "concord_report", f"{today:%Y%m%d}", _tongue(languages[0])]]),
    ):  # fmt: skip
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.remove(book.worksheets[0])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _column(name: str, language: str) -> str:
    return f"{name}::{_tongue(language)}"


def _tongue(language: str) -> str:
    return f"{words.NAMES[language]} ({language})"
