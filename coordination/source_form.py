"""What the page of one source shows and takes: an XLSForm becomes a draft, a draft is matched and tried, and a tried draft is put to use.

A try reads what has come in already and says only how many of it would be what: no answer is shown to whoever matches. The page is
pages/source_form.py.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees.inbox import FORM, Inbound
from committees.intake import matching, submissions
from committees.intake.matching import CLOSED, Matching, Question
from committees.intake.submissions import QUESTIONS, NoSubmission
from committees.places import Locality
from coordination.collected import Collection
from coordination.taking_in import ward_named

TRIED = 100
MOST_ANSWERS = 80


@dataclass
class Trial:
    """What a draft would make of the newest submissions: how many were tried, the kinds of reports, and what each lacked."""

    tried: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    lacks: Counter[str] = field(default_factory=Counter)


def questions_of(draft: Mapping[str, Any]) -> list[Question]:
    """The questions of the form in a draft."""
    return [
        Question(one["name"], one["label"], tuple((value, label) for value, label in one["answers"]))
        for one in draft.get("form", ())
    ]


def draft_of(questions: Sequence[Question], found: Matching) -> dict[str, Any]:
    """A form with what is matched of it, as it is stored."""
    form = [
        {"name": one.name, "label": one.label, "answers": [list(a) for a in one.answers]} for one in questions
    ]
    return {"form": form, **found.document()}


def matched(
    questions: Sequence[Question], values: Mapping[str, str], wards: Sequence[tuple[str, Sequence[str]]]
) -> Matching:
    """What was chosen on the page: `q-OURS` a question of theirs, `a-OURS-N` what its Nth answer means. Of another question it is guessed."""
    theirs = {one.name.casefold(): one for one in questions}
    chosen = {ours: values.get(f"q-{ours}", "").casefold() for ours in QUESTIONS}
    chosen = {ours: name for ours, name in chosen.items() if name in theirs}
    answers: dict[str, dict[str, str]] = {}
    for ours, name in chosen.items():
        if ours not in CLOSED and ours != "ward":
            continue
        allowed = CLOSED.get(ours) or [code for code, _names in wards]
        offered = theirs[name].answers
        means = dict(matching.guess([Question(ours, "", offered)], wards).answers.get(ours, {}))
        if values.get(f"of-{ours}", "").casefold() == name:
            for n, (value, _label) in enumerate(offered[:MOST_ANSWERS]):
                means[value.casefold()] = values.get(f"a-{ours}-{n}", "")
        answers[ours] = {value: same for value, same in means.items() if same in allowed}
    return Matching(chosen, answers)


def tried(session: Session, name: str, town: Locality, found: Matching) -> Trial:
    """Try a matching on the newest submissions of a source. The session is one that may read what came in."""
    trial = Trial()
    rows = session.scalars(
        select(Inbound).where(Inbound.kind == FORM).order_by(Inbound.received_at.desc()).limit(TRIED * 5)
    )
    for row in rows:
        if row.details.get("server") != name or trial.tried == TRIED:
            continue
        trial.tried += 1
        try:
            one = submissions.read(matching.applied(found, json.loads(row.text(session))))
        except (NoSubmission, ValueError, AttributeError):
            trial.lacks["all"] += 1
            continue
        trial.kinds[one.kind] += 1
        trial.lacks["what"] += one.kind == "unsorted" and "what: " in one.text
        trial.lacks["ward"] += ward_named(session, town, one.ward) is None
        trial.lacks["occurred_on"] += one.day is None
    return trial


def use(row: Collection) -> None:
    """Put a draft to use; what waits because nobody could read it is read once more."""
    row.matching = {"questions": row.draft["questions"], "answers": row.draft["answers"]}
    row.again = True


def our_form(row: Collection) -> None:
    """Go back to reading our own form."""
    row.matching, row.draft, row.again = {}, {}, True
