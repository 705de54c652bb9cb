"""The HTTP API /api/v1."""

from __future__ import annotations

from apiflask import APIFlask
from flask import Response, jsonify

from coordination.runtime import Runtime
from foundation.errors import Problem


def register(app: APIFlask, runtime: Runtime) -> None:
    """Put the API on the map."""


def problem(error: Problem) -> Response:
    """A problem as RFC 9457 details."""
    response = jsonify(title=error.message, detail=error.hint, status=error.status)
    response.status_code, response.mimetype = error.status, "application/problem+json"
    return response
