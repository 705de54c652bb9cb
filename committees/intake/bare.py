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
    "full", "first", "last", "family", "your", "witness", "suspect", "complainant", "caller", "contact", "sender",
})  # fmt: skip


def bare(row: Mapping[str, Any]) -> dict[str, Any]:
    """A submission without what is never taken in; names of answers and their groups stay as they are."""
    return {name: _left(str(name), value, 0) for name, value in row.items()}


def _left(path: str, value: Any, depth: int) -> Any:
    name = re.split(r"[/]", path)[-1].casefold()
    if value in (None, "", [], {}) or depth > DEEPEST:
        return value if depth <= DEEPEST else NOT_TAKEN
    if name in COLLECTORS:
        return blake2b(str(value).encode("utf-8", "replace"), digest_size=8).hexdigest()
    if name in OF_THE_PHONE or is_personal(name) or _is_place(value):
        return NOT_TAKEN
    if isinstance(value, Mapping):
        return {inner: _left(str(inner), kept, depth + 1) for inner, kept in value.items()}
    if isinstance(value, list):
        return [_left(path, kept, depth + 1) for kept in value]
    return value


def is_personal(name: str) -> bool:
    """Whether a question by this name asks for a person's name or number; the name of a place or a group of questions is none."""
    parts = set(re.split(r"[^a-z]+", name.casefold())) - {""}
    return bool(
        parts & _NUMBERS
        or name == "name"
        or ({"name", "names"} & parts and parts & _PERSONS)
        or name in {"fullname", "firstname", "lastname"}
    )


def _is_place(value: Any) -> bool:
    if isinstance(value, str):
        return all(_POINT.fullmatch(part.strip()) for part in value.strip(" ;").split(";"))
    if isinstance(value, Mapping):
        return value.get("type") in _SHAPES and "coordinates" in value
    return isinstance(value, list) and len(value) == 2 and all(isinstance(one, float) for one in value)
