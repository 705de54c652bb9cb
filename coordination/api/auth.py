"""Who is asking: a bearer token, its person, its scopes. No cookie is ever read here.

A token carries some of a person's rights: what it may do is its scope, what it may see is the person's
policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apiflask import HTTPTokenAuth
from flask import Response, current_app

from committees import accounts, people
from committees.people import Person
from coordination.api.problems import problem
from coordination.frame import real_clock
from coordination.runtime import Runtime
from foundation.errors import NotAllowed, SignInNeeded
from foundation.policy import Principal, service

SCOPES = ("read", "report", "verify", "answer", "review", "profile")
ALL = "all"


@dataclass(frozen=True)
class Caller:
    """The person behind a token, as policy knows them, and what the token may do."""

    token_id: UUID
    person: Person
    principal: Principal
    scopes: frozenset[str]


auth = HTTPTokenAuth(
    description="A token from `concord token PERSON --scope ...`: the person's rights within its scopes."
)


def current() -> Caller:
    """The caller of this request; whoever has none was refused before."""
    caller: Caller | None = auth.current_user
    assert caller is not None
    return caller


def find_caller(runtime: Runtime, token: str) -> Caller | None:
    """The caller behind a living token, or None.

    Tokens end by real time, also where the demonstration's clock was moved.
    """
    with runtime.web.open(service("sign_in")) as session:
        row = accounts.find_token(session, real_clock.now(), token)
        if row is None:
            return None
        person, principal = people.known_as(session, row.person_id)
    return Caller(row.id, person, principal, frozenset(str(scope) for scope in row.scopes))


@auth.verify_token
def verify(token: str) -> Caller | None:
    """Flask-HTTPAuth asks here who a token belongs to."""
    runtime: Runtime = current_app.extensions["concord"]
    return find_caller(runtime, token) if token else None


@auth.get_user_roles
def scopes(caller: Caller) -> list[str]:
    """What a token may do; `all` is every scope."""
    return [*SCOPES, ALL] if ALL in caller.scopes else sorted(caller.scopes)


@auth.error_handler
def refuse(status: int) -> Response:
    """No token, or one that may not do this."""
    if status == 403:
        return problem(
            NotAllowed(
                "This token may not do that.", "Ask for a token with the scope that the description names."
            )
        )
    return problem(
        SignInNeeded(
            "A living token is needed.", "Send the header Authorization: Bearer, with a token of yours."
        )
    )
