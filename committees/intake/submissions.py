"""Answers to our questions that were given in ODK Collect or KoboToolbox: one submission read, from JSON or from a row of an export.

The form is made by xlsform.py, so the names of questions are ours; groups before a name are left out. Nothing that was typed is lost:
what cannot be read as an answer is put into the text in words. Pure; csv_files.py and coordination/taking_in.py use it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID, uuid5

from committees.catalogue import default_kind
from committees.incidents import HOW_KNOWN, ONGOING, PEOPLE
from committees.intake import form

IDS = UUID("3a8d1f06-53a1-4d8e-8b0b-1f3d6a0c9e42")
#: What names one submission, the most lasting first. KoboToolbox gives an edited one a new _uuid and keeps meta/rootUuid; in ODK Central
#: __id, and KEY in its exports, stay.
NAMES_OF_ID = ("meta/rootuuid", "__id", "_uuid", "key", "meta/instanceid", "instanceid", "meta-instanceid")
NAMES = (*NAMES_OF_ID, "meta/deprecatedid")
#: How the names begin that the systems add.
SYSTEM = ("_", "meta/", "meta-", "formhub/")
#: What the systems say of a submission that is read whatever its form is.
KEPT = frozenset({
    *NAMES, "_submission_time", "_submitted_by", "submissiondate", "submittername", "username", "uid", "_validation_status", "reviewstate",
})  # fmt: skip
QUESTIONS = ("what", "ward", "spot", "occurred_on", "ongoing", "how", "people", "text")
LONGEST, DEEPEST = 2000, 8
FIRST_YEAR, LAST_YEAR = 2000, 2200


@dataclass(frozen=True)
class Submission:
    """One form that was filled in. `ward` is as it was chosen or written; `day` None where no date could be read."""

    id: UUID
    kind: str
    ward: str
    day: date | None
    ongoing: str
    how_known: str
    people: str
    spot: str
    text: str
    collector: str
    sent_at: datetime | None
    refused: bool = False
    """Whoever runs the form server has marked it as not approved."""


class NoSubmission(ValueError):
    """What came is not an answer to our form; the words say why."""


def flat(answers: Mapping[str, Any], *, whole: bool = False) -> dict[str, str]:
    """Every answer by its name in small letters, without the groups that it stands in; names of the system keep theirs.

    `whole`: a dash in a name is a part of it, as in the forms of others.
    """
    found: dict[str, str] = {}
    for path, value in _leaves(answers, "", 0):
        name = path.casefold()
        short = name.rsplit("/", 1)[-1]
        # Exports of ODK Central part groups by a dash; none of our names has one.
        last = short.rsplit("-", 1)[-1]
        short = last if last in QUESTIONS and not whole else short
        found.setdefault(name if name in NAMES else short, value)
    return found


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and depth < DEEPEST:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}/{name}" if path else str(name), depth + 1)
    elif isinstance(value, (list, tuple, Mapping)):
        yield path, json.dumps(value, ensure_ascii=False, default=str) if value else ""
    elif value is not None:
        yield path, str(value).strip()


def in_words(text: str) -> list[tuple[str, str]]:
    """A submission as it is kept, for a person: each question that was answered with its answer, without what the system added."""
    try:
        told = json.loads(text)
    except ValueError:
        return []
    if not isinstance(told, Mapping):
        return []
    rows = [(path, value) for path, value in _leaves(told, "", 0) if value]
    return [
        (path.rsplit("/", 1)[-1], value)
        for path, value in rows
        if not path.startswith(SYSTEM) and "/_" not in path and path.casefold() not in NAMES
    ]


def key_of(given: Mapping[str, str]) -> str:
    """What names a submission for ever, however often it is edited; nothing where it has no name. `given` is flat."""
    return next((given[name] for name in NAMES_OF_ID if given.get(name)), "").removeprefix("uuid:")


def read(answers: Mapping[str, Any]) -> Submission:
    """Read one submission; raise NoSubmission where it has no answer to any question of ours or no id."""
    given = flat(answers)
    if not any(given.get(name) for name in QUESTIONS):
        raise NoSubmission(
            f"None of the questions {', '.join(QUESTIONS)} is answered. Use the form that Concord makes."
        )
    key = key_of(given)
    if not key:
        raise NoSubmission("It has no _uuid, KEY or instanceID, so it could not be told from the next one.")
    rest: list[str] = []
    what = _one_of(given, "what", form.WHAT, rest) or "other"
    people = _one_of(given, "people", PEOPLE, rest) or "unknown"
    day = _day(given, rest)
    return Submission(
        id=id_of(key),
        kind=default_kind(what, people),
        ward=given.get("ward", ""),
        day=day,
        ongoing=_one_of(given, "ongoing", ONGOING, rest) or "unknown",
        how_known=_one_of(given, "how", HOW_KNOWN, rest) or "heard",
        people=people,
        spot=given.get("spot", "")[: form.LONGEST_SPOT],
        text=_text(given, rest),
        collector=given.get("_submitted_by") or given.get("submittername") or given.get("username") or "",
        sent_at=_moment(given.get("_submission_time") or given.get("submissiondate") or ""),
        refused=_refused(given),
    )


def versions(given: Mapping[str, str]) -> tuple[str, list[str]]:
    """What names this version of a submission, and what names those before it, the first one first. `given` is flat.

    KoboToolbox: _uuid is the version's, meta/rootUuid the first one's, meta/deprecatedID the one before. ODK Central: meta/instanceID and __id.
    """
    names = ("_uuid", "meta/instanceid", "instanceid", "meta-instanceid")
    first = key_of(given)
    own = next((given[name] for name in names if given.get(name)), "").removeprefix("uuid:") or first
    before = [first, given.get("meta/deprecatedid", "").removeprefix("uuid:")]
    return own, [one for one in before if one and one != own]


def _refused(given: Mapping[str, str]) -> bool:
    said = (given.get("_validation_status", ""), given.get("uid", ""), given.get("reviewstate", ""))
    return any(one.casefold().replace(" ", "_").endswith(("not_approved", "rejected")) for one in said)


def id_of(key: str) -> UUID:
    """The id of the report that a submission becomes."""
    try:
        return UUID(key)
    except ValueError:
        return uuid5(IDS, key)


def _one_of(given: Mapping[str, str], name: str, allowed: Iterable[str], rest: list[str]) -> str:
    value = given.get(name, "")
    found = value.casefold()
    if found in allowed:
        return found
    if value:
        rest.append(f"{name}: {value}")
    return ""


def _day(given: Mapping[str, str], rest: list[str]) -> date | None:
    value = given.get("occurred_on", "")
    try:
        found = date.fromisoformat(value[:10]) if value else None
        if found and not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise ValueError
    except ValueError:
        rest.append(f"occurred_on: {value}")
        return None
    return found


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    # A clock that was never set says 1970, a broken one says anything: such a moment says nothing.
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(given: Mapping[str, str], rest: list[str]) -> str:
    """What was written, with what no other field could take; too long a spot is one of these."""
    spot = given.get("spot", "")
    if len(spot) > form.LONGEST_SPOT:
        rest.append(f"spot: {spot}")
    return "\n".join([part for part in (given.get("text", ""), *rest) if part])[:LONGEST]


def at_noon(day: date) -> datetime:
    """The moment that stands for a day; local, since a form knows no zone."""
    return datetime.combine(day, time(12))
