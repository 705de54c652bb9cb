"""What calls play in languages that no voice speaks: every line, one line to listen to, to replace and to sign off.

What a recording is and when it counts is alerts/recorded.py; the provider gets it at the hook of coordination/hooks.py.
"""

from __future__ import annotations

from uuid import UUID

from flask import Response

from alerts import recorded
from alerts.recorded import VoiceLine
from alerts.spoken import RECORDED, lines
from foundation.errors import Invalid, NotFound
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _

LISTENERS = ("administrator", "secretary", "chair")


@page("/admin/voice", roles=LISTENERS)
def voice(visit: Visit) -> Response:
    """How far each language has come, and all its lines."""
    rows = recorded.all_of(visit.session)
    return visit.render(
        "voice.html",
        standing=[(words.NAMES[one.language], one) for one in recorded.standing(visit.session)],
        lines={
            language: [(line, said, rows.get((language, line))) for line, said in lines(language).items()]
            for language in RECORDED
        },
    )


@page("/admin/voice/<language>/<line>", roles=LISTENERS)
def voice_line(visit: Visit, language: str, line: str) -> Response:
    """One line: what it must say, what was recorded, another recording in its place, and the sign-off."""
    if language not in RECORDED or line not in lines(language):
        raise NotFound(_("We know no message of this name."))
    errors: dict[str, str] = {}
    if visit.posted and visit.has("administrator"):
        try:
            recorded.put(visit.session, visit.now, language, line, visit.file("sound"), visit.person_id)
        except Invalid as wrong:
            errors = {wrong.field: f"{_(wrong.message)}. {_(wrong.hint)}"}
        else:
            visit.say(_("The recording is kept. It is played once a second person has signed it off."))
            return visit.go(f"/admin/voice/{language}/{line}")
    row = recorded.all_of(visit.session).get((language, line))
    return visit.render(
        "voice_line.html",
        422 if errors else 200,
        language=language,
        name=words.NAMES[language],
        line=line,
        said=lines(language)[line],
        row=row,
        recorded_when=words.ago(row.made_at, visit.now) if row else "",
        why_not=_(why)
        if row and (why := recorded.why_not(row, visit.person_id, visit.person.language))
        else "",
        may_record=visit.has("administrator"),
        errors=errors,
    )


@page("/admin/voice/right/<uuid:line_id>", roles=LISTENERS)
def right(visit: Visit, line_id: UUID) -> Response:
    """A second person has listened to a recording and finds it right."""
    row: VoiceLine = visit.get(VoiceLine, line_id)
    if visit.posted:
        recorded.sign_off(visit.session, visit.now, row, visit.person_id, visit.person.language)
        visit.say(_("Thank you. Calls play this recording from now on."))
    return visit.go(f"/admin/voice/{row.language}/{row.line}")


@page("/admin/voice/sound/<uuid:line_id>", roles=LISTENERS)
def sound(visit: Visit, line_id: UUID) -> Response:
    """The recording itself, for the player of its page."""
    row: VoiceLine = visit.get(VoiceLine, line_id)
    return Response(row.sound, mimetype=row.kind)
