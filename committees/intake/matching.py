"""Matching an NGO's own form to our questions: which of theirs is which of ours, and which of their answers means which of ours.

Made from their XLSForm (xlsform_reading.py) by a person, tried on what came in, and only then used (coordination/taking_in.py). A question
that is matched to none of ours is not read. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from committees.intake import form, submissions
from committees.intake.submissions import QUESTIONS

#: Our questions whose answers come from a list; `ward` is a list of places, or the name or number of one in words.
CLOSED: Mapping[str, tuple[str, ...]] = {
    "what": tuple(form.WHAT),
    "ongoing": tuple(form.GOING_ON),
    "how": tuple(form.HOW),
    "people": tuple(form.CROWD),
}


@dataclass(frozen=True)
class Question:
    """One question of a form: its name, its words, and the answers that it offers with theirs, if it offers any."""

    name: str
    label: str
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Matching:
    """`questions`: our name to theirs; `answers`: for each of ours, their answer to ours. Both in small letters on their side."""

    questions: Mapping[str, str]
    answers: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Matching:
        """The matching that a stored document holds."""
        return cls(document.get("questions", {}), document.get("answers", {}))

    def document(self) -> dict[str, Any]:
        """This matching as it is stored."""
        return {"questions": dict(self.questions), "answers": {k: dict(v) for k, v in self.answers.items()}}


def guess(questions: Sequence[Question], wards: Sequence[tuple[str, Sequence[str]]]) -> Matching:
    """What can be matched without asking: names that are ours, and answers with the name, the number or the code of ours."""
    theirs = {one.name.casefold(): one for one in questions}
    found = {ours: ours for ours in QUESTIONS if ours in theirs}
    answers: dict[str, dict[str, str]] = {}
    for ours, name in found.items():
        answers[ours] = {
            value.casefold(): same
            for value, label in theirs[name].answers
            if (same := _same(ours, value, label, wards))
        }
    return Matching(found, answers)


def _same(ours: str, value: str, label: str, wards: Sequence[tuple[str, Sequence[str]]]) -> str:
    if ours in CLOSED:
        return value.casefold() if value.casefold() in CLOSED[ours] else ""
    said = {value.casefold(), label.casefold()}
    return next((code for code, names in wards if said & {one.casefold() for one in (code, *names)}), "")


def applied(matching: Matching, answers: Mapping[str, Any]) -> dict[str, str]:
    """A submission of theirs as one of ours. An answer that means none of ours stays as it was said, and so ends in the text."""
    given = submissions.flat(answers)
    theirs = submissions.flat(answers, whole=True)
    found = {name: value for name, value in given.items() if name in submissions.KEPT}
    for ours, name in matching.questions.items():
        value = theirs.get(name, "")
        if value:
            found[ours] = _answer(matching.answers.get(ours, {}), value)
    return found


def _answer(means: Mapping[str, str], value: str) -> str:
    """Ours for theirs; where several were ticked, the first of ours that one of them means."""
    if not means:
        return value
    whole = means.get(value.casefold())
    ticked = (means[one] for one in value.casefold().split() if one in means)
    return whole or next(ticked, value)
