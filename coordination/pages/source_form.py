"""The page of one source: whether our form is filled in there or their own, and how the questions of theirs mean ours.

An XLSForm is sent, matched, tried on what came in, and then switched on. What is decided is coordination/source_form.py's business.
"""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import select

from alerts.sentences import kind_label
from committees.intake import matching, xlsform, xlsform_reading
from committees.intake.form import CROWD, GOING_ON, HOW, WHAT
from committees.intake.matching import Matching
from committees.intake.submissions import QUESTIONS
from committees.places import Locality
from coordination import collected, collecting, reach, source_form
from coordination.collected import Collection
from coordination.here import here
from coordination.source_form import MOST_ANSWERS, Trial
from foundation import journal
from foundation.errors import Invalid, NotFound
from foundation.policy import service
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

LABELS = {name: label for _kind, name, label, _hint, _needed in xlsform.QUESTIONS}
ANSWERS = {
    "what": {key: label for key, (label, _hint) in WHAT.items()},
    "ongoing": GOING_ON,
    "how": HOW,
    "people": CROWD,
}
LACKS = {
    "all": N_("No question of ours is answered"),
    "what": N_("What happened is not known"),
    "ward": N_("The ward is not known"),
    "occurred_on": N_("The day is not known"),
}
CHOOSE_WHAT = N_("Choose the question that says what happened")
CHOOSE_ANSWERS = N_("Say what at least one of these answers means")
PATH = "/admin/sources/at/<name>"


@page(PATH, roles=("administrator",))
def source(visit: Visit, name: str) -> Response:
    """Which form is read, and another one to match."""
    row = _row(visit, name)
    if not visit.posted:
        return _show(visit, row, {})
    try:
        questions = xlsform_reading.read(visit.file("form"), words.current().language)
    except Invalid as wrong:
        return _show(visit, row, {"form": _(wrong.message)})
    row.draft = source_form.draft_of(questions, matching.guess(questions, _wards(visit, row)))
    return visit.go(f"/admin/sources/at/{name}/match")


@page(f"{PATH}/match", roles=("administrator",))
def match(visit: Visit, name: str) -> Response:
    """Match the questions and answers of a form with ours, and see what it would make of what came in."""
    row = _row(visit, name)
    if not row.draft:
        return visit.go(f"/admin/sources/at/{name}")
    if not visit.posted:
        return _match(visit, row, {})
    questions = source_form.questions_of(row.draft)
    found = source_form.matched(questions, visit.form, _wards(visit, row))
    row.draft = source_form.draft_of(questions, found)
    errors = {} if "what" in found.questions else {"q-what": _(CHOOSE_WHAT)}
    if not errors and "use" in visit.form and not found.answers.get("what"):
        errors = {"q-what": _(CHOOSE_ANSWERS)}
    if errors or "use" not in visit.form:
        return _match(visit, row, errors)
    source_form.use(row)
    journal.record(visit.session, visit.now, "source:matched", "collection", None)
    visit.say(_("Switched on. What waited from there is read again within a minute."))
    return visit.go(f"/admin/sources/at/{name}")


@page(f"{PATH}/ours", roles=("administrator",))
def ours(visit: Visit, name: str) -> Response:
    """Read our own form again."""
    row = _row(visit, name)
    if visit.posted:
        source_form.our_form(row)
        journal.record(visit.session, visit.now, "source:ours", "collection", None)
        visit.say(_("Concord reads its own form from there again."))
    return visit.go(f"/admin/sources/at/{name}")


def _row(visit: Visit, name: str) -> Collection:
    if collecting.names(visit.config).get(name, "mail") == "mail":
        raise NotFound()
    if visit.posted:
        return collected.of(visit.session, name)
    return visit.session.get(Collection, name) or Collection(name=name, error="", matching={}, draft={})


def _town(visit: Visit, row: Collection) -> Locality:
    where = visit.config.form_servers.get(row.name) or visit.config.form_hooks[row.name]
    town = visit.session.scalars(select(Locality).where(Locality.code == where.place)).first()
    if town is None:
        raise NotFound(_("There is no committee at this place."))
    return town


def _wards(visit: Visit, row: Collection) -> list[tuple[str, list[str]]]:
    """The places that an answer may mean, each by its code with its names and number."""
    town = _town(visit, row)
    places = [*reach.wards_below(visit.session, [town.id]), town]
    return [(one.code, [*map(str, one.names.values()), str(one.number or "")]) for one in places]


def _show(visit: Visit, row: Collection, errors: dict[str, str]) -> Response:
    return visit.render(
        "source_form.html", 422 if errors else 200, name=row.name, row=row, error=_(row.error) if row.error else "",
        asked=_pairs(row.matching, row.draft), errors=errors,
    )  # fmt: skip


def _pairs(document: dict[str, object], draft: dict[str, object]) -> list[tuple[str, str]]:
    """Our questions with theirs, as far as they are matched."""
    labels = {one.name.casefold(): one.label for one in source_form.questions_of(draft)}
    found = Matching.of(document).questions
    return [(_(LABELS[one]), labels.get(found[one], found[one])) for one in QUESTIONS if one in found]


def _match(visit: Visit, row: Collection, errors: dict[str, str]) -> Response:
    found, questions = Matching.of(row.draft), source_form.questions_of(row.draft)
    with here().worker.open(service("intake")) as session:
        trial = source_form.tried(session, row.name, _town(visit, row), found)
    options = [(one.name.casefold(), one.label) for one in questions]
    return visit.render(
        "source_match.html",
        422 if errors else 200,
        name=row.name,
        questions=[(one, _(LABELS[one]), options, found.questions.get(one, "")) for one in QUESTIONS],
        answers=_answers(visit, row, found),
        trial=trial,
        told=_told(trial),
        errors=errors,
    )


def _answers(visit: Visit, row: Collection, found: Matching) -> list[dict[str, Any]]:
    """For each question with a list of answers on both sides: theirs, and what each may mean."""
    theirs = {one.name.casefold(): one for one in source_form.questions_of(row.draft)}
    shown: list[dict[str, Any]] = []
    for ours_ in ("what", "ward", "how", "ongoing", "people"):
        name = found.questions.get(ours_, "")
        offered = theirs[name].answers[:MOST_ANSWERS] if name in theirs else ()
        if not offered:
            continue
        means = found.answers.get(ours_, {})
        shown.append(
            {
                "ours": ours_,
                "of": name,
                "title": _(LABELS[ours_]),
                "options": _options(visit, row, ours_),
                "rows": [
                    (n, label, means.get(value.casefold(), "")) for n, (value, label) in enumerate(offered)
                ],
            }
        )
    return shown


def _options(visit: Visit, row: Collection, ours_: str) -> list[tuple[str, str]]:
    if ours_ != "ward":
        return [(key, _(label)) for key, label in ANSWERS[ours_].items()]
    town = _town(visit, row)
    language = words.current().language
    return [(one.code, one.name(language)) for one in (*reach.wards_below(visit.session, [town.id]), town)]


def _told(trial: Trial) -> list[tuple[str, int]]:
    """A try in numbers: each kind of report, then what is missing."""
    kinds = [(kind_label(kind), number) for kind, number in trial.kinds.most_common()]
    return [*kinds, *((_(LACKS[key]), number) for key, number in trial.lacks.items() if number)]
