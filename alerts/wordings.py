"""What native readers say of words: each note with its author, and when a draft is one no more.

A note is on one message in one language or on all of them, or on a part of the words of pages (coordination/page_words.py); it counts
for the words that were read, so that a change asks for readers again. Two persons who find them right, and nobody who finds them wrong,
take the draft mark off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.messages import Catalogue
from foundation import journal
from foundation.db import Base, Keyed
from foundation.errors import NotAllowed, Refused
from foundation.web.words import gettext as _

RIGHT, WRONG = "right", "wrong"
READERS_NEEDED = 2
LONGEST = 600


class WordingNote(Keyed, Base):
    """One reader's word on one template or part of the pages (or, without one, on all messages of a language)."""

    __tablename__ = "wording_note"

    language: Mapped[str]
    template: Mapped[str] = mapped_column(default="")
    verdict: Mapped[str]
    words: Mapped[str] = mapped_column(default="")
    fingerprint: Mapped[str]
    person_id: Mapped[UUID]
    person_name: Mapped[str]
    at: Mapped[datetime]


@dataclass(frozen=True)
class Standing:
    """How far the words of one template are signed off: how many readers found them right, and wrong."""

    right: int
    wrong: int
    draft: bool


def fingerprint(words: Catalogue, template: str = "") -> str:
    """What a reader read: the SMS and letter of one template, or all words of a language."""
    read = [words.sms.get(template, ""), *words.mail.get(template, {}).values()]
    if not template:
        read = [*words.sms.values(), *(part for letter in words.mail.values() for part in letter.values())]
        read += [word for table in words.language.words.values() for word in table.values()]
    return digest(read)


def digest(read: Iterable[str]) -> str:
    """What stands for these words, so that another word gives another."""
    return blake2b("\0".join(read).encode(), digest_size=8).hexdigest()


def may_read(language: str, person_language: str) -> bool:
    """Whether somebody who speaks `person_language` may sign off these words."""
    return language.partition("-")[0] == person_language


def note(
    session: Session,
    now: datetime,
    *,
    language: str,
    template: str,
    read: str,
    verdict: str,
    words: str,
    person: tuple[UUID, str, str],
) -> None:
    """Keep what a reader (id, name, language) says of the words whose fingerprint is `read`; raise NotAllowed or Refused."""
    person_id, name, speaks = person
    if not may_read(language, speaks):
        raise NotAllowed(
            _("Only somebody whose own language this is can sign it off."),
            _("Your language is set on your own page."),
        )
    errors = {}
    if verdict not in (RIGHT, WRONG):
        errors["verdict"] = _("Choose whether the words are right")
    if verdict == WRONG and not words:
        errors["text"] = _("Write what is wrong, and how you would say it")
    if len(words) > LONGEST:
        errors["text"] = _("Make it shorter. You have used %(used)d of %(most)d letters") % {
            "used": len(words),
            "most": LONGEST,
        }
    if errors:
        raise Refused(errors)
    row = WordingNote(
        language=language,
        template=template,
        verdict=verdict,
        words=words,
        fingerprint=read,
        person_id=person_id,
        person_name=name,
        at=now,
    )
    session.add(row)
    session.flush()
    journal.record(session, now, f"wording:{verdict}", "wording_note", row.id)


def notes_on(session: Session, language: str = "") -> list[WordingNote]:
    """Every note on a language (or on all), the newest first."""
    rows = select(WordingNote).order_by(WordingNote.at.desc(), WordingNote.id)
    return list(session.scalars(rows.where(WordingNote.language == language) if language else rows))


def standing(notes: Iterable[WordingNote], words: Catalogue, template: str) -> Standing:
    """How far a template is signed off: by readers of the template, or of the whole language."""
    read = {template: fingerprint(words, template), "": fingerprint(words)}
    return verdict_of(notes, words.language.code, read, words.draft)


def verdict_of(
    notes: Iterable[WordingNote], language: str, read: Mapping[str, str], draft: bool = True
) -> Standing:
    """What the notes come to: each reader's newest on what stands now counts, by name and fingerprint in `read`."""
    newest: dict[UUID, WordingNote] = {}
    for one in notes:
        if one.language == language and read.get(one.template) == one.fingerprint:
            kept = newest.get(one.person_id)
            newest[one.person_id] = one if kept is None or one.at > kept.at else kept
    verdicts = [one.verdict for one in newest.values()]
    right, wrong = verdicts.count(RIGHT), verdicts.count(WRONG)
    return Standing(right, wrong, draft and (right < READERS_NEEDED or wrong > 0))


def drafts_of(notes: Iterable[WordingNote], words: Catalogue) -> Mapping[str, Standing]:
    """The standing of every template of a language."""
    own = [one for one in notes if one.language == words.language.code]
    return {template: standing(own, words, template) for template in words.sms}
