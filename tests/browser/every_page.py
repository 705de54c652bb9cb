"""The list of all looks, made from the page registry: each page where somebody really sees it, and what each of its forms answers.

A crawl with the test client follows the links of one person per role, then sends every form with nothing filled in. What it
reads is kept as it was shown, so that a browser needs no second visit. Only tests/browser imports it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import time_machine
from flask import Flask, template_rendered
from flask.testing import FlaskClient
from lxml import html as reader
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from committees.people import Person, Scope
from coordination import pages
from coordination.frame import LANGUAGE_COOKIE, is_unnamed
from foundation.web.page import PAGES
from tests.make import Town

assert pages.ROOMS
FIRST = ("secretary.mardan", "chair.mardan", "city.mardan", "police.mardan", "member1.mardan")
GAPS = {"code": "PK-KP-MARDAN", "country": "PK", "language": "ur", "town": "PK-KP-MARDAN"}
LINK = re.compile(r'<a[^>]* href="(/[^"#]*)')
MARKED = "pseudo"
#: What ends the crawl's own session, or changes in which language or when it looks.
LEFT_ALONE = ("/sign-out", "/language", "/demo/clock")
Languages = Callable[[], Sequence[str]]


@dataclass(frozen=True)
class Look:
    """One page as one person sees it: in the pseudo-language, and in those languages in which a browser shall show it."""

    page: str
    code: str
    path: str
    state: str
    marked: str
    shown: dict[str, str]

    @property
    def name(self) -> str:
        """How a fault found here is told."""
        return f"{self.page} as {self.code or 'a stranger'}, {self.state}"


@dataclass(frozen=True)
class Errand:
    """What somebody shall look at besides what links lead to; with `fields`, what the form `action` on that page answers.

    With a `client`, this person goes on with a browser that is signed in already.
    """

    code: str
    path: str
    action: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    client: FlaskClient | None = None


@dataclass
class Seen:
    """What the crawl has found so far."""

    looks: list[Look] = field(default_factory=list)
    actions: set[str] = field(default_factory=set)
    templates: set[str] = field(default_factory=set)
    marked: set[str] = field(default_factory=set)

    @property
    def reached(self) -> set[str]:
        """The pages of the registry that were seen, or to which a form on a page that was seen is sent."""
        return {look.page for look in self.looks} | self.actions


def crawl(town: Town, errands: Sequence[Errand], languages: Languages) -> Seen:
    """Look at every page to which somebody's links or errands lead, then at what their forms answer when sent empty."""
    visitor = Visitor(town, languages, Seen())
    with _templates(town.app, visitor.seen.templates):
        for errand in errands:
            visitor.run(errand)
        for code in ("", *_people(town)):
            visitor.follow(code)
        for look in list(visitor.seen.looks):
            visitor.send_forms_of(look)
    object.__setattr__(town.runtime.config, "demo", True)
    demo = Town(town.runtime, town.clock)
    with _templates(demo.app, visitor.seen.templates):
        visitor = Visitor(demo, languages, visitor.seen)
        for path in ("/outbox", "/sign-in"):
            visitor.look("", path)
        visitor.seen.actions.add("/demo/clock")
    return visitor.seen


def _people(town: Town) -> list[str]:
    """The usual five, then one more for each role that they do not hold."""
    with town.session() as session:
        rows = session.execute(
            select(Scope.role, Person.code).join(Person, Person.id == Scope.person_id).order_by(Person.code)
        ).all()
    others = {role: code for role, code in rows if role not in {r for r, c in rows if c in FIRST}}
    return [*FIRST, *sorted(set(others.values()))]


@contextmanager
def _templates(app: Flask, names: set[str]) -> Iterator[None]:
    """Note which templates are shown inside the block."""

    def note(_app: Flask, template: Any, **_more: Any) -> None:
        names.add(template.name)

    with template_rendered.connected_to(note, app):
        yield


