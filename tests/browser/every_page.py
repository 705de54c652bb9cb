"""The list of all looks, made from the page registry: for every page one address at which somebody really sees it.

A crawl with the test client follows the links of one person per role. Only tests/browser imports it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import select
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from committees.people import Person, Scope
from coordination import pages
from foundation.web.page import PAGES
from tests.make import Town

assert pages.ROOMS
FIRST = ("secretary.mardan", "chair.mardan", "city.mardan", "police.mardan", "member1.mardan")
GAPS = {"code": "PK-KP-MARDAN", "country": "PK", "language": "ur"}
LINK = re.compile(r'<a[^>]* href="(/[^"#]*)')


@dataclass(frozen=True)
class Look:
    """One page as one person sees it."""

    page: str
    code: str
    path: str
    html: str


def looks(town: Town) -> dict[str, Look]:
    """For every page of the registry that somebody's links lead to, the first look at it."""
    rules = town.app.url_map.bind("localhost")
    found: dict[str, Look] = {}
    for code in ("", *_people(town)):
        _follow(town, rules, code, found)
    return found


def _people(town: Town) -> list[str]:
    """The usual five, then one more for each role that they do not hold."""
    with town.session() as session:
        rows = session.execute(
            select(Scope.role, Person.code).join(Person, Person.id == Scope.person_id).order_by(Person.code)
        ).all()
    others = {role: code for role, code in rows if role not in {r for r, c in rows if c in FIRST}}
    return [*FIRST, *sorted(set(others.values()))]


def _follow(town: Town, rules: MapAdapter, code: str, found: dict[str, Look]) -> None:
    client = town.browser(code or None).client
    filled = [re.sub(r"<(\w+)>", lambda gap: GAPS.get(gap[1], gap[0]), page.path) for page in PAGES]
    waiting = [path for path in filled if "<" not in path and path != "/sign-out"]
    seen = set(waiting)
    while waiting:
        path = waiting.pop(0)
        rule = _rule(rules, path)
        if not rule or rule in found:
            continue
        answer = client.get(path)
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        found[rule] = Look(rule, code, path, answer.get_data(as_text=True))
        links = {link.replace("&amp;", "&") for link in LINK.findall(found[rule].html)}
        waiting += sorted(links - seen)
        seen |= links


def _rule(rules: MapAdapter, path: str) -> str:
    try:
        rule = rules.match(path.split("?")[0], method="GET", return_rule=True)[0].rule
    except HTTPException:
        return ""
    return rule if rule in {page.path for page in PAGES} else ""
