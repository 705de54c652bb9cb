"""GET /exports/{kind}: the same files as `concord export` writes, and no more than the caller may see."""

from __future__ import annotations

import csv
import io
import json
from itertools import product

from sqlalchemy import update

from committees.incidents import Incident
from coordination import exporting
from tests.coordination.test_api import Client, is_problem
from tests.make import Town


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_file_is_what_the_command_writes_and_no_more_than_the_caller_may_see(town: Town) -> None:
    seen, complaint, red = (
        town.report(),
        town.report("member2.mardan", kind="official_conduct"),
        town.report("member2.mardan", kind="threat"),
    )
    with town.session(write=True) as session:
        session.execute(update(Incident).where(Incident.id == red).values(marking="RED"))
    answer = Client(town, "secretary.mardan").get("/exports/incidents")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    tags, *rows = table(answer.text)
    assert tags["id"] == "#event+id"
    assert [row["id"] for row in rows] == [str(seen)]
    assert str(complaint) not in answer.text
    office = table(Client(town, "oversight.kp").get("/exports/incidents").text)[1:]
    assert {row["id"] for row in office} == {str(seen), str(complaint)}
    assert table(Client(town, "secretary.quetta").get("/exports/incidents").text)[1:] == []


def test_every_kind_in_every_form(town: Town) -> None:
    town.report()
    town.work()
    client = Client(town, "chair.mardan")
    for kind, form in product(exporting.KINDS, exporting.FORMS):
        answer = client.get(f"/exports/{kind}", format=form)
        if form == "geojson" and not exporting.KINDS[kind].placed:
            is_problem(answer, 422, "format")
            continue
        assert answer.status_code == 200, (kind, form)
        found = table(answer.text) if form == "csv" else json.loads(answer.text)
        assert found["features"] if form == "geojson" else found, (kind, form)


def test_what_cannot_be_exported(town: Town) -> None:
    client = Client(town, "chair.mardan")
    is_problem(client.get("/exports/people"), 404)
    is_problem(client.get("/exports/alerts", format="xls"), 422, "format")
    is_problem(Client(town, "chair.mardan", "report").get("/exports/alerts"), 403)
    is_problem(Client(town, None).get("/exports/alerts"), 401)


def test_an_office_from_outside_reads_no_single_ward_by_any_door(town: Town) -> None:
    town.report()
    town.report("member2.mardan")
    town.work()
    ward, city = "PK-KP-MARDAN-W7", "PK-KP-MARDAN"
    national, secretary = Client(town, "national.pk"), Client(town, "secretary.mardan")
    for path in ("risk", "profile", "profile/versions"):
        assert secretary.get(f"/localities/{ward}/{path}").status_code == 200
        is_problem(national.get(f"/localities/{ward}/{path}"), 404)
        assert national.get(f"/localities/{city}/{path}").status_code == 200
    for kind in ("scores", "alerts"):
        assert ward in {row["locality"] for row in table(secretary.get(f"/exports/{kind}").text)}
        codes = {row["locality"] for row in table(national.get(f"/exports/{kind}").text)}
        assert city in codes
        assert ward not in codes
