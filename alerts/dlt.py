"""India's registry of SMS texts: each text as it is registered, what a registrar would refuse, and the ids that came back.

A gap is written {#var#} and may hold thirty letters. The registered name stands fixed where other countries read their town's
name, since a text without it is refused. An id was given for certain words: the page says where they changed. Nothing here sends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.messages import CATALOGUES, TEMPLATES, Catalogue, letters_of, widest, wording
from alerts.sms_routes import DltText, Route
from foundation import journal
from foundation.errors import Invalid
from foundation.web.words import N_
from foundation.web.words import gettext as _

#: The languages that are read in India; each is registered in its own letters.
LANGUAGES = tuple(key for key in CATALOGUES if key.partition("-")[0] in ("en", "hi", "ur", "bn", "ta"))
CATEGORY = "Service Implicit"
GAP = "{#var#}"
GAP_LETTERS = 30
MOST_GAPS = 8
ID = re.compile(r"[0-9]{19}")
_GAPS = re.compile(r"\{[a-z_0-9]+\}")

REASONS = {
    "no_name": N_("The registered name does not fit into it."),
    "adjacent": N_("Two gaps stand side by side."),
    "long_gap": N_("One gap may hold more than 30 letters."),
    "many_gaps": N_("It has more gaps than registrars like."),
    "ends_with_gap": N_("It ends with a gap, which some registrars refuse."),
    "too_long": N_("It does not fit its SMS."),
}
#: A registrar refuses a text with one of these; the others are only good to know.
GRAVE = frozenset({"no_name", "adjacent", "long_gap", "too_long"})


@dataclass(frozen=True)
class Registered:
    """One text for the registry: its words with gaps, how much each gap may hold, and what speaks against it."""

    template: str
    language: str
    text: str
    gaps: tuple[tuple[str, int], ...]
    letters: int
    unicode: bool
    reasons: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """What an id was given for: it changes with the words."""
        return blake2b(self.text.encode(), digest_size=8).hexdigest()


def texts(route: Route, languages: Iterable[str] = LANGUAGES) -> list[Registered]:
    """Every text as it is sent on this route, for the registry."""
    return [
        registered(key, CATALOGUES[language], route)
        for language in languages
        for key in TEMPLATES
        if key in CATALOGUES[language].sms
    ]


def registered(template: str, words: Catalogue, route: Route) -> Registered:
    """One template in one language, as it is registered for this route."""
    said = wording(template, words, route.one_way, route.brand)
    longest = widest(template, words)
    gaps = tuple((name, len(longest[name])) for name in (one[1:-1] for one in _GAPS.findall(said)))
    letters = len(said.format_map(longest))
    return Registered(
        template,
        words.language.code,
        _GAPS.sub(GAP, said),
        gaps,
        letters,
        not words.language.gsm,
        tuple(_reasons(said, gaps, letters, words, route.brand)),
    )


def _reasons(
    said: str, gaps: tuple[tuple[str, int], ...], letters: int, words: Catalogue, brand: str
) -> Iterator[str]:
    if brand not in said:
        yield "no_name"
    if re.search(r"\}\s*\{", said):
        yield "adjacent"
    if any(size > GAP_LETTERS for _name, size in gaps):
        yield "long_gap"
    if len(gaps) > MOST_GAPS:
        yield "many_gaps"
    if said.rstrip(" .").endswith("}"):
        yield "ends_with_gap"
    if letters > letters_of(words):
        yield "too_long"


def rows_of(session: Session) -> dict[tuple[str, str], DltText]:
    """The rows behind the ids, for the page that shows which words an id was given for."""
    return {(row.template, row.language): row for row in session.scalars(select(DltText))}


def enter(session: Session, now: datetime, one: Registered, registry_id: str, *, by: UUID) -> None:
    """Keep the id that the registry gave to these words; an empty one takes it back."""
    found = session.scalars(
        select(DltText).where(DltText.template == one.template, DltText.language == one.language)
    ).first()
    if not registry_id:
        if found:
            session.delete(found)
        return
    if not ID.fullmatch(registry_id):
        raise Invalid(
            f"id_{one.template}",
            _("An id of the registry has 19 digits"),
            _("Copy it from the registrar's page."),
        )
    row = found or DltText(template=one.template, language=one.language)
    row.registry_id, row.fingerprint, row.entered_by, row.entered_at = registry_id, one.fingerprint, by, now
    session.add(row)
    journal.record(session, now, "sms_route:text_registered", "dlt_text", row.id)
