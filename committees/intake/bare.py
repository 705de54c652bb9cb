"""What is never taken in from a form server: points on a map, and the names and numbers of persons and of their phones.

The form server still has it; Concord keeps only that the question was answered. Pure; coordination/collected.py uses it before anything is
stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

NOT_TAKEN = "(not taken in)"
DEEPEST = 12
#: What ODK and KoboToolbox add about the phone and its owner, by the last part of its name.
OF_THE_PHONE = frozenset({
    "_geolocation", "_attachments", "attachments", "deviceid", "phonenumber", "simserial", "simid", "subscriberid", "imei", "instancename", "audit",
})  # fmt: skip
#: Who filled it in: only whether it was the same one matters.
COLLECTORS = frozenset({"_submitted_by", "submittername", "username"})
_POINT = re.compile(r"-?\d{1,3}\.\d+[ ,]+-?\d{1,3}\.\d+([ ,]+-?\d+(\.\d+)?){0,2}")
_SHAPES = frozenset({
    "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon",
})  # fmt: skip
_NUMBERS = frozenset({
    "phone", "mobile", "tel", "telephone", "whatsapp", "cell", "cnic", "nic", "nid", "nicop", "aadhaar", "aadhar", "passport", "email", "mail",
})  # fmt: skip
_PERSONS = frozenset({
    "respondent", "reporter", "interviewer", "interviewee", "enumerator", "informant", "victim", "person", "father", "mother", "husband", "wife",
    "full", "first", "last", "family", "your", "witness", "suspect", "complainant", "caller", "contact", "sender", "collector", "volunteer",
    "monitor", "surveyor", "supervisor", "officer", "owner", "head", "child", "son", "daughter", "brother", "sister", "accused", "deceased",
    "injured",
})  # fmt: skip
#: Of these a number is one to ring; of victims or a family it is how many.
_RUNG = frozenset(
    {"contact", "caller", "sender", "reporter", "respondent", "informant", "complainant", "witness"}
)
_NUMBER = frozenset({"number", "numbers", "no", "nos", "num", "nr"})
_NAME = frozenset({"name", "names"})
_WHOLE = frozenset({"name", "naam", "surname"})
_INNER_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def bare(row: Mapping[str, Any]) -> dict[str, Any]:
    """A submission without what is never taken in; names of answers and their groups stay as they are."""
    return {name: _left(str(name), value, 0) for name, value in row.items()}


def _left(path: str, value: Any, depth: int) -> Any:
    written = path.rsplit("/", 1)[-1]
    name = written.casefold()
    if value in (None, "", [], {}) or depth > DEEPEST:
        return value if depth <= DEEPEST else NOT_TAKEN
    if name in COLLECTORS:
        return blake2b(str(value).encode("utf-8", "replace"), digest_size=8).hexdigest()
    if name in OF_THE_PHONE or is_personal(written) or _is_place(value):
        return NOT_TAKEN
    if isinstance(value, Mapping):
        return {inner: _left(str(inner), kept, depth + 1) for inner, kept in value.items()}
    if isinstance(value, list):
        return [_left(path, kept, depth + 1) for kept in value]
    return value


def is_personal(name: str) -> bool:
    """Whether a question by this name asks for a person's name or number, however its words are parted: victim_name, victimName, victimname.

    The name of a place or a group of questions is none.
    """
    parts = set(re.split(r"[^a-z]+", _INNER_CAPITAL.sub("_", name).casefold())) - {""}
    for part in tuple(parts):
        parts.update(_parted(part))
    return bool(
        parts & _NUMBERS
        or name.casefold() in _WHOLE
        or (parts & _NAME and parts & _PERSONS)
        or (parts & _NUMBER and parts & _RUNG)
        or {"contact", "person"} <= parts
    )


def _parted(part: str) -> tuple[str, ...]:
    """The two words of one that were written together, where they ask for a name or a number."""
    for last in (*_NAME, *_NUMBER):
        first = part.removesuffix(last)
        if first != part and (first in _NUMBERS or first in (_PERSONS if last in _NAME else _RUNG)):
            return first, last
    return ()


def _is_place(value: Any) -> bool:
    if isinstance(value, str):
        return all(_POINT.fullmatch(part.strip()) for part in value.strip(" ;").split(";"))
    if isinstance(value, Mapping):
        return value.get("type") in _SHAPES and "coordinates" in value
    return isinstance(value, list) and len(value) == 2 and all(isinstance(one, float) for one in value)
