"""Reading files of incidents: each format is known by its header, each bad row gets its reason, and nothing else escapes."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from committees.intake import csv_files
from committees.intake.csv_files import Event, Line
from committees.intake.foreign_places import two_letters, zone_in
from committees.intake.ucdp import letters_of
from foundation.errors import Problem

REPLAY = "source_id,date,date_known,locality,latitude,longitude,category,severity,deaths"
UCDP = "id,relid,year,type_of_violence,date_start,date_end,where_prec,adm_1,adm_2,country,latitude,longitude,best"
ACLED = (
    "event_id_cnty,event_date,event_type,sub_event_type,country,admin1,admin2,latitude,longitude,fatalities"
)
OWN = "locality,kind,occurred_at,severity,how_known,grade,text"


def read(folder: Path, header: str, *rows: str) -> tuple[str, list[Line]]:
    path = folder / "file.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    with csv_files.events(path) as found:
        return found.format.name, list(found.lines)


def event(folder: Path, header: str, row: str) -> Event:
    _name, [line] = read(folder, header, row)
    assert line.event is not None, line.reason
    return line.event


def test_the_replays_columns_count_from_noon_utc_of_the_day_it_was_known(tmp_path: Path) -> None:
    found = event(tmp_path, REPLAY, "S1,2013-01-02,2013-01-05,PAK:Swat,35.2,72.4,state based,4,2")
    assert found.known_at == found.occurred_at == datetime(2013, 1, 5, 12, tzinfo=UTC)
    assert (found.kind, found.severity, found.source, found.grade) == ("imported:state_based", 4, "S1", "")
    assert (found.where.code, found.where.latitude, found.where.longitude) == ("PAK:Swat", 35.2, 72.4)


def test_ucdp_events_end_on_their_last_day_and_share_their_district(tmp_path: Path) -> None:
    row = "59431,PAK-1989,1989,2,1989-01-23 00:00:00.000,1989-01-25 00:00:00.000,3,Sindh province,Sukkur district,Pakistan,27.7,68.85,3"
    found = event(tmp_path, UCDP, row)
    assert found.known_at == datetime(1989, 1, 25, 12, tzinfo=UTC)
    assert (found.where.code, found.where.name, found.kind, found.severity) == (
        "PAK:Sukkur",
        "Sukkur",
        "imported:non_state",
        4,
    )


@pytest.mark.parametrize(
    ("best", "severity"), [("", 3), ("0", 3), ("1", 4), ("4.0", 4), ("5", 5), ("900", 5)]
)
def test_deaths_give_the_severity(tmp_path: Path, best: str, severity: int) -> None:
    row = f"1,R,1989,1,1989-01-25,1989-01-25,1,Sindh,,India,27.7,68.85,{best}"
    assert event(tmp_path, UCDP, row).severity == severity


def test_acled_protests_and_violence(tmp_path: Path) -> None:
    rows = [
        "IND1,31 May 2024,Protests,Peaceful protest,India,Kerala,Kannur,11.8,75.4,0",
        "IND2,2024-05-31,Protests,Protest with intervention,India,Kerala,Kannur,11.8,75.4,0",
        "IND3,2024-05-31,Riots,Mob violence,India,Kerala,Kannur,11.8,75.4,2",
        "IND4,2024-05-31,Strategic developments,Agreement,India,Kerala,Kannur,11.8,75.4,0",
    ]
    name, lines = read(tmp_path, ACLED, *rows)
    assert name == "ACLED"
    assert [line.event.severity if line.event else line.reason for line in lines] == [
        "A peaceful protest is lawful and no incident: it is left out.",
        2,
        4,
        "event_type 'Strategic developments' is not an incident.",
    ]
    assert lines[1].event is not None
    assert lines[1].event.where.code == "IND:Kannur"


def test_own_columns_keep_local_time_and_skip_the_row_of_hxl_tags(tmp_path: Path) -> None:
    tags = "#adm+code,#event+type,#date+occurred,#severity,,,"
    name, [line] = read(tmp_path, OWN, tags, "PK-KP-MARDAN-W7,threat,2026-05-31T18:30,3,saw,b2,Words")
    assert name == "Concord"
    assert line.event is not None
    assert line.event.occurred_at == datetime(2026, 5, 31, 18, 30)
    assert (line.event.grade, line.event.how_known, line.event.text) == ("B2", "saw", "Words")


@pytest.mark.parametrize(
    ("header", "row", "reason"),
    [
        (REPLAY, "S1,2013-01-02,2013-13-05,P:A,1,2,x,4,2", "date_known must be a date"),
        (REPLAY, "S1,2013-01-02,2013-01-01,P:A,1,2,x,4,2", "nothing is known before it happens"),
        (REPLAY, "S1,2013-01-02,2013-01-02,P:A,1,2,x,6,2", "severity must be a whole number from 1 to 5"),
        (REPLAY, ",2013-01-02,2013-01-02,P:A,1,2,x,4,2", "source_id is empty"),
        (REPLAY, "S1,2013-01-02,2013-01-02,P:A,91,2,x,4,2", "latitude must be degrees"),
        (REPLAY, "S1,2013-01-02,2013-01-02,P:A,nan,2,x,4,2", "latitude must be degrees"),
        (REPLAY, "S1,2013-01-02,2013-01-02", "The row has 3 fields"),
        (REPLAY, "S1,0013-01-02,2013-01-02,P:A,1,2,x,4,2", "must lie between 1900 and 2200"),
        (UCDP, "1,R,1989,4,1989-01-25,1989-01-25,1,S,,India,1,2,0", "type_of_violence must be"),
        (UCDP, "1,R,1989,1,1989-01-25,1989-01-25,6,S,,India,1,2,0", "only the country is known"),
        (UCDP, "1,R,1989,1,1989-01-25,1989-01-25,1,,,India,1,2,0", "adm_1 and adm_2 are empty"),
        (UCDP, "1,R,1989,1,1989-01-25,1989-01-25,1,S,,India,1,2,many", "best must be a whole number"),
        (OWN, "P,quarrel,2026-05-31,3,saw,,", "kind 'quarrel' is not on the list"),
        (OWN, "P,threat,2026-05-31,3,dreamt,,", "how_known must be one of"),
        (OWN, "P,threat,2026-05-31,3,saw,Z9,", "grade must be a letter"),
        (OWN, "P,threat,yesterday,3,saw,,", "occurred_at must be a date"),
    ],
)
def test_a_bad_row_says_what_is_wrong_with_it(tmp_path: Path, header: str, row: str, reason: str) -> None:
    _name, [line] = read(tmp_path, header, row)
    assert line.event is None
    assert reason in line.reason


def test_acleds_newest_columns_and_a_region_that_is_all_that_is_known(tmp_path: Path) -> None:
    """The export of today: codes and words that are not read stand between those that are."""
    head = (
        "event_id_cnty,event_date,year,time_precision,disorder_type,event_type,sub_event_type,actor1,assoc_actor_1,inter1,actor2,assoc_actor_2,"
        "inter2,interaction,civilian_targeting,iso,region,country,admin1,admin2,admin3,location,latitude,longitude,geo_precision,source,"
        "source_scale,notes,fatalities,tags,timestamp"
    )
    row = (
        "PAK1,2024-05-31,2024,2,Political violence,Riots,Mob violence,Rioters (Pakistan),,Rioters,,,,Rioters only,,586,South Asia,Pakistan,"
        'Khyber Pakhtunkhwa,Mardan,Mardan,Mardan,34.2,72.04,{},"Dawn, Geo",National,"A man named Ahmed",0,crowd size=no report,1717400000'
    )
    near, far = event(tmp_path, head, row.format(1)), event(tmp_path, head, row.format(3))
    assert (near.where.code, far.where.code) == ("PAK:Mardan", "PAK:Khyber Pakhtunkhwa")
    assert near.text == "", "words about persons are not taken in"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_separators_and_alphabets_of_other_programs(tmp_path: Path, delimiter: str, encoding: str) -> None:
    """KoboToolbox exports with semicolons, Excel with those of its country and a line that says so."""
    lines = [OWN, 'PK-KP-MARDAN,rumour,2024-05-31,2,heard,F4,"ا; b, c"']
    text = "\n".join(lines).replace(",", delimiter).replace(f"ا; b{delimiter} c", "ا; b, c")
    path = tmp_path / "file.csv"
    path.write_text((f"sep={delimiter}\n" if encoding == "utf-16" else "") + text, encoding=encoding)
    with csv_files.events(path) as found:
        [line] = found.lines
    assert line.event is not None, line.reason
    assert line.event.text == "ا; b, c"


@given(st.lists(st.text(max_size=12), min_size=0, max_size=14), st.sampled_from([REPLAY, UCDP, ACLED, OWN]))
def test_no_row_whatever_it_holds_escapes_with_anything_but_a_reason(cells: list[str], header: str) -> None:
    columns = header.split(",")
    found = next(one for one in csv_files.formats() if set(one.columns) <= set(columns))
    for line in csv_files._lines(found, columns, iter([(2, cells)])):
        assert (line.event is None) == bool(line.reason)


def test_one_row_has_one_id_wherever_it_stands_and_another_row_another(tmp_path: Path) -> None:
    row = "S1,2013-01-02,2013-01-05,PAK:Swat,35.2,72.4,state based,4,2"
    _name, [one, again, other] = read(tmp_path, REPLAY, row, row, row.replace("S1", "S2"))
    assert one.event
    assert again.event
    assert other.event
    assert one.event.id == again.event.id != other.event.id


def test_rejected_rows_can_be_mended_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    rejected = [(("P", "quarrel", "2026-05-31", "3", "saw", "", "a, b"), "kind is not on the list")]
    target = csv_files.write_rejected(path, OWN.split(","), rejected)
    assert target == tmp_path / "file.csv.rejected.csv"
    assert target.read_text().splitlines() == [
        f"{OWN},reason",
        'P,quarrel,2026-05-31,3,saw,,"a, b",kind is not on the list',
    ]
    target.write_text(target.read_text().replace("quarrel", "threat"))
    with csv_files.events(target) as found:
        [line] = found.lines
        assert line.event is not None
        assert line.event.text == "a, b"


def test_rejected_rows_go_to_the_current_folder_where_the_files_own_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = csv_files.write_rejected(tmp_path / "closed" / "x.csv", ["a"], [(["1"], "why")])
    assert target == tmp_path / "x.csv.rejected.csv"
    assert csv_files.write_rejected(tmp_path / "y.csv", ["a"], []) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"a,b,c\n1,2,3\n", "has no column"),
        (b"source_id,date,date_known,locality,category\n", "has no column severity"),
        (gzip.compress(b"locality,kind,occurred_at\n" * 5000, mtime=0)[:60], "damaged gzip"),
        (b"\x1f\x8bnot gzip at all", "damaged gzip"),
        (
            "locality,kind,occurred_at,text\na,rumour,2024-05-31,Straße\n".encode("cp1252"),
            "not written in UTF-8",
        ),
        (b"PK\x03\x04 xlsx", "is a workbook"),
        (b'locality,kind,occurred_at\n"' + b"x" * 200_000, "is not a CSV file"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "file.csv.gz"
    path.write_bytes(content)
    with pytest.raises(Problem, match=words) as raised, csv_files.events(path) as found:
        list(found.lines)
    assert raised.value.hint


def test_countries_are_known_by_their_letters_and_have_a_zone() -> None:
    named = ("Pakistan", "Myanmar (Burma)", "Sri Lanka", "Atlantis")
    assert [letters_of(name) for name in named] == ["PAK", "MMR", "LKA", "ATLANTIS"]
    assert [two_letters(code) for code in ("PAK", "pk", "BGDU", "")] == ["PK", "PK", "", ""]
    assert [zone_in(code) for code in ("PK", "MV", "??")] == ["Asia/Karachi", "Indian/Maldives", "UTC"]
