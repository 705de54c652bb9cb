"""Problems as RFC 9457 documents: {type, title, status, detail, errors}.

The one place where the API's refusals become JSON.

The words come from whoever raised the problem; only what pydantic and the web framework say is put into
plain words here.
"""

from __future__ import annotations

from typing import Any

from apiflask.exceptions import HTTPError
from flask import Response, jsonify
from pydantic import BaseModel, ConfigDict, ValidationError

from foundation.errors import Invalid, Problem, Refused

MEDIA_TYPE = "application/problem+json"
NAMES = {
    400: "bad-request",
    401: "token-needed",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    413: "too-large",
    415: "not-json",
    422: "invalid",
    429: "too-many-requests",
}
SEVERAL = "Some of this cannot be accepted"
WORDS = {
    "missing": "This is missing. Please send it.",
    "extra_forbidden": "This name is not known here. Check its spelling, or leave it out.",
    "literal_error": "Choose one of these: {expected}.",
    "string_type": "This must be text.",
    "string_too_short": "This is too short: at least {min_length} letters.",
    "string_too_long": "Make it shorter: at most {max_length} letters.",
    "string_pattern_mismatch": "This has letters that cannot be used here.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_from_float": "This must be a whole number.",
    "bool_type": "This must be true or false.",
    "greater_than_equal": "This must be {ge} or more.",
    "less_than_equal": "This must be {le} or less.",
    "list_type": "This must be a list.",
    "dict_type": "This must be an object of names and values.",
    "model_type": "Send one JSON object.",
    "model_attributes_type": "Send one JSON object.",
    "too_short": "This list needs at least {min_length} entries.",
    "too_long": "This list may have at most {max_length} entries.",
    "uuid_parsing": "This must be a UUID, like 6f1c1e5e-0c0f-4c39-9d0c-6f2f5b1f8c11.",
    "uuid_type": "This must be a UUID, like 6f1c1e5e-0c0f-4c39-9d0c-6f2f5b1f8c11.",
}


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    model_config = ConfigDict(extra="forbid")
    field: str
    message: str


class ProblemDetails(BaseModel):
    """Why a request was refused, and what to do about it (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")
    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem]


class TooMany(Problem):
    """A token was used more often than is allowed for now."""

    status = 429


def problem(error: Problem) -> Response:
    """A problem as an RFC 9457 response, with one line for each field concerned."""
    fields: dict[str, str] = {}
    if isinstance(error, Invalid):
        fields = {error.field: f"{error.message} {error.hint}".strip()}
    elif isinstance(error, Refused):
        fields = error.fields
    if type(error) is Problem and error.status == 405:  # the framework's own refusal: its words are for pages
        error = Problem(
            "This address cannot be used that way.", "The header Allow names the methods that it takes.", 405
        )
    return _document(error.status, error.message, error.hint, list(fields.items()))


def of_http_error(error: HTTPError) -> Response:
    """A refusal of the web framework; one of input validation names each field."""
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        return _document(422, SEVERAL, "Each entry of errors names a field and what to do.", in_words(cause))
    return _document(error.status_code, error.message or SEVERAL, "", [])


def in_words(error: ValidationError) -> list[tuple[str, str]]:
    """Each field that did not fit and its plain words; one line a field."""
    lines: dict[str, str] = {}
    for found in error.errors(include_url=False, include_input=False):
        # The names of the branches of a union mean nothing to a client.
        field = ".".join(
            str(part) for part in found["loc"] if not str(part).startswith(("literal[", "constrained-"))
        )
        field = field.removesuffix(".bool").removesuffix(".int") or "body"
        # Of a union each branch says what it wanted.
        lines[field] = f"{lines[field]} Or: {_words(found)}" if field in lines else _words(found)
    return list(lines.items())


def _words(found: Any) -> str:
    words = WORDS.get(found["type"])
    return words.format(**found.get("ctx", {})) if words else str(found["msg"])


def _document(status: int, title: str, detail: str, errors: list[tuple[str, str]]) -> Response:
    response = jsonify(
        type=f"urn:concord:problem:{NAMES.get(status, 'unexpected')}",
        title=title,
        status=status,
        detail=detail,
        errors=[{"field": field, "message": message} for field, message in errors],
    )
    response.status_code, response.mimetype = status, MEDIA_TYPE
    return response
