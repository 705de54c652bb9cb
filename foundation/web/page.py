"""@page: the only way to put a page on the map. Each says its path and who may open it; one without a role does not start.

A page is a function of a `Visit` and its path values. It reads and writes through visit.session, which holds the visitor's principal; the
frame (coordination/app.py) opens the session, checks role and form token, and commits. Nothing here knows a room.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, redirect, render_template
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from foundation.clock import Clock
from foundation.config import Config
from foundation.errors import NotFound, Problem
from foundation.policy import ROLES, Principal
from foundation.web.words import N_

PUBLIC = ("public",)
SIGNED_IN = ("signed_in",)
LONGEST_WAIT = timedelta(days=30)
View = Callable[..., Any]
# The boxes of our forms in which people write sentences: never a name, a password or a code.
FREE_TEXT = ("text", "spot", "help", "prepare", "summary", "reason")


@dataclass(frozen=True)
class Page:
    """One page of the map. `nav` is its place in the menu of `nav_for` (all its roles if empty).

    `acts`: it changes something although nothing is sent, because another server sends the browser here; it proves itself who came.
    """

    path: str
    view: View
    roles: tuple[str, ...]
    nav: str = ""
    nav_for: tuple[str, ...] = ()
    order: int = 50
    acts: bool = False


PAGES: list[Page] = []


def page(
    path: str,
    *,
    roles: tuple[str, ...],
    nav: str = "",
    nav_for: tuple[str, ...] = (),
    order: int = 50,
    acts: bool = False,
) -> Callable[[View], View]:
    """Put a function on the map at `path` for `roles`: PUBLIC, SIGNED_IN, or names of roles."""
    if not roles or any(role not in (*ROLES, *PUBLIC, *SIGNED_IN) for role in roles):
        raise ValueError(f"the page {path} must say who may open it")

    def put(view: View) -> View:
        PAGES.append(Page(path, view, roles, nav, nav_for, order, acts))
        return view

    return put


@dataclass
class Visit:
    """One request as a page sees it: who, when, what was sent, and a session that reads only what they may see."""

    session: Session
    config: Config
    clock: Clock
    principal: Principal
    person: Any
    now: datetime
    path: str
    method: str
    form: MultiDict[str, str]
    args: MultiDict[str, str]
    files: MultiDict[str, Any] = field(default_factory=MultiDict)
    csrf: str = ""
    nav: list[dict[str, Any]] = field(default_factory=list)
    languages: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, str]] = field(default_factory=list)
    service: str = "Concord"
    emergency: str = ""
    draft: bool = False
    outbox: str = ""  # under which id this browser may keep what waits; empty where it may keep nothing
    empty: bool = False  # a page that names nobody and may stand in a cache
    silent: bool = False
    wake: Callable[[], None] = lambda: None
    remember: Callable[[str, str], None] = lambda kind, text: None

    @property
    def posted(self) -> bool:
        """Whether a form was sent."""
        return self.method == "POST"

    @property
    def person_id(self) -> UUID:
        """Who is signed in; pages for signed-in roles may rely on it."""
        assert self.principal.person_id is not None
        return self.principal.person_id

    def has(self, *roles: str) -> bool:
        """Whether the visitor holds one of these roles anywhere."""
        return bool(self.principal.roles & set(roles))

    def get(self, entity: type[Any], key: Any) -> Any:
        """The row with this key, if the visitor may know of it; raise NotFound otherwise."""
        from sqlalchemy import inspect, select

        column = inspect(entity).primary_key[0]
        found = self.session.scalars(select(entity).where(column == key)).first()
        if found is None:
            raise NotFound()
        return found

    def uuid(self, name: str) -> UUID:
        """A hidden id of the form, made when the form was shown; raise Problem if it was tampered with."""
        try:
            return UUID(self.form.get(name, ""))
        except ValueError:
            raise Problem(N_("This form is not complete."), N_("Open the page again.")) from None

    def file(self, name: str) -> bytes:
        """The file that was sent in this field; nothing where none was chosen."""
        sent = self.files.get(name)
        if sent is None:
            return b""
        with closing(sent):
            return bytes(sent.read())

    def filled_at(self) -> datetime | None:
        """When a form was filled in that waited on a phone for the network: never in the future, at most a month ago.

        The phone says how long it waited: what its clock shows may be wrong.
        """
        try:
            waited = timedelta(milliseconds=int(self.form.get("waited", "")))
        except (ValueError, OverflowError):
            return None
        return self.now - max(waited, timedelta()) if waited < LONGEST_WAIT else None

    def typed(self) -> list[str]:
        """The sentences of a form that could not be taken, so that the page that says so can give them back."""
        return [text for name in FREE_TEXT if (text := self.form.get(name, "").strip())]

    def say(self, text: str, kind: str = "success") -> None:
        """Keep a sentence for the top of the next page."""
        self.remember(kind, text)

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Render a template with this visit in it."""
        return Response(render_template(template, visit=self, **values), status=status, mimetype="text/html")

    def go(self, path: str) -> Response:
        """Send the browser to another page after a form."""
        return redirect(path, code=303)  # type: ignore[return-value]
