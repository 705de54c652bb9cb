"""Answers by SMS to what is no alert: a drill, a number that is to be confirmed, a change of number that its owner did not ask for.

Same words, same codes: OK and NO with the number that stood in the message. Answers to alerts are answers.py.
"""

from __future__ import annotations

from alerts import drills
from committees.confirming import confirmed_again
from committees.intake.reading import Command
from committees.reply_codes import ReplyCode
from coordination import asking_check_ins, contact_errands
from coordination.asking_check_ins import SILENT_KIND
from coordination.contact_errands import CHANGE_KIND, CODE_KIND
from coordination.sms.talk import Talk

KINDS = frozenset({drills.KIND, CODE_KIND, CHANGE_KIND, SILENT_KIND})


def code_of(talk: Talk) -> ReplyCode | None:
    """The open code of this kind that the message names, if it does."""
    return next((c for c in talk.writer.codes if c.kind in KINDS and c.code == talk.reading.code), None)


def answer(talk: Talk, code: ReplyCode) -> None:
    """Act on OK (or GO) and NO with such a code."""
    yes = talk.reading.command in (Command.OK, Command.GO)
    talk.note(kind=code.kind, yes=yes)
    if code.kind == CHANGE_KIND:
        if not yes and contact_errands.stop_change(talk.session, talk.now, code):
            talk.reply("number_kept")
        else:
            talk.keep_for_a_person()
        return
    if code.kind == drills.KIND:
        code.closed_at = talk.now
        if talk.writer.person is not None:
            drills.answer(talk.session, talk.now, code.subject_id, talk.writer.person.id, talk.door)
    elif yes and code.kind == SILENT_KIND:
        asking_check_ins.rung(talk.session, talk.now, code)
    elif yes and code.kind == CODE_KIND and talk.writer.contact is not None:
        confirmed_again(talk.writer.contact, talk.now)
        code.closed_at = talk.now
    else:
        talk.keep_for_a_person()  # the number is no longer theirs, or they say so
        return
    talk.reply("thanks_reached")
