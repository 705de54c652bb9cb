"""Every page says who may open it, and nothing is changed by a form without its own token or from another site."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from committees.people import Person, Scope
from coordination import pages
from coordination.frame import is_unnamed
from foundation.journal import Entry
from foundation.policy import ROLES
from foundation.web.page import PAGES, PUBLIC, SIGNED_IN, Page, page
from tests.make import Town

assert pages.ROOMS
ELSEWHERE = {"Origin": "https://elsewhere.example"}
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def test_every_page_says_who_may_open_it() -> None:
    assert PAGES
    for one in PAGES:
        assert one.roles, one.path
        assert set(one.roles) <= {*ROLES, *PUBLIC, *SIGNED_IN}, one.path
        assert set(one.nav_for) <= set(ROLES), one.path


def test_a_page_that_says_nothing_does_not_start() -> None:
    for roles in ((), ("everybody",), ("chair", "boss")):
        with pytest.raises(ValueError, match="who may open it"):
            page("/nowhere", roles=roles)


def test_no_two_templates_have_one_name() -> None:
    # They share one loader: the first one found would be shown in the place of the other.
    root = Path(__file__).parent.parent.parent
    names = [path.name for path in root.glob("*/**/templates/*.html") if ".venv" not in path.parts]
    assert sorted(names) == sorted(set(names))


def test_no_two_pages_stand_at_one_address() -> None:
    assert len({one.path for one in PAGES}) == len(PAGES)


def test_whatever_takes_a_post_is_a_page_a_signed_hook_or_the_api(town: Town) -> None:
    known = {one.path for one in PAGES}
    for rule in town.app.url_map.iter_rules():
        if (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}:
            assert rule.rule in known or rule.rule.startswith(("/hooks/", "/api/")), rule.rule


def here(town: Town) -> list[Page]:
    """The pages that this installation serves (the demonstration's own are not among them)."""
    served = {rule.rule for rule in town.app.url_map.iter_rules()}
    return [one for one in PAGES if one.path in served]


def address(one: Page) -> str:
    """The page's address with something in each gap of its path."""
    gaps = {"uuid": str(uuid.uuid4()), "int": "1"}
    return re.sub(r"<(?:(\w+)[^:>]*:)?\w+>", lambda found: gaps.get(found[1] or "", "x"), one.path)


class Visitors:
    """One signed-in browser for each role that the seed has somebody for."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.clients: dict[str, tuple[FlaskClient, str]] = {}
        with town.session() as session:
            rows = (
                select(Scope.role, Person.code).join(Person, Person.id == Scope.person_id).where(Scope.active)
            )
            self.codes: dict[str, str] = dict(
                map(tuple, session.execute(rows.order_by(Person.code.desc())).all())
            )

    def of(self, one: Page) -> tuple[FlaskClient, str]:
        """A client that may open this page, and the token of its forms."""
        if one.roles == PUBLIC:
            return self._client("")
        roles = (
            sorted(self.codes)
            if one.roles == SIGNED_IN
            else [role for role in one.roles if role in self.codes]
        )
        assert roles, f"the seed has nobody who may open {one.path}"
        return self._client(self.codes[roles[0]])

    def _client(self, code: str) -> tuple[FlaskClient, str]:
        if code not in self.clients:
            browser = self.town.browser(code or None)
            found = TOKEN.search(browser.open("/sign-in")) or TOKEN.search(browser.open("/today"))
            assert found, f"no form is shown to {code or 'a stranger'}"
            self.clients[code] = (browser.client, found[1])
        return self.clients[code]


def from_nowhere(one: Page) -> int:
    """What a form of no known site gets: pages without a cookie have nothing to borrow, and here they find no such town."""
    if not is_unnamed(one.path):
        return 403
    return 404 if "<town>" in one.path else 200


def acts(town: Town) -> int:
    with town.session() as session:
        return session.scalar(select(func.count()).select_from(Entry)) or 0


def test_no_form_is_taken_without_its_token_or_from_another_site(town: Town) -> None:
    visitors = Visitors(town)
    strangers, ours = visitors._client("")[1], visitors._client(visitors.codes["secretary"])[1]
    asked = [(one, *visitors.of(one)) for one in here(town)]  # signing in is an act of its own
    before = acts(town)
    taken = []
    for one, client, token in asked:
        foreign = ours if token != ours else strangers
        for fields, headers, status in (
            ({}, {}, 400),
            ({"csrf_token": ""}, {}, 400),
            ({"csrf_token": foreign}, {}, 400),
            ({"csrf_token": token + "x"}, {}, 400),
            ({"csrf_token": token}, ELSEWHERE, 403),
            ({"csrf_token": token}, {"Origin": "null"}, from_nowhere(one)),
            ({"csrf_token": token}, {"Origin": "http://localhost.elsewhere.example"}, 403),
        ):
            answered = client.post(address(one), data=fields, headers=headers).status_code
            if answered != status:
                taken.append((one.path, fields, headers, answered))
    assert taken == []
    assert acts(town) == before


def test_a_page_of_a_role_is_not_there_for_anybody_else(town: Town) -> None:
    visitors = Visitors(town)
    wrong = []
    for one in here(town):
        if one.roles in (PUBLIC, SIGNED_IN):
            continue
        with_role = {code for role, code in visitors.codes.items() if role in one.roles}
        with town.session() as session:
            holders = set(
                session.scalars(
                    select(Person.code)
                    .join(Scope, Scope.person_id == Person.id)
                    .where(Scope.active, Scope.role.in_(one.roles))
                )
            )
        others = [code for code in visitors.codes.values() if code not in holders | with_role]
        stranger = visitors._client("")[0].get(address(one)).status_code
        if stranger not in (401, 302, 303):
            wrong.append((one.path, "a stranger", stranger))
        for code in others:
            answered = visitors._client(code)[0].get(address(one)).status_code
            if answered != 404:
                wrong.append((one.path, code, answered))
    assert wrong == []
