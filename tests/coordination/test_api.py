"""The API as a client meets it: reporting, its refusals, its tokens, and what another town sees."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from committees import accounts
from committees.catalogue import KINDS, SENSITIVE_PATH
from committees.incidents import Incident
from committees.reports import Report
from tests.make import START, WARD, Town

BASE = "/api/v1"
Json = dict[str, Any]


class Client:
    """One token's way into the API."""

    def __init__(self, town: Town, person: str | None, *scopes: str) -> None:
        self.town, self.http = town, town.app.test_client()
        self.headers: dict[str, str] = {}
        if person:
            self.headers["Authorization"] = f"Bearer {token(town, person, *(scopes or ('all',)))}"

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.http.get(BASE + path, query_string=query, headers=self.headers)

    def send(self, path: str, body: Any, *, key: str | None = None, method: str = "POST") -> TestResponse:
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        return self.http.open(BASE + path, method=method, json=body, headers=headers)


def token(town: Town, person: str, *scopes: str, days: int = 1) -> str:
    with town.session("seed", write=True) as session:
        # Tokens live by real time: the town's clock may stand anywhere.
        return accounts.issue_token(
            session, datetime.now(UTC), town.person(session, person).id, list(scopes), days
        )


@pytest.fixture
def client(town: Town) -> Callable[..., Client]:
    return lambda person=None, *scopes: Client(town, person, *scopes)


def incident(**changes: Any) -> Json:
    body = {
        "id": str(uuid.uuid4()),
        "locality": WARD,
        "kind": "angry_crowd",
        "occurred_at": START.isoformat(),
        "how_known": "saw",
    }
    return {**body, **changes}


