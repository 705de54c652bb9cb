"""The door of the API: the way of every request, in one place.

Token, limit, body, session, work, commit, wake, answer.

An endpoint is a function of a `Call`; it never sees a header and never commits. The order matters: who may
not ask is told so before anything is said of the body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coordination.api import rates, repeats
from coordination.api.auth import Caller, auth, current
from coordination.api.bodies import check_body, check_text
from coordination.runtime import Runtime
from foundation.errors import Conflict
from foundation.policy import Principal
from foundation.web import words

TRIES = 4


@dataclass(frozen=True)
class Call:
    """What an endpoint sees of one request: the session of the caller, the moment, the body and the query."""

    runtime: Runtime
    session: Session
    caller: Caller
    now: datetime
    body: Any
    query: Any

    @property
    def principal(self) -> Principal:
        """The caller as policy knows them."""
        return self.caller.principal


Work = Callable[..., Any]


@dataclass(frozen=True)
class Endpoint:
    """One method of one address: its scope, what it takes and gives, and the function that does the work."""

    method: str
    path: str
    scope: str
    view: Work
    gives: type[BaseModel]
    takes: type[BaseModel] | None = None
    asks: type[BaseModel] | None = None
    status: int = 200
    also: Mapping[int, str] = field(default_factory=dict)
    location: str = ""
    media: tuple[str, ...] = ()  # of a file, which is answered as it is

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"


ENDPOINTS: list[Endpoint] = []


def endpoint(
    method: str,
    path: str,
    *,
    scope: str,
    gives: type[BaseModel],
    takes: type[BaseModel] | None = None,
    asks: type[BaseModel] | None = None,
    status: int = 200,
    also: Mapping[int, str] | None = None,
    location: str = "",
    media: tuple[str, ...] = (),
) -> Callable[[Work], Work]:
    """Register a function of a `Call` as an endpoint; it returns its answer, or (answer, status), or a file as a Response.

    `location` is where the answer's `id` is found again: it becomes the header of that name.
    """

    def keep(view: Work) -> Work:
        ENDPOINTS.append(
            Endpoint(method, path, scope, view, gives, takes, asks, status, also or {}, location, media)
        )
        return view

    return keep


def mount(api: APIBlueprint, runtime: Runtime, to: Endpoint) -> None:
    """Put an endpoint on the blueprint; the outermost of these layers is the last."""

    @wraps(to.view)
    def view(json_data: Any = None, query_data: Any = None, **path: Any) -> Any:
        answer, status = _answer(runtime, to, json_data, query_data, path)
        if isinstance(answer, Response):
            return answer
        if not to.location:
            return answer, status
        base = request.path.rpartition(to.path)[0]
        return answer, status, {"Location": f"{base}{to.location}/{answer.id}"}  # type: ignore[attr-defined]

    handler: Any = api.output(to.gives, status_code=to.status)(view)
    if to.takes:
        handler = api.input(to.takes)(handler)
    if to.asks:
        handler = api.input(to.asks, location="query")(handler)
    handler = api.auth_required(auth, roles=[to.scope])(_checked(handler, bool(to.takes)))
    handler = api.doc(operation_id=to.view.__name__, responses=dict(to.also))(handler)
    api.route(to.path, methods=[to.method])(handler)


def _checked(handler: Any, has_body: bool) -> Any:
    @wraps(handler)
    def check(*args: Any, **path: Any) -> Any:
        rates.check(current().token_id)
        check_text([list(request.args.items(multi=True)), list(path.values())])
        if has_body:
            check_body()
        return handler(*args, **path)

    return check


def _answer(
    runtime: Runtime, to: Endpoint, body: Any, query: Any, path: dict[str, Any]
) -> tuple[BaseModel | Response, int]:
    """Do the work; where another request made the same row at the same moment, begin again and find it."""
    # Asked of each request: a page that this thread served before may have spoken another language.
    language = request.accept_languages.best_match(runtime.config.locales) or "en"
    for _ in range(TRIES):
        try:
            with words.speaking(language):
                answer = _once(runtime, to, body, query, path)
        except IntegrityError:
            continue
        if to.writes:
            runtime.wake()
        return answer
    raise Conflict("This id belongs to something else.", "Make a new id and send it once more.")


def _once(
    runtime: Runtime, to: Endpoint, body: Any, query: Any, path: dict[str, Any]
) -> tuple[BaseModel | Response, int]:
    caller = current()
    now = runtime.clock.now()
    with runtime.web.open(caller.principal, write=to.writes) as session:
        repeat = repeats.claim(session, now, caller.person.id) if to.writes else None
        if repeat and repeat.answered:
            return to.gives.model_validate(repeat.row.answer), repeat.row.status
        found = to.view(Call(runtime, session, caller, now, body, query), **path)
        answer, status = found if isinstance(found, tuple) else (found, to.status)
        if repeat:
            repeat.keep(session, status, answer.model_dump(mode="json"))
        if to.writes:
            session.commit()
    return answer, status
