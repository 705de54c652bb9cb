"""The description of the API keeps its word: whatever a client sends, the answer is one that the description names, never a 5xx.

Schemathesis makes the requests, good and bad ones, from the description alone. Half of them are pointed at
things that exist, because an invented id only ever finds a 404.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from coordination.api.door import ENDPOINTS
from coordination.api.rates import Rates
from tests.coordination.test_api import BASE, Client, token
from tests.make import WARD, Town, build_template, make_town
from tests.rig.databases import Databases

PATH = f"{BASE}/openapi.json"


@pytest.fixture
def small_town(
    sqlite_databases: Databases, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """One town on the quicker of the two databases."""
    keys = tmp_path_factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    town = make_town(sqlite_databases.template("town", lambda url: build_template(url, keys)), keys)
    yield town
    town.runtime.close()


def prepared(town: Town) -> dict[str, str]:
    """A town in which something has happened, without a limit; the ids of what happened, by path parameter."""
    incident = town.report(severity=4)
    town.report("member2.mardan", severity=4)
    client, asked = Client(town, "police.mardan"), []
    while not asked:
        town.later(hours=2)  # until the ladder has reached the office that decides
        asked = client.get("/escalations").get_json()["items"]
    town.app.extensions["concord_rates"] = Rates(limit=10**9)
    escalation = asked[0]
    return {
        "incident_id": str(incident),
        "code": WARD,
        "kind": "incidents",
        "alert_id": escalation["alert"],
        "escalation_id": escalation["id"],
    }


def keep_its_word(town: Town, examples: int) -> None:
    """Send so many good and so many bad requests to each operation and hold every answer against the description."""
    real = prepared(town)
    people = {"review": "police.mardan"}
    schema: Any = schemathesis.openapi.from_wsgi(PATH, town.app)
    for found in schema.get_all_operations():
        operation = found.ok()
        person = people.get(operation.label.rpartition("/")[2], "secretary.mardan")
        headers = {"Authorization": f"Bearer {token(town, person, 'all')}"}
        for mode in GenerationMode:
            known = real if mode is GenerationMode.POSITIVE else {}
            check_one(operation.as_strategy(generation_mode=mode), known, headers, examples)
    town.later(minutes=5)  # nothing that was taken in stops the work behind it


def check_one(cases: Any, real: dict[str, str], headers: dict[str, str], examples: int) -> None:
    """Send the requests of one operation."""

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
        database=None,
    )
    @given(case=cases, point=st.booleans())
    def send(case: Case, point: bool) -> None:
        if point and real:
            for name in set(case.path_parameters or {}) & set(real):
                case.path_parameters[name] = real[name]
            if isinstance(case.body, dict) and "locality" in case.body:
                case.body["locality"] = WARD
        # A body of the right shape may still name a place that does not exist, or a time to come.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    send()


def test_every_answer_is_one_that_the_description_names(small_town: Town) -> None:
    keep_its_word(small_town, examples=4)


@pytest.mark.long
def test_every_answer_is_one_that_the_description_names_at_length(town: Town) -> None:
    keep_its_word(town, examples=400)


def test_the_description_is_public_and_made_from_the_code(small_town: Town) -> None:
    response = small_town.app.test_client().get(PATH, headers={"Host": "evil.example"})
    document = response.get_json()
    assert response.status_code == 200
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "http://localhost"}]
    described = {(path, method) for path, found in document["paths"].items() for method in found}
    mounted = {
        (BASE + e.path.replace("<uuid:", "{").replace("<", "{").replace(">", "}"), e.method.lower())
        for e in ENDPOINTS
    }
    assert described == mounted
    for path, found in document["paths"].items():
        for method, operation in found.items():
            assert operation["security"], path
            assert {"401", "403", "404", "422", "429"} <= set(operation["responses"]), path
            if method != "get":
                assert operation["requestBody"]["required"]
                assert "Idempotency-Key" in [p["name"] for p in operation["parameters"]]


def test_no_schema_lets_a_field_out_that_it_does_not_name(small_town: Town) -> None:
    schemas = small_town.app.test_client().get(PATH).get_json()["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith(".JsonValue"):  # any JSON at all: the parts of a profile
            continue
        assert schema.get("additionalProperties") is False, name
        assert not {"source_id", "person_id", "handle", "address", "phone"} & set(schema["properties"]), name
