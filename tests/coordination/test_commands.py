"""The commands that bring in, replay, ask, export and examine: what they promise, and what they say when they are used wrongly."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from alerts.assessing import Score
from alerts.evidence import RiskState
from committees.places import Country, Locality
from coordination import cli
from coordination.commands.asking import past_moment
from coordination.exporting import KINDS, safe, written
from foundation import alarms
from foundation.db import Base, Database
from foundation.policy import service
from tests.make import SECRET, Town

HEADER = "source_id,date,date_known,locality,latitude,longitude,category,severity\n"
PLACES = ["PAK:North Town", "PAK:South Town", "PAK:East Town"]


class Terminal:
    """Runs a command of this installation in this process, as a person would, and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: object) -> int:
        self._capsys.readouterr()
        status = 0
        try:
            cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        self.out, self.err = self._capsys.readouterr()
        assert "Traceback" not in self.err
        return status


@pytest.fixture
def concord(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A terminal in an empty folder, with the settings of `town`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONCORD_DATA", str(town.runtime.config.data))
    monkeypatch.setenv("CONCORD_DATABASE_URL", town.runtime.config.database_url)
    monkeypatch.setenv("CONCORD_SECRET_KEY", SECRET)
    return Terminal(capsys)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal in an empty folder without any installation."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONCORD_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("CONCORD_SECRET_KEY", SECRET)
    return Terminal(capsys)


def history_file(path: Path, seed: int = 3, count: int = 90) -> Path:
    """A simulated past of three places; some sources repeat themselves on a day, which must count once."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        day = date(2011, 1, 1) + timedelta(days=rng.randrange(400))
        source, category = f"S{rng.randrange(8)}", rng.choice(["riot", "Raid at night"])
        known = day + timedelta(days=rng.choice([0, 0, 3]))
        rows.append(f"{source},{day},{known},{rng.choice(PLACES)},33.1,70.2,{category},{rng.randint(1, 5)}")
        if rng.random() < 0.3:
            rows.append(rows[-1][:-1] + str(rng.randint(1, 5)))
    text = HEADER + "\n".join(rows) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def neighbours_file(path: Path) -> Path:
    path.write_text(
        f"locality,neighbour\n{PLACES[0]},{PLACES[1]}\n{PLACES[0]},{PLACES[2]}\n{PLACES[1]},{PLACES[0]}\n"
    )
    return path


def counts(database: Database) -> dict[str, int]:
    with database.open(service("seed")) as session:
        return {
            name: session.connection().scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }


def test_the_score_after_an_import_is_the_replays_score(concord: Terminal, tmp_path: Path) -> None:
    events, near = history_file(tmp_path / "past.csv.gz"), neighbours_file(tmp_path / "near.csv")
    assert concord("import", "incidents", events) == 0, concord.err
    assert "3 places were not known and have been created" in concord.out
    assert concord("import", "places", near) == 0, concord.err
    assert "3 neighbour links new" in concord.out
    range_ = ("--from", "2011-01-01", "--to", "2012-06-30")
    assert concord("replay", "--incidents", events, "--neighbours", near, *range_, "--out", "out.csv") == 0
    with open("out.csv") as file:
        scores = {(row["locality"], row["week"]): float(row["score"]) for row in csv.DictReader(file)}
    compared = random.Random(5).sample(sorted(scores), 10)
    for place, week in compared:
        end = date.fromisoformat(week) + timedelta(days=7)
        assert concord("score", place, "--at", end, "--json") == 0, concord.err
        found = json.loads(concord.out)
        assert found["p28"] == pytest.approx(scores[place, week], abs=1e-9)
        assert sum(line["points"] for line in found["contributions"]) == pytest.approx(found["index"])


def test_importing_twice_changes_nothing(concord: Terminal, town: Town, tmp_path: Path) -> None:
    events = history_file(tmp_path / "past.csv")
    assert concord("import", "incidents", events) == 0
    assert "Rises of a level to 3 or more in this history" in concord.out
    before = counts(town.runtime.worker)
    assert concord("import", "incidents", events, events) == 0
    assert concord.out.count(", 0 new, ") == 2
    assert counts(town.runtime.worker) == before
    with town.session("command") as session:
        place = session.scalars(select(Locality).where(Locality.code == PLACES[0])).one()
        assert (place.watched, place.scored, place.country_code) == (True, True, "PK")
        assert session.scalars(select(Score).where(Score.locality_id == place.id)).one().p28 > 0


def test_a_country_that_nobody_set_up_is_made_with_its_zone(concord: Terminal, town: Town) -> None:
    Path("past.csv").write_text(HEADER + "S1,2012-01-01,2012-01-01,MMR:Town,16.8,96.1,riot,3\n")
    assert concord("import", "incidents", "past.csv") == 0
    assert "New countries: Myanmar" in concord.out
    with town.session("command") as session:
        assert session.get_one(Country, "MM").zone == "Asia/Yangon"


def test_good_rows_are_kept_and_bad_ones_named(concord: Terminal, town: Town) -> None:
    good = "S1,2012-01-01,2012-01-01,PAK:Town,33.1,70.2,riot,3"
    bad = [
        good.replace("riot,3", "riot,9"),
        "S2,2012-01-01,2012-01-01,PAK:Nowhere,,,riot,3",
        "S3,2099-01-01,2099-01-01,PAK:Town,33.1,70.2,riot,3",
    ]
    Path("past.csv").write_text(HEADER + "\n".join([good, *bad]) + "\n")
    assert concord("import", "incidents", "past.csv") == 0
    assert "4 rows read, 1 new, 0 there before, 3 rejected (see past.csv.rejected.csv)" in concord.out
    with open("past.csv.rejected.csv") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert [
        any(words in reason for reason in reasons)
        for words in ("from 1 to 5", "Give its latitude", "lies ahead")
    ] == [True] * 3
    with town.session("command") as session:
        states = select(RiskState).join(Locality, Locality.id == RiskState.locality_id)
        assert session.scalars(states.where(Locality.code == "PAK:Town")).one().fast == pytest.approx(1.0)


def test_a_gazetteer_may_name_parents_last_and_outlines_as_geojson(concord: Terminal, town: Town) -> None:
    Path("places.csv").write_text(
        "code,name,name_ur,parent,level,lat,lon,watched,code_pcode\n"
        "PK-KP-NEW-W1,Ward 1,,PK-KP-NEW,ward,34.1,72.1,yes,PK1\n"
        "PK-KP-NEW,New,نیا,PK-KP,city,34.1,72.1,no,PK2\n"
        "PK-KP-LOST,Lost,,PK-ZZ,city,34.1,72.1,no,\n"
    )
    assert concord("import", "places", "places.csv") == 0, concord.err
    assert "3 rows read, 2 places new, 0 there before, 1 rejected" in concord.out
    ring = [[72.0, 34.0], [72.2, 34.0], [72.2, 34.2], [72.0, 34.2]]
    feature = {
        "type": "Feature",
        "properties": {"code": "PK-KP-NEW-W2", "name": "Ward 2", "parent": "PK1", "level": "ward"},
    }
    document = {
        "type": "FeatureCollection",
        "features": [{**feature, "geometry": {"type": "Polygon", "coordinates": [ring]}}],
    }
    Path("places.geojson").write_text(json.dumps(document))
    assert concord("import", "places", "places.geojson") == 0, concord.err
    with town.session("command") as session:
        found = {
            p.code: p for p in session.scalars(select(Locality).where(Locality.code.startswith("PK-KP-NEW")))
        }
    assert set(found) == {"PK-KP-NEW", "PK-KP-NEW-W1", "PK-KP-NEW-W2"}
    assert found["PK-KP-NEW-W1"].parent_id == found["PK-KP-NEW"].id
    assert found["PK-KP-NEW"].name("ur") == "نیا"
    assert found["PK-KP-NEW-W2"].area == {"rings": [ring]}
    assert found["PK-KP-NEW-W2"].latitude == pytest.approx(34.1)


def test_a_score_speaks_in_sentences(concord: Terminal, town: Town) -> None:
    town.report()
    town.work()
    before = counts(town.runtime.worker)
    assert concord("score", "PK-KP-MARDAN-W7") == 0, concord.err
    assert "Level " in concord.out
    assert "Angry crowd, seen in person" in concord.out
    assert "What is usual anywhere" in concord.out
    assert counts(town.runtime.worker) == before


def test_a_replay_honours_its_profile_and_writes_all_it_is_asked_for(alone: Terminal, tmp_path: Path) -> None:
    events, near = history_file(tmp_path / "past.csv"), neighbours_file(tmp_path / "near.csv")
    events.write_text(events.read_text() + "bad row\n")
    Path("profile.yaml").write_text(
        "coefficients: {background: 0.02}\nboundaries: [0.01, 0.02, 0.03, 0.04]\n"
    )
    common = (
        "replay",
        "--incidents",
        events,
        events,
        "--neighbours",
        near,
        "--from",
        "2011-02-01",
        "--to",
        "2011-03-01",
    )
    every = ("--out", "plain.csv", "--surge", "surge.csv", "--alerts", "alerts.csv", "--detectors", "d.csv")
    assert alone(*common, *every) == 0, alone.err
    assert "rows rejected (see " in alone.out
    assert "The row has 1 fields" in Path("past.csv.rejected.csv").read_text()
    assert alone(*common, "--out", "other.csv.gz", "--profile", "profile.yaml", "--calibrate") == 0
    plain = list(csv.DictReader(Path("plain.csv").read_text().splitlines()))
    other = list(csv.DictReader(gzip.decompress(Path("other.csv.gz").read_bytes()).decode().splitlines()))
    assert len(plain) == len(other) == 3 * 5
    assert {row["week"] for row in plain} == {
        "2011-01-31",
        "2011-02-07",
        "2011-02-14",
        "2011-02-21",
        "2011-02-28",
    }
    assert min(int(row["level"]) for row in other) > min(int(row["level"]) for row in plain)
    assert Path("surge.csv").read_text().startswith("locality,week,score\n")
    assert Path("alerts.csv").read_text().startswith("at,locality,kind,level,score,reasons\n")
    said = list(csv.DictReader(Path("d.csv").read_text().splitlines()))
    assert list(said[0]) == ["locality", "week", "detector", "observed", "bound", "alarm"]
    assert len(said) == 6 * len(plain)


def test_an_export_holds_what_its_reader_may_see(concord: Terminal, town: Town) -> None:
    incident = town.report(occurred_at=town.clock.now() - timedelta(minutes=7))
    town.work()
    assert concord("export", "incidents") == 0, concord.err
    rows = list(csv.reader(concord.out.splitlines()))
    assert rows[0] == list(KINDS["incidents"].columns)
    assert all(tag.startswith("#") for tag in rows[1])
    assert rows[2][0] == str(incident)
    assert concord("export", "incidents", "--as", "secretary.mardan", "--format", "json") == 0
    assert [row["id"] for row in json.loads(concord.out)] == [str(incident)]
    assert concord("export", "incidents", "--as", "auditor", "--format", "json") == 0
    assert json.loads(concord.out) == []
    assert concord("export", "alerts", "--format", "geojson", "--out", "alerts.geojson") == 0
    features = json.loads(Path("alerts.geojson").read_text())["features"]
    assert features
    assert features[0]["geometry"]["type"] == "Point"
    assert concord("export", "evaluation") == 0
    assert concord.out.splitlines()[2].startswith("crowd")


def test_an_export_can_be_imported_somewhere_else(concord: Terminal, town: Town) -> None:
    town.report()
    assert concord("export", "incidents", "--out", "mine.csv") == 0
    assert concord("import", "incidents", "mine.csv") == 0, concord.err
    assert "mine.csv (Concord): 1 rows read, 0 new, 1 there before, 0 rejected." in concord.out


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_exported_cell_is_a_formula(text: str) -> None:
    row: dict[str, Any] = {
        **dict.fromkeys(KINDS["incidents"].columns, ""),
        "summary": text,
        "longitude": -1.5,
    }
    [_header, _tags, cells] = csv.reader(io.StringIO(written("incidents", "csv", [row]), newline=""))
    assert safe(text) == f"'{text}"
    assert "-1.5" in cells


def test_the_doctor_says_what_to_do(concord: Terminal, town: Town) -> None:
    assert concord("doctor") == 0, concord.out + concord.err
    sqlite = town.runtime.worker.is_sqlite
    assert ("SQLite has no row-level security" in concord.out) == sqlite
    assert ("Row-level security is in force" in concord.out) == (not sqlite)
    assert "Nothing is sent without it." in concord.out
    key = town.runtime.config.data / "keys" / "columns.keys"
    key.chmod(0o644)
    try:
        assert concord("doctor") == 1
    finally:
        key.chmod(0o600)
    assert f"chmod 600 {key}" in concord.out


def test_the_doctor_reads_out_what_stands_still(concord: Terminal, town: Town) -> None:
    assert concord("doctor") == 0
    assert "No alarm is open." in concord.out
    with town.session("sender", write=True) as session:
        alarms.sound(session, town.clock.now(), "message_put_aside", "x", {"channel": "sms", "tries": 5})
    assert concord("doctor") == 0, "an alarm is a person's work, and not an installation that is broken"
    (alarm,) = [line for line in concord.out.splitlines() if "SMS" in line and line.startswith("advice")]
    assert "5" in alarm
    assert "No alarm is open." not in concord.out


def test_the_doctor_does_not_mend_what_it_examines(alone: Terminal, tmp_path: Path) -> None:
    assert alone("doctor") == 1
    assert "concord db upgrade" in alone.out
    assert not (tmp_path / "var" / "concord.db").exists()


def wrong_files() -> dict[str, bytes]:
    return {
        "empty.csv": b"",
        "columns.csv": b"a,b\n1,2\n",
        "damaged.csv.gz": gzip.compress(HEADER.encode() * 500)[:50],
        "rows.csv": (HEADER + "S1,yesterday,2012-01-01,PAK:Town,33.1,70.2,riot,3\n").encode(),
        "profile.yaml": b"coefficients: {background: -1}\n",
        "places.geojson": b'{"type": "Feature"}',
        "near.csv": b"locality,neighbour\n",
        "good.csv": (HEADER + "S1,2012-01-01,2012-01-01,PAK:Town,33.1,70.2,riot,3\n").encode(),
    }


REPLAY = "replay --neighbours near.csv --from 2012-01-01 --to 2012-02-01 --out out.csv --incidents "
WRONG: list[tuple[str, int, str]] = [
    ("import incidents nothing.csv", 2, "does not exist"),
    ("import incidents", 2, "Missing argument"),
    ("import incidents empty.csv", 1, "The first line must name the columns"),
    ("import incidents columns.csv", 1, "has no column"),
    ("import incidents damaged.csv.gz", 1, "damaged gzip"),
    ("import incidents rows.csv", 1, "must be a date"),
    ("import places columns.csv", 1, "has no column code"),
    ("import places damaged.csv.gz", 1, "damaged gzip"),
    ("import places places.geojson", 1, "GeoJSON FeatureCollection"),
    (REPLAY + "nothing.csv", 2, "does not exist"),
    (REPLAY + "columns.csv", 1, "has no column"),
    (REPLAY + "damaged.csv.gz", 1, "damaged"),
    (REPLAY + "rows.csv", 1, "must be a date"),
    (REPLAY + "good.csv --profile profile.yaml", 1, "The profile cannot be used"),
    (REPLAY + "good.csv --to soon", 2, "does not match"),
    (REPLAY + "good.csv --to 2011-01-01", 1, "Give an earlier --from date"),
    (REPLAY + "good.csv --out nowhere/out.csv", 1, "Choose a folder"),
    ("replay --incidents good.csv", 2, "Missing option"),
    ("score PK-NOWHERE", 1, "There is no place with the code PK-NOWHERE"),
    ("score PK-KP-MARDAN --at yesterday", 2, "Write it like 2024-05-31"),
    ("score PK-KP-MARDAN --at 2199-01-01", 1, "Give a time in the past"),
    ("export kittens", 2, "is not one of"),
    ("export incidents --as nobody", 1, "There is nobody with the sign-in name nobody"),
    ("export incidents --out nowhere/x.csv", 1, "Choose a folder"),
    ("export evaluation --format geojson", 2, "Use --format csv or json"),
]


def test_wrong_use_gets_words_and_a_status_and_leaves_nothing_behind(concord: Terminal, town: Town) -> None:
    for name, content in wrong_files().items():
        Path(name).write_bytes(content)
    before = counts(town.runtime.worker)
    for line, status, words in WRONG:
        assert concord(*line.split()) == status, (line, concord.out, concord.err)
        assert words in concord.err, (line, concord.err)
    assert counts(town.runtime.worker) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("CONCORD_DATABASE_URL", "mysql://x"), ("CONCORD_ENGINE", "steam"), ("CONCORD_SECRET_KEY", "short")],
)
def test_a_bad_setting_is_a_problem_of_every_command(
    alone: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert alone("doctor") == 1
    assert name in alone.err


def test_times_are_utc_unless_they_say_otherwise() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for text in ("2012-01-02", "2012-01-02T00:00", "2012-01-02T05:00+05:00"):
        assert past_moment(text, now) == datetime(2012, 1, 2, tzinfo=UTC)
