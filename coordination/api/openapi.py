"""The description of the API, OpenAPI 3.1.

It is made by the framework from the endpoints, and completed here with what all of them share.

What the framework cannot know: that a body is required, which problems every endpoint may answer, the
Idempotency-Key of every create, the headers of the rate limit.
"""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

from coordination.api import repeats
from coordination.api.door import ENDPOINTS
from coordination.api.problems import MEDIA_TYPE, ProblemDetails

WRITING = ("post", "put")
ABOUT = """Report incidents, read levels and alerts, answer alerts, decide escalations.

Every request carries a bearer token; it sees what its person may see and does what its scopes allow.
Times are ISO 8601 with a zone. Lists are {items, next}: send `next` as `cursor` to go on.
What belongs to another place answers 404, as if it were not there."""
PROBLEMS = {
    "401": "No living token came with the request",
    "404": "There is no such thing, or none that the caller may know of",
    "429": "The token has used up its minute",
}
OF_ALL = {
    "400": "The request cannot be read",
    "403": "The token's scope, or the person's office, does not allow this",
    "422": "Some fields cannot be accepted; `errors` names each",
}
OF_BODIES = {
    "409": "What was asked no longer fits what is stored",
    "413": "The body is too large",
    "415": "The body is not JSON",
}
LIMITS = {
    "RateLimit-Limit": "How many requests a token may make in a minute, in each process of the server",
    "RateLimit-Remaining": "How many are left",
    "RateLimit-Reset": "In how many seconds the count begins anew",
}
FOUND_AT = "Where the answer will be found"
KEY = "Made by the client. The same key and body get the same answer, for a day; another body gets 422."


def prepare(app: APIFlask, public_url: str, prefix: str) -> None:
    """Tell the framework how to describe the API, and what to add."""
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_SERVERS=False,  # the Host header of whoever asked first would be kept
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        AUTO_404_RESPONSE=False,
    )
    app.servers = [{"url": public_url.rstrip("/")}]
    app.description = ABOUT

    @app.spec_processor
    def complete(document: Any) -> Any:
        return completed(document, prefix)


def completed(document: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The document with only the API's addresses, and with what all endpoints share."""
    # Pages stand on the same application and are nobody's API.
    document["paths"] = {path: found for path, found in document["paths"].items() if path.startswith(prefix)}
    document.pop("tags", None)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(_problem_schemas())
    files = {to.view.__name__: to.media for to in ENDPOINTS if to.media}
    for to in ENDPOINTS:
        if to.media:
            schemas.pop(to.gives.__name__, None)  # a file has no fields
    for operations in document["paths"].values():
        for method, operation in operations.items():
            if media := files.get(operation["operationId"]):
                content = {kind: {"schema": _file(kind)} for kind in media}
                operation["responses"]["200"]["content"] = content
            operation.pop("tags", None)
            _complete(method, operation)
    return document


def _complete(method: str, operation: dict[str, Any]) -> None:
    first = next(iter(operation["responses"].values()))
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            # A repeat answers with the same schema under another status.
            response.setdefault("content", first["content"])
            response["headers"] = _limit_headers()
        if status == "202":
            response["headers"]["Location"] = {"description": FOUND_AT, "schema": {"type": "string"}}
    may = {**PROBLEMS, **OF_ALL, **(OF_BODIES if method in WRITING else {})}
    for status, words in sorted(may.items()):
        operation["responses"][status] = _problem_response(status, words)
    if method in WRITING:
        operation["requestBody"]["required"] = True
        operation["parameters"].append(_key_parameter())


def _problem_response(status: str, words: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    response: dict[str, Any] = {"description": words, "content": {MEDIA_TYPE: {"schema": schema}}}
    if status == "401":
        response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return response


def _limit_headers() -> dict[str, Any]:
    return {name: {"description": words, "schema": {"type": "integer"}} for name, words in LIMITS.items()}


def _key_parameter() -> dict[str, Any]:
    return {
        "name": repeats.HEADER,
        "in": "header",
        "required": False,
        "description": KEY,
        "schema": {"type": "string", "pattern": repeats.PATTERN},
    }


def _problem_schemas() -> dict[str, Any]:
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), "ProblemDetails": schema}


def _file(kind: str) -> dict[str, Any]:
    """The schema of a file that is answered as it is: JSON is read as what it holds, anything else as text."""
    return {"type": ["object", "array"] if kind.endswith("json") else "string"}
