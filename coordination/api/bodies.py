"""A body before anybody reads it.

JSON, said to be JSON, not too deep, without letters that no database can keep.
"""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest

from foundation.errors import Problem

DEEPEST = 32


def check_body() -> None:
    """Raise a Problem where the body is no usable JSON: 415 for another type, 400 for the unreadable."""
    if not request.is_json:
        raise Problem(
            "Only JSON is taken here.",
            "Send the header Content-Type: application/json, and a JSON object.",
            415,
        )
    try:
        body = request.get_json(force=True)
    except (BadRequest, RecursionError):
        raise Problem(
            "The body is not readable JSON.",
            "Check its brackets and quotation marks, and send it as UTF-8.",
            400,
        ) from None
    check_text(body)


def check_text(value: Any) -> None:
    """Raise a Problem where texts in a value hold NUL or half letters, or where it is nested too deeply."""
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for part in level:
            if isinstance(part, str):
                _check_letters(part)
            elif isinstance(part, dict):
                below += [*part.keys(), *part.values()]
            elif isinstance(part, (list, tuple)):
                below += part
        if not below:
            return
        level = below
    raise Problem("The body is nested too deeply.", f"At most {DEEPEST} levels are read.", 400)


def _check_letters(text: str) -> None:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Problem(
            "The text holds a sign that cannot be kept.", "Leave out NUL and half letters (surrogates).", 400
        )