def is_problem(response: TestResponse, status: int, *fields: str) -> Json:
    """Whether a response is an RFC 9457 document of this status that names these fields, in words."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    document: Json = response.get_json()
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    assert document["status"] == status
    assert document["title"]
    assert [error["field"] for error in document["errors"]] == list(fields)
    assert all(error["message"] for error in document["errors"])
    return document


Clients = Callable[..., Client]


# ------------------------------------------------------------------------------------------ reporting


def test_a_report_gets_a_reference_and_a_repeat_changes_nothing(town: Town, client: Clients) -> None:
    member, body = (
        client("member1.mardan"),
        incident(text="Forty people at the bus stand", people=40, ongoing=True),
    )
    first = member.send("/incidents", body)
    assert first.status_code == 201, first.text
    again = member.send("/incidents", {**body, "kind": "rumour"})
    assert again.status_code == 200
    assert again.get_json() == first.get_json()
    with town.session() as session:
        row = session.get_one(Incident, uuid.UUID(first.get_json()["id"]))
        assert (row.reference, row.people, row.ongoing) == (first.get_json()["reference"], "21-100", "yes")
        assert (row.channel, row.reliability, row.how_known) == ("api", "C", "saw")
    shown = member.get(f"/incidents/{first.get_json()['id']}").get_json()
    assert (shown["text"], shown["locality"], shown["kind"]) == (body["text"], WARD, "angry_crowd")
    assert "source_id" not in shown


def test_a_private_matter_and_a_report_of_an_office_are_taken_too(client: Clients) -> None:
    private = next(key for key, kind in KINDS.items() if kind.path == SENSITIVE_PATH)
    for person in ("member1.mardan", "city.mardan", "school.mardan"):
        assert (
            client(person).send("/incidents", incident(kind=private, text="Told at the door")).status_code
            == 201
        )


def test_an_id_of_another_source_is_a_conflict(client: Clients) -> None:
    body = incident()
    assert client("member1.mardan").send("/incidents", body).status_code == 201
    is_problem(client("member2.mardan").send("/incidents", body), 409)


MISFITS: list[tuple[str, Any, str]] = [
    ("kind", "quarrel", "incident-types"),
    ("locality", "PK-NOWHERE", "localities"),
    ("occurred_at", "2026-11-24T09:00:00", "zone"),
    ("occurred_at", "yesterday", "2026-11-24T14:00:00+05:00"),
    ("occurred_at", "2026-02-30T09:00:00Z", "calendar"),
    ("occurred_at", (START + timedelta(minutes=6)).isoformat(), "future"),
    ("occurred_at", 1790000000, "2026"),
    ("how_known", "guessed", "saw"),
    ("severity", 6, "5 or less"),
    ("severity", "3", "whole number"),
    ("id", "1", "UUID"),
    ("text", "x" * 2001, "shorter"),
    ("ongoing", "perhaps", "yes"),
    ("people", 0, "1 or more"),
    ("colour", "red", "not known here"),
]


def test_a_field_that_does_not_fit_is_named_in_words(client: Clients) -> None:
    member = client("member1.mardan")
    for field, value, words in MISFITS:
        found = is_problem(member.send("/incidents", incident(**{field: value})), 422, field)
        assert words in found["errors"][0]["message"]


def test_everything_that_is_wrong_is_named_at_once(client: Clients) -> None:
    body = incident(severity=0)
    del body["kind"]
    is_problem(client("member1.mardan").send("/incidents", body), 422, "kind", "severity")
    is_problem(client("member1.mardan").send("/incidents", [body]), 422, "body")


def test_a_clock_that_is_a_little_ahead_is_forgiven(client: Clients) -> None:
    ahead = incident(occurred_at=(START + timedelta(minutes=4)).isoformat())
    assert client("member1.mardan").send("/incidents", ahead).status_code == 201


UNREADABLE = (b"{", b"\xff\xfe", b"", b'{"id": ' + b"9" * 5000 + b"}", b"[" * 100_000, b"[" * 50 + b"]" * 50)


def test_a_body_that_cannot_be_read_or_kept_is_refused_in_words(town: Town, client: Clients) -> None:
    member = client("member1.mardan")
    for raw in UNREADABLE:
        headers = {**member.headers, "Content-Type": "application/json"}
        is_problem(town.app.test_client().post(f"{BASE}/incidents", data=raw, headers=headers), 400)
    for text in ("a\0b", "half \ud800 a letter"):
        is_problem(member.send("/incidents", incident(text=text)), 400)
        is_problem(member.get("/incidents", cursor=text.replace("\ud800", "\0")), 400)
    is_problem(member.get("/localities/%00"), 404)


def test_other_types_other_methods_other_addresses_and_huge_bodies(town: Town, client: Clients) -> None:
    member = client("member1.mardan")
    form = town.app.test_client().post(f"{BASE}/incidents", data={"id": "1"}, headers=member.headers)
    is_problem(form, 415)
    found = member.send("/incidents", {}, method="DELETE")
    is_problem(found, 405)
    assert "POST" in found.headers["Allow"]
    town.browser(language="ur").open(
        "/sign-in"
    )  # the same thread: a program does not read on in this language
    assert is_problem(member.get("/nothing"), 404)["title"] == "We could not find that page or record"
    is_problem(member.send("/incidents", incident(text="x" * 1_100_000)), 413)


def test_nobody_reports_for_a_place_that_is_not_theirs(client: Clients) -> None:
    is_problem(client("member1.mardan").send("/incidents", incident(locality="PK-KP")), 403)
    is_problem(client("auditor").send("/incidents", incident()), 403)


# -------------------------------------------------------------------------------------- tokens, scopes


def test_without_a_living_token_nothing_is_said_of_the_body(town: Town, client: Clients) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer nobody"},
        {"Authorization": "Basic bWU6bWU="},
        {"Authorization": "Bearer"},
    ):
        answer = town.app.test_client().post(f"{BASE}/incidents", data="{", headers=headers)
        is_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    old = {"Authorization": f"Bearer {token(town, 'member1.mardan', 'all', days=-1)}"}
    is_problem(town.app.test_client().get(f"{BASE}/incidents", headers=old), 401)


def test_the_cookie_of_a_signed_in_browser_opens_nothing_here(town: Town) -> None:
    browser = town.browser("secretary.mardan")
    assert browser.client.get_cookie("concord_session") is not None
    is_problem(browser.client.get(f"{BASE}/incidents"), 401)


def test_a_token_does_only_what_its_scopes_say(town: Town, client: Clients) -> None:
    key = str(town.report())
    reader = client("secretary.mardan", "read")
    assert reader.get("/incidents").status_code == 200
    is_problem(reader.send("/incidents", incident()), 403)
    is_problem(reader.send(f"/incidents/{key}/verification", {"outcome": "verified"}), 403)
    is_problem(client("secretary.mardan", "report").get("/incidents"), 403)
    assert (
        client("secretary.mardan", "verify")
        .send(f"/incidents/{key}/verification", {"outcome": "verified"})
        .status_code
        == 200
    )


def test_what_a_role_may_not_do_its_token_may_not_do_either(town: Town, client: Clients) -> None:
    is_problem(
        client("member1.mardan").send(f"/incidents/{town.report()}/verification", {"outcome": "verified"}),
        403,
    )


def test_the_rate_limit_is_counted_on_every_answer_and_kept(town: Town, client: Clients) -> None:
    from coordination.api.rates import Rates

    seconds = [0.0]
    town.app.extensions["concord_rates"] = Rates(limit=2, stopwatch=lambda: seconds[0])
    member, other = client("member1.mardan"), client("member2.mardan")
    first = member.get("/incident-types")
    assert (first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == ("2", "1")
    assert member.get("/incident-types").headers["RateLimit-Remaining"] == "0"
    refused = member.get("/incident-types")
    is_problem(refused, 429)
    assert refused.headers["Retry-After"] == refused.headers["RateLimit-Reset"] == "60"
    assert other.get("/incident-types").status_code == 200
    seconds[0] = 60.0
    assert member.get("/incident-types").status_code == 200


# ------------------------------------------------------------------------------------- sent once, twice


def test_a_key_gets_the_same_answer_again_and_another_body_is_refused(town: Town, client: Clients) -> None:
    member, body = client("member1.mardan"), incident()
    first = member.send("/incidents", body, key="k-1")
    again = member.send("/incidents", body, key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    is_problem(member.send("/incidents", incident(), key="k-1"), 422, "Idempotency-Key")
    is_problem(member.send("/incidents", incident(), key="k" * 201), 422, "Idempotency-Key")
    assert client("member2.mardan").send("/incidents", incident(), key="k-1").status_code == 201
    town.clock.move(hours=25)
    assert member.send("/incidents", incident(), key="k-1").status_code == 201


def test_a_refused_request_leaves_its_key_free(client: Clients) -> None:
    member = client("member1.mardan")
    is_problem(
        member.send("/incidents", incident(occurred_at="2027-01-01T00:00:00Z"), key="k"), 422, "occurred_at"
    )
    assert member.send("/incidents", incident(), key="k").status_code == 201


@pytest.mark.parametrize("key", [None, "one-key"])
def test_fifty_equal_reports_at_one_moment_are_one_incident(town: Town, key: str | None) -> None:
    one, body = Client(town, "member1.mardan"), incident()

    def send(_: int) -> tuple[int, Json]:
        fresh = Client(town, None)
        fresh.headers = one.headers
        response = fresh.send("/incidents", body, key=key)
        return response.status_code, response.get_json()

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, range(50)))
    statuses = sorted(status for status, _ in answers)
    assert statuses == ([200] * 49 + [201] if key is None else [201] * 50)
    assert len({answer["reference"] for _, answer in answers}) == 1
    with town.session() as session:
        assert session.scalar(select(func.count()).select_from(Report)) == 1
        assert session.scalar(select(func.count()).select_from(Incident)) == 1


# --------------------------------------------------------------------------------- who sees what; pages


def test_another_town_sees_nothing_and_what_is_hidden_reads_as_missing(town: Town, client: Clients) -> None:
    key = town.report(text="At the bus stand")
    town.work()
    mine, stranger = client("secretary.mardan"), client("secretary.quetta")
    assert mine.get(f"/incidents/{key}").get_json()["text"] == "At the bus stand"
    alert = mine.get("/alerts").get_json()["items"][0]["id"]
    for path in ("/incidents", "/alerts", "/deliveries", "/escalations"):
        assert stranger.get(path).get_json() == {"items": [], "next": None}
    assert stranger.get("/incidents", locality=WARD).get_json()["items"] == []
    for hidden, missing in (
        (f"/incidents/{key}", f"/incidents/{uuid.uuid4()}"),
        (f"/alerts/{alert}", f"/alerts/{uuid.uuid4()}"),
        (f"/localities/{WARD}/risk", "/localities/PK-NO/risk"),
        (f"/localities/{WARD}/profile", "/localities/PK-NO/profile"),
    ):
        assert is_problem(stranger.get(hidden), 404) == is_problem(stranger.get(missing), 404)
    answer = {"answer": "acting"}
    is_problem(stranger.send(f"/alerts/{alert}/acknowledgements", answer), 404)


def test_an_officer_reads_the_hour_and_never_the_words(town: Town, client: Clients) -> None:
    at = START - timedelta(minutes=17)
    key = town.report(text="At the bus stand", occurred_at=at)
    officer = client("city.mardan")
    is_problem(officer.get(f"/incidents/{key}"), 404)  # not checked yet: the committee's own
    body = {"outcome": "verified", "summary": "A crowd gathered and went home."}
    assert client("secretary.mardan").send(f"/incidents/{key}/verification", body).status_code == 200
    shown = officer.get(f"/incidents/{key}").get_json()
    assert (shown["text"], shown["summary"]) == (None, body["summary"])
    assert datetime.fromisoformat(shown["occurred_at"]) == at.replace(minute=0)
    assert (
        datetime.fromisoformat(client("member1.mardan").get(f"/incidents/{key}").get_json()["occurred_at"])
        == at
    )


def test_pages_hold_every_row_once_also_while_new_ones_come(town: Town, client: Clients) -> None:
    made = [str(town.report(kind="rumour")) for _ in range(7)]  # all at one moment: the id decides
    member, seen, cursor = client("member1.mardan"), [], None
    while True:
        page = member.get("/incidents", limit=3, **({"cursor": cursor} if cursor else {})).get_json()
        assert len(page["items"]) <= 3
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
        town.clock.move(minutes=1)
        town.report(kind="rumour")
    assert sorted(seen) == sorted(made)
    assert len(member.get("/incidents", state="verified").get_json()["items"]) == 0


def test_what_acled_collected_is_passed_on_to_no_program(town: Town, client: Clients) -> None:
    secretary = client("secretary.mardan")
    mine = [secretary.send("/incidents", incident()).get_json()["id"] for _ in range(2)]
    with town.session("seed", write=True) as session:
        session.get_one(Incident, uuid.UUID(mine[0])).channel = "acled"
    assert [row["id"] for row in secretary.get("/incidents").get_json()["items"]] == mine[1:]


def test_a_query_that_does_not_fit_is_named(client: Clients) -> None:
    member = client("member1.mardan")
    strange = {
        "limit": ("101", "0", "x"),
        "cursor": ("abc", "WyJhIl0", "", "é"),
        "state": ("x",),
        "sort": ("up",),
    }
    for field, values in strange.items():
        for value in values:
            is_problem(member.get("/incidents", **{field: value}), 422, field)
