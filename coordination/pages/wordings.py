"""The words of messages: every template, one template in all languages, a language to read and sign off.

What readers say is kept by alerts/wordings.py. How SMS travel to a country, and India's registry, are sms_routes.py.
"""

from __future__ import annotations

from flask import Response

from alerts import wordings
from alerts.messages import CATALOGUES, TEMPLATES, Catalogue
from coordination import wordings_view
from foundation.errors import NotFound, Refused
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _

READERS = ("administrator", "secretary", "chair")


@page("/admin/messages", roles=READERS)
def messages(visit: Visit) -> Response:
    """Every message that Concord sends, and how far each language is signed off."""
    notes = wordings.notes_on(visit.session)
    mine = CATALOGUES.get(words.current().language, CATALOGUES["en"])
    return visit.render(
        "wordings.html",
        languages=wordings_view.languages(notes),
        rows=[wordings_view.shown(template, mine, notes) for template in TEMPLATES if template in mine.sms],
        routes=visit.has("administrator"),
    )


@page("/admin/messages/<template>", roles=READERS)
def message(visit: Visit, template: str) -> Response:
    """One message in all languages."""
    if template not in TEMPLATES:
        raise NotFound(_("We know no message of this name."))
    notes = wordings.notes_on(visit.session)
    return visit.render(
        "wording.html",
        key=template,
        rows=wordings_view.in_every_language(template, notes),
        drill=TEMPLATES[template].drill,
    )


@page("/admin/messages/read/<language>", roles=READERS)
def read(visit: Visit, language: str) -> Response:
    """The messages of one language, or one of them, to read, to print and to sign off."""
    words_read = CATALOGUES.get(language)
    template = (visit.form if visit.posted else visit.args).get("template", "")
    if words_read is None or (template and template not in words_read.sms):
        raise NotFound(_("We know no message of this name."))
    errors: dict[str, str] = {}
    if visit.posted and visit.form.get("do") != "count":
        try:
            _note(visit, language, template)
        except Refused as refused:
            errors = refused.fields
        else:
            visit.say(_("Thank you. What you say of these words is kept."))
            return visit.go(_address(language, template))
    return _reading(visit, words_read, template, errors)


def _address(language: str, template: str) -> str:
    return f"/admin/messages/read/{language}" + (f"?template={template}" if template else "")


def _note(visit: Visit, language: str, template: str) -> None:
    wordings.note(
        visit.session,
        visit.now,
        language=language,
        template=template,
        read=wordings.fingerprint(CATALOGUES[language], template),
        verdict=visit.form.get("verdict", ""),
        words=visit.form.get("text", "").replace("\r\n", "\n").strip(),
        person=(visit.person_id, visit.person.name, visit.person.language),
    )


def _reading(visit: Visit, words_read: Catalogue, template: str, errors: dict[str, str]) -> Response:
    language = words_read.language.code
    notes = wordings.notes_on(visit.session, language)
    chosen = [template] if template else [key for key in TEMPLATES if key in words_read.sms]
    return visit.render(
        "wording_read.html",
        422 if errors else 200,
        words=words_read,
        language=language,
        key=template,
        letter=wordings_view.letter_of(template, words_read) if template in words_read.mail else None,
        rows=[wordings_view.shown(key, words_read, notes) for key in chosen],
        notes=[
            {
                "who": one.person_name,
                "on": one.template,
                "verdict": one.verdict,
                "words": one.words,
                "when": words.ago(one.at, visit.now),
            }
            for one in notes
            if one.template in ("", template) or not template
        ],
        mine=wordings.may_read(language, visit.person.language),
        needed=wordings.READERS_NEEDED,
        verdict=visit.form.get("verdict", ""),
        typed=visit.form.get("text", ""),
        counted=wordings_view.count(visit.form.get("text", ""), words_read),
        errors=errors,
    )
