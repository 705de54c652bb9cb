"""What the SMS line read as what, and the words that it was taught: two lists of the desk."""

from __future__ import annotations

from uuid import UUID

from flask import Response
from sqlalchemy import select

from committees import taught_words
from committees.people import Person
from committees.places import Locality
from committees.taught_words import TaughtWord
from coordination import desk_view, sms_seen_view
from coordination.desk_view import DESK
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _


@page("/desk/sms", roles=DESK)
def seen(visit: Visit) -> Response:
    """The newest messages and as what each was read."""
    rows = sms_seen_view.newest(visit.session)
    if rows:
        desk_view.note_reading(visit.principal, visit.now, "inbound", *rows)
    return visit.render("sms_seen.html", messages=sms_seen_view.lines(visit, rows))


@page("/desk/words", roles=DESK)
def taught(visit: Visit) -> Response:
    """The words that the lines of one's towns were taught."""
    found = []
    for town_id in dict.fromkeys(visit.principal.at(*DESK)):
        town = visit.session.get_one(Locality, town_id)
        for row in taught_words.in_use(visit.session, town_id):
            by = visit.session.scalar(select(Person.name).where(Person.id == row.taught_by)) or ""
            found.append(
                {
                    "row": row,
                    "means": _(
                        sms_seen_view.MEANT[row.command][0]
                        if row.command in sms_seen_view.MEANT
                        else sms_seen_view.READ_AS[row.command]
                    ),
                    "town": town.name(words.current().language),
                    "by": by,
                    "when": words.ago(row.taught_at, visit.now),
                }
            )
    return visit.render("sms_words.html", found=found)


@page("/desk/words/<uuid:word_id>/undo", roles=DESK)
def undo(visit: Visit, word_id: UUID) -> Response:
    """Take one word back."""
    row: TaughtWord = visit.get(TaughtWord, word_id)
    if visit.posted:
        taught_words.undo(visit.session, visit.now, row, by=visit.person_id)
        visit.say(_("Taken back. The line does not know this word any more."))
    return visit.go("/desk/words")