class Visitor:
    """Everybody's browser in turn; it keeps what it sees."""

    def __init__(self, town: Town, languages: Languages, seen: Seen) -> None:
        self.town, self.languages, self.seen = town, languages, seen
        self.rules = town.app.url_map.bind("localhost")
        self.known = {page.path for page in PAGES}
        self.clients: dict[str, FlaskClient] = {}

    def follow(self, code: str) -> None:
        """Follow this person's links from the pages whose address needs no key."""
        filled = [re.sub(r"<(\w+)>", lambda gap: GAPS.get(gap[1], gap[0]), page.path) for page in PAGES]
        waiting = [path for path in filled if "<" not in path and path != "/sign-out"]
        seen, found = set(waiting), {look.page for look in self.seen.looks}
        while waiting:
            path = waiting.pop(0)
            rule = self.rule(path)
            if not rule or rule in found:
                continue
            look = self.look(code, path)
            if look is None:
                continue
            found.add(rule)
            links = {link.replace("&amp;", "&") for link in LINK.findall(look.marked)}
            waiting += sorted(links - seen)
            seen |= links

    def look(self, code: str, path: str) -> Look | None:
        """Open a page; None where there is none to see."""
        return self._keep(code, path, "plain", lambda client, at: client.get(at))

    def run(self, errand: Errand) -> None:
        """Open a page, or send one of its forms filled in."""
        if errand.client:
            self.clients[errand.code] = errand.client
        if not errand.action:
            self.look(errand.code, errand.path)
            return

        def send(client: FlaskClient, at: str) -> Any:
            page = client.get(at.replace(errand.action, errand.path, 1))
            forms = _forms(page.get_data(as_text=True))
            form = next((one for one in forms if (one.action or "").split("?")[0] == errand.action), None)
            assert form is not None, errand
            # Who gives no name is asked to take a moment; the clock of the machine is moved instead of waiting.
            with time_machine.travel(datetime.now(UTC) + timedelta(seconds=30 * is_unnamed(at))):
                return client.post(at, data={**_as_it_stands(form), **errand.fields})

        self.seen.actions.add(self.rule(errand.action))
        self._keep(errand.code, errand.action, "sent", send)

    def send_forms_of(self, look: Look) -> None:
        """Send each form of a page as it stands, with nothing filled in, and keep what is answered."""
        for form in _forms(look.marked):
            action = str(form.action or look.path)
            rule = self.rule(action) if form.method == "POST" else ""
            if not rule:
                continue
            first = rule not in self.seen.actions
            self.seen.actions.add(rule)
            if action in LEFT_ALONE or not (first or rule == look.page):
                continue
            fields = _as_it_stands(form)
            self._keep(look.code, action, "sent empty", partial(_post, fields))

    def rule(self, path: str) -> str:
        """The page of the registry that answers at an address."""
        try:
            rule = self.rules.match(path.split("?")[0], method="GET", return_rule=True)[0].rule
        except HTTPException:
            return ""
        return rule if rule in self.known else ""

    def _keep(self, code: str, path: str, state: str, ask: Callable[[FlaskClient, str], Any]) -> Look | None:
        client = self._client(code)
        marked = _read(client, path, MARKED, ask)
        if marked is None:
            return None
        # One sentence that many pages answer alike needs one look.
        main = re.sub(r'value="[^"]*"', "", marked.partition("<main")[2])
        if state != "plain" and main in self.seen.marked:
            return None
        self.seen.marked.add(main)
        shown = {language: _read(client, path, language, ask) or "" for language in self.languages()}
        look = Look(self.rule(path), code, path, state, marked, shown)
        self.seen.looks.append(look)
        return look

    def _client(self, code: str) -> FlaskClient:
        if code not in self.clients:
            self.clients[code] = self.town.browser(code or None).client
        return self.clients[code]


def _read(
    client: FlaskClient, path: str, language: str, ask: Callable[[FlaskClient, str], Any]
) -> str | None:
    client.set_cookie(LANGUAGE_COOKIE, language)
    answer = ask(
        client, path + ("&" if "?" in path else "?") + f"language={language}" if is_unnamed(path) else path
    )
    good = answer.mimetype == "text/html" and (answer.status_code == 200 or answer.request.method == "POST")
    return answer.get_data(as_text=True) if good and not 300 <= answer.status_code < 400 else None


def _post(fields: Mapping[str, Any], client: FlaskClient, at: str) -> Any:
    """Send these fields to an address."""
    return client.post(at, data=fields)


def _forms(html: str) -> list[Any]:
    """The forms of a page."""
    page: Any = reader.fromstring(html)
    return list(page.forms)


def _as_it_stands(form: Any) -> dict[str, str]:
    """The hidden fields of a form, and an empty answer in each of its boxes."""
    hidden = {one.name: one.value or "" for one in form.inputs if one.get("type") == "hidden" and one.name}
    boxes = [
        one.name for one in form.inputs if one.name and one.get("type") not in ("hidden", "radio", "checkbox")
    ]
    return {**dict.fromkeys(boxes, ""), **hidden}
