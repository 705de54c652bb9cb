"""The words of pages as a native reader gets them: cut into parts by the file where they stand, those that most people see first.

What readers say is kept by alerts/wordings.py under the name of a part. When every part of a language is signed off, the language is no
draft any more, and its pages say so no longer. Used by pages/languages.py and frame.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from threading import Lock

from sqlalchemy.orm import Session

from alerts.wordings import Standing, WordingNote, digest, verdict_of
from foundation.jobs import Setting
from foundation.web.words import Entry, entries

ALL = "pages"
KEPT = timedelta(minutes=5)
FIRST = (
    "foundation/web/templates/", "coordination/templates/start", "coordination/templates/sign_in",
    "coordination/templates/today", "coordination/templates/report", "committees/intake/form",
    "coordination/templates/receipt", "coordination/templates/check", "committees/incident_types",
    "coordination/templates/mine", "coordination/templates/place", "coordination/templates/alert",
    "coordination/templates/me", "coordination/templates/privacy", "coordination/templates/",
    "coordination/pages/",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """The words of one file in one language."""

    name: str
    rows: tuple[Entry, ...]

    @cached_property
    def fingerprint(self) -> str:
        """What a reader of this part read."""
        return digest(text for row in self.rows for text in (row.english, row.own))

    @property
    def key(self) -> str:
        """Under which name notes on it are kept."""
        return f"{ALL}:{self.name}"


@cache
def parts(language: str) -> tuple[Part, ...]:
    """All words of a language, part by part; none where the language has no catalogue (English, the source, has none)."""
    found: dict[str, list[Entry]] = {}
    for entry in entries(language):
        found.setdefault(min(entry.where, key=_order), []).append(entry)
    return tuple(
        Part(where, tuple(rows)) for where, rows in sorted(found.items(), key=lambda part: _order(part[0]))
    )


def _order(where: str) -> tuple[int, str]:
    return next((n for n, start in enumerate(FIRST) if where.startswith(start)), len(FIRST)), where


def part_of(language: str, name: str) -> Part | None:
    """The part of this name."""
    return next((part for part in parts(language) if part.name == name), None)


@cache
def whole(language: str) -> str:
    """What a reader of all parts read."""
    return digest(part.fingerprint for part in parts(language))


def standing(notes: Iterable[WordingNote], language: str, part: Part) -> Standing:
    """How far a part is signed off: by readers of the part, or of all words."""
    return verdict_of(notes, language, {part.key: part.fingerprint, ALL: whole(language)})


def settle(session: Session, notes: list[WordingNote], language: str) -> bool:
    """Keep whether a language is signed off whole; returns it."""
    done = not any(standing(notes, language, part).draft for part in parts(language))
    row = session.get(Setting, _setting(language))
    if row is None:
        row = Setting(key=_setting(language), value="")
        session.add(row)
    row.value = whole(language) if done else ""
    return done


def _setting(language: str) -> str:
    return f"words_signed_off:{language}"


class Drafts:
    """Which languages are drafts, asked for every page and kept for some minutes by one process."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime, bool]] = {}
        self._lock = Lock()

    def is_draft(self, session: Session, language: str, real_now: datetime) -> bool:
        """Whether a page in this language must say that its words are a draft."""
        if not parts(language):
            return False
        with self._lock:
            known = self._known.get(language)
            if known is None or real_now - known[0] > KEPT:
                row = session.get(Setting, _setting(language))
                known = real_now, row is None or row.value != whole(language)
                self._known[language] = known
            return known[1]
