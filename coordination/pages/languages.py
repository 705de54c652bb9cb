"""The words of pages: which languages there are, and each part of one to read, to print and to sign off.

The words of messages have pages of their own (wordings.py). What readers say is kept by alerts/wordings.py.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from alerts import wordings
from alerts.wordings import WordingNote
from coordination import page_words
from coordination.page_words import ALL, Part
from foundation.errors import NotFound, Refused
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _

READERS = ("administrator", "secretary", "chair")


@page("/admin/languages", roles=READERS)
def languages(visit: Visit) -> Response:
    """The languages of pages, and how far each is signed off."""
    notes = wordings.notes_on(visit.session)
    rows = []
    for code in visit.config.locales:
        found = page_words.parts(code)
        ready = sum(not page_words.standing(notes, code, part).draft for part in found)
        rows.append({"code": code, "name": words.NAMES[code], "ready": ready, "all": len(found)})
    return visit.render("languages.html", rows=rows, routes=visit.has("administrator"))


@page("/admin/languages/<language>", roles=READERS)
def language(visit: Visit, language: str) -> Response:
    """The parts of one language; all of them are signed off here at once by somebody who has read them."""
    if not page_words.parts(language):
        raise NotFound(_("We know no words of this language."))
    errors: dict[str, str] = {}
    if visit.posted:
        errors, answer = _keep(visit, language, ALL, page_words.whole(language), "")
        if answer:
            return answer
    notes = wordings.notes_on(visit.session, language)
    rows = [
        {"part": part, "standing": page_words.standing(notes, language, part)}
        for part in page_words.parts(language)
    ]
    return visit.render(
        "language.html", 422 if errors else 200, rows=rows, **_form(visit, language, notes, errors)
    )


@page("/admin/languages/<language>/<path:name>", roles=READERS)
def part(visit: Visit, language: str, name: str) -> Response:
    """One part of a language, each string beside its English."""
    found = page_words.part_of(language, name)
    if found is None:
        raise NotFound(_("We know no words of this language."))
    errors: dict[str, str] = {}
    if visit.posted:
        errors, answer = _keep(visit, language, found.key, found.fingerprint, _after(language, found))
        if answer:
            return answer
    notes = wordings.notes_on(visit.session, language)
    return visit.render(
        "language_part.html",
        422 if errors else 200,
        part=found,
        standing=page_words.standing(notes, language, found),
        **_form(visit, language, [one for one in notes if one.template == found.key], errors),
    )


def _after(language: str, part: Part) -> str:
    """The part that follows, so that a reader goes on without going back."""
    every = page_words.parts(language)
    at = every.index(part) + 1
    return f"/{every[at].name}" if at < len(every) else ""


def _keep(
    visit: Visit, language: str, on: str, read: str, then: str
) -> tuple[dict[str, str], Response | None]:
    try:
        wordings.note(
            visit.session,
            visit.now,
            language=language,
            template=on,
            read=read,
            verdict=visit.form.get("verdict", ""),
            words=visit.form.get("text", "").replace("\r\n", "\n").strip(),
            person=(visit.person_id, visit.person.name, visit.person.language),
        )
    except Refused as refused:
        return refused.fields, None
    page_words.settle(visit.session, wordings.notes_on(visit.session, language), language)
    visit.say(_("Thank you. What you say of these words is kept."))
    return {}, visit.go(f"/admin/languages/{language}{then}")


def _form(visit: Visit, language: str, notes: list[WordingNote], errors: dict[str, str]) -> dict[str, Any]:
    return {
        "language": language,
        "name": words.NAMES[language],
        "dir": words.Language(language).dir,
        "mine": wordings.may_read(language, visit.person.language),
        "needed": wordings.READERS_NEEDED,
        "verdict": visit.form.get("verdict", ""),
        "typed": visit.form.get("text", ""),
        "errors": errors,
        "notes": [
            {"who": one.person_name, "on": one.template.partition(":")[2], "verdict": one.verdict,
             "words": one.words, "when": words.ago(one.at, visit.now)}
            for one in notes
            if one.template.partition(":")[0] == ALL and (one.words or one.template != ALL)
        ],
    }  # fmt: skip
