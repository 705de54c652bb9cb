"""The replay is causal, repeats nothing, and gives what production would have given."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.risk.calibration import Tally
from alerts.risk.replay import (
    Incident,
    Profile,
    ReplayResult,
    read_incidents,
    read_neighbours,
    read_profile,
    replay,
    write_rejected,
    write_scores,
    write_surge,
    write_warnings,
)
from alerts.risk.replay_sums import issued_at, week_number
from alerts.risk.scoring import RunningSum, capped, incident_weight, neighbour_mean, score
from alerts.risk.surge import surge_probability
from foundation.errors import Invalid, Problem

MONDAY = date(2020, 1, 6)
DAY0 = MONDAY.toordinal() - date(1970, 1, 1).toordinal()
NEAR = {"X:a": ["X:b", "X:c"], "X:b": ["X:a"], "X:c": ["X:a", "Y:d", "X:b"]}
HEADER = "source_id,date,date_known,locality,category,severity"


def made(
    day: float, locality: str = "X:a", severity: int = 4, source: str = "s1", delay: int = 0, **more: Any
) -> Incident:
    """Make an incident that became known so many days after the first Monday, at noon."""
    known = DAY0 + day + 0.5
    fields = {"category": "clash", "credibility": 1.0, "fatal": severity >= 4, **more}
    return Incident(
        known,
        locality,
        fields["category"],
        source,
        severity,
        fields["credibility"],
        known - delay,
        fields["fatal"],
    )


incidents = st.builds(
    made,
    st.integers(0, 400),
    st.sampled_from(["X:a", "X:b", "X:c", "Y:d", "Y:e"]),
    st.integers(1, 5),
    st.sampled_from(["s1", "s2", "s3"]),
    st.integers(0, 60),
    category=st.sampled_from(["clash", "rumour"]),
    credibility=st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]),
)
histories = st.lists(incidents, max_size=40, unique=True)


def full(
    history: Sequence[Incident], start: int = 0, end: int = 60, profile: Profile | None = None
) -> ReplayResult:
    """Replay weeks counted from the first Monday, with everything switched on."""
    first, last = MONDAY + timedelta(weeks=start), MONDAY + timedelta(weeks=end)
    return replay(history, NEAR, first, last, profile, calibrate=True, with_surge=True, with_warnings=True)


def column(result: ReplayResult, week: int) -> list[tuple[Any, ...]]:
    """Return everything that one week says, by locality."""
    assert result.surge is not None
    assert result.kappa is not None
    numbers = (result.scores, result.levels, result.surge, result.kappa)
    return [(name, *(n[i, week].item() for n in numbers)) for i, name in enumerate(result.localities)]


@given(histories, st.integers(0, 60))
@settings(max_examples=25, deadline=None)
def test_the_future_changes_no_digit(history: list[Incident], cut: int) -> None:
    """Cutting the data at the end of any week leaves every score up to it exactly as it was."""
    edge = DAY0 + 7 * (cut + 1)
    known = [i for i in history if i.known < edge]
    whole, part = full(history, 0, 60), full(known, 0, 60)
    for week in range(cut + 1):
        lived = {row[0]: row for row in column(whole, week)}
        assert all(lived[row[0]] == row for row in column(part, week))
    until = (datetime(2020, 1, 6, tzinfo=UTC) + timedelta(weeks=cut + 1)).strftime("%Y-%m-%dT%H:%MZ")
    assert [w for w in whole.warnings if w.at <= until] == [w for w in part.warnings if w.at <= until]


@given(histories, st.randoms(use_true_random=False), st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_neither_order_nor_range_changes_a_digit(history: list[Incident], random: Any, start: int) -> None:
    """Rows in another order, and a range that begins later, give the same weeks to the last digit."""
    shuffled = list(history)
    random.shuffle(shuffled)
    whole, part = full(history), full(shuffled, start)
    assert part.weeks == whole.weeks[start:]
    assert all(column(part, week) == column(whole, week + start) for week in range(61 - start))


def test_equal_moments_are_added_in_one_order() -> None:
    """Six voices at one noon give the same digits in whatever order they stand in the file."""
    noon = [
        made(3, severity=1 + n % 3, source=f"s{n}", credibility=(0.2, 0.8, 0.5)[n // 2]) for n in range(6)
    ]
    scores = {replay(order, NEAR, MONDAY, MONDAY).scores.tobytes() for order in permutations(noon)}
    assert len(scores) == 1


def production(history: Sequence[Incident], week: int, profile: Profile) -> dict[str, float]:
    """Score one moment the way the worker does: running sums per locality, one incident at a time."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=issued_at(week_number(MONDAY) + week))
    groups: dict[tuple[str, str, int], list[Incident]] = {}
    for i in sorted(history):
        if datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=i.known) < at:
            groups.setdefault((i.locality, i.category, int(i.known)), []).append(i)
    c = profile.coefficients
    sums = {
        name: (RunningSum(c.half_life_fast), RunningSum(c.half_life_slow))
        for name in ("X:a", "X:b", "X:c", "Y:d", "Y:e")
    }
    for group in groups.values():
        weights = [
            incident_weight(i.severity, i.credibility, profile.multipliers.get(i.category, 1.0), c)
            for i in group
        ]
        for i, weight in zip(group, capped(weights, len({i.source_id for i in group})), strict=True):
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=i.known)
            fast, slow = sums[i.locality]
            sums[i.locality] = (fast.add(moment, weight), slow.add(moment, weight))
    now = {name: (fast.decayed(at), slow.decayed(at)) for name, (fast, slow) in sums.items()}
    return {
        name: score(F, S, neighbour_mean(now[n][0] for n in NEAR.get(name, ())), coefficients=c).p28
        for name, (F, S) in now.items()
    }


@given(histories, st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_replay_equals_production(history: list[Incident], week: int) -> None:
    """What history replays to is what the running sums would have said, to 1e-9."""
    profile = Profile(multipliers={"rumour": 0.5, "clash": 1.5})
    result = replay(history, NEAR, MONDAY, MONDAY + timedelta(weeks=60), profile)
    expected = production(history, week, profile)
    for i, name in enumerate(result.localities):
        assert result.scores[i, week] == pytest.approx(expected[name], rel=1e-9, abs=1e-12)


@given(histories)
@settings(max_examples=25, deadline=None)
def test_kappa_equals_production(history: list[Incident]) -> None:
    """The replay's kappa is the tally's: windows that finished, with the outcomes known by then."""
    timely = [i._replace(happened=i.known, locality="X:" + i.locality[2:]) for i in history]
    deaths = [i for i in timely if i.fatal and i.credibility >= 0.5]
    near: dict[str, list[str]] = {f"X:{n}": [] for n in "abcde"}
    result = replay(timely, near, MONDAY, MONDAY + timedelta(weeks=60), calibrate=True)
    plain = replay(timely, near, MONDAY, MONDAY + timedelta(weeks=60))
    assert result.kappa is not None
    began = min((int(i.known - DAY0) // 7 for i in timely), default=99)
    tally, start = Tally(), datetime(2020, 1, 6, tzinfo=UTC)
    for week in range(61):
        opened = week - 4
        if opened >= began:
            low = DAY0 + 7 * (opened + 1)
            hit = {i.locality for i in deaths if low < i.known <= low + 28}
            tally = tally.add(start + timedelta(weeks=week + 1), plain.scores[:, opened].tolist(), len(hit))
        expected = tally.kappa(start + timedelta(weeks=week + 1))
        assert result.kappa[0, week] == pytest.approx(expected, rel=1e-9)
    assert np.all(result.kappa == result.kappa[0])


def test_kappa_learns_late_deaths_late() -> None:
    """An outcome counts from when it became known, and then in the window in which it happened."""
    early = [made(0, severity=1)]
    late = [*early, made(70, delay=60)]
    before, after = full(early), full(late)
    assert before.kappa is not None
    assert after.kappa is not None
    place = before.localities.index("X:a")
    assert np.array_equal(before.kappa[place, :10], after.kappa[place, :10])
    assert after.kappa[place, 10] > before.kappa[place, 10]
    assert np.all(after.kappa[after.localities.index("Y:d")] <= 1)


def test_a_second_death_does_not_hide_the_first() -> None:
    """A window counts from the first of its deaths that became known."""
    began, first, second = made(0, severity=1), made(14), made(70, delay=56)
    early, both = full([began, first]), full([began, first, second])
    assert early.kappa is not None
    assert both.kappa is not None
    assert np.array_equal(early.kappa[:, :10], both.kappa[:, :10])
    assert early.kappa.max() > 1


def test_the_products_kappa_is_held() -> None:
    """Within bounds if they are given, without if not."""
    calm = [made(0, severity=1)]
    calm += [made(week * 7, name, 3, fatal=False) for week in range(150) for name in ("X:a", "X:b", "X:c")]
    end = MONDAY + timedelta(weeks=150)
    free = replay(calm, NEAR, MONDAY, end, calibrate=True)
    bounded = replay(calm, NEAR, MONDAY, end, calibrate=True, kappa_bounds=(0.5, 2.0))
    assert free.kappa is not None
    assert bounded.kappa is not None
    assert free.kappa.min() < 0.5 == bounded.kappa.min()


@given(histories, st.integers(0, 115))
@example([made(0, source=f"s{n}") for n in range(10)] + [made(490, source=f"s{n}") for n in range(4)], 75)
@settings(max_examples=25, deadline=None)
def test_surge_equals_counting(history: list[Incident], week: int) -> None:
    """The counts carried from week to week are those of counting the last year anew."""
    believed = [i for i in history if i.credibility]
    each = [i._replace(source_id=f"s{n}") for n, i in enumerate(believed)]
    result = full(each, end=115)
    assert result.surge is not None
    issued = DAY0 + 7 * (week + 1)

    def count(name: str, half_life: float) -> float:
        ages = [issued - i.known for i in each if i.locality == name and i.known < issued]
        return sum(2 ** (-age / half_life) for age in ages)

    for place, name in enumerate(result.localities):
        violent = [i.known for i in each if i.locality == name and i.severity >= 3]
        ends = [issued - 7 * back for back in range(52)]
        windows = [sum(end - 28 <= known < end for known in violent) for end in ends]
        near = neighbour_mean(count(n, 14) for n in NEAR.get(name, ()))
        squares = sum(w * w for w in windows)
        expected = surge_probability(count(name, 14), count(name, 180), near, sum(windows), squares)
        assert result.surge[place, week] == pytest.approx(float(expected), rel=1e-9, abs=1e-12)


def test_surge_by_hand() -> None:
    """A quiet year and three incidents in one week give the probability of section and pencil."""
    history = [made(364 + day, source=f"s{day}") for day in (0, 1, 2)]
    result = full(history)
    assert result.surge is not None
    place = result.localities.index("X:a")
    ages = [6.5, 5.5, 4.5]
    fast, slow = (sum(2 ** (-age / h) for age in ages) for h in (14, 180))
    mean, size = 0.053 + 0.477 * fast + 0.035 * slow, 1.19
    share = mean / (mean + size)
    none = (1 - share) ** size
    below_three = none * (1 + size * share + size * (size + 1) / 2 * share**2)
    assert result.surge[place, 52] == pytest.approx(1 - below_three, rel=1e-12)


@given(histories)
@settings(max_examples=30, deadline=None)
def test_every_warning_says_why(history: list[Incident]) -> None:
    """Each has its kind's level and reasons; the points in the reasons of a level add up to its score."""
    result = full(history)
    for warned in result.warnings:
        assert warned.kind in ("level", "grave", "surge")
        assert warned.level >= 3
        assert all(sentence.endswith(".") for sentence in warned.reasons)
        if warned.kind == "level":
            points = re.findall(r"([\d.]+) (?:of [\d.]+ )?points", " ".join(warned.reasons))
            assert sum(map(float, points)) == pytest.approx(100 * warned.score, abs=0.3)
    grave = [i for i in history if i.severity >= 4 and i.credibility >= 0.8]
    assert sum(w.kind == "grave" for w in result.warnings) <= len(grave)


def test_each_kind_of_warning() -> None:
    """Killings all around after a quiet year warn at once, by level and by surge, the latter two once."""
    history = [made(364 + n // 2, name, 5, f"s{n}") for n in range(14) for name in ("X:a", "X:b", "X:c")]
    kinds = [(w.kind, w.locality) for w in full(history).warnings]
    assert kinds.count(("grave", "X:a")) == 14
    assert kinds.count(("level", "X:a")) == 1
    assert kinds.count(("surge", "X:a")) == 1


def test_a_rumour_of_a_killing_does_not_warn_at_once() -> None:
    """Low credibility waits for a call back."""
    assert not full([made(10, credibility=0.5)]).warnings
    assert full([made(10, credibility=0.8)]).warnings


def written(path: Path, *rows: str, header: str = HEADER) -> Path:
    """Write a small CSV."""
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


GOOD = "s1,2020-02-01,2020-02-03,X:a,clash,4"


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (",2020-02-01,2020-02-03,X:a,clash,4", "source_id is empty"),
        ("s1,,2020-02-03,X:a,clash,4", "date is empty"),
        ("s1,2020-02-01,,X:a,clash,4", "date_known is empty"),
        ("s1,2020-02-01,2020-02-03,,clash,4", "locality is empty"),
        ("s1,2020-02-01,2020-02-03,X:a,,4", "category is empty"),
        ("s1,2020-02-01,2020-02-03,X:a,clash,6", "severity must be 1 to 5"),
        ("s1,2020-02-01,2020-02-03,X:a,clash,4.5", "severity must be 1 to 5"),
        ("s1,2020-02-30,2020-03-03,X:a,clash,4", "date must be a date"),
        ("s1,2020-02-01,yesterday,X:a,clash,4", "date_known must be a date"),
        ("s1,1020-02-01,1020-02-03,X:a,clash,4", "must be a date"),
        ("s1,2020-02-04,2020-02-03,X:a,clash,4", "before it happens"),
        ("s1,2020-02-01,2020-02-03,X:a", "has 4 fields"),
        (GOOD, "read before"),
    ],
)
def test_bad_rows_say_why(tmp_path: Path, row: str, word: str) -> None:
    """A bad row is put aside with its reason and its line; the good ones are kept."""
    path = written(tmp_path / "in.csv", GOOD, row, "s2,2020-02-01,2020-02-03,X:b,clash,3")
    found = read_incidents([path])
    assert [i.locality for i in found.incidents] == ["X:a", "X:b"]
    (rejected,) = found.rejected
    assert word in rejected.reason
    assert (rejected.file, rejected.line) == ("in.csv", 3)
    write_rejected(tmp_path / "in.csv.rejected.csv", found.rejected)
    lines = list(csv.reader((tmp_path / "in.csv.rejected.csv").read_text().splitlines()))
    assert lines[0] == ["file", "line", "reason", "row"]
    assert lines[1][3:] == row.split(",")


@pytest.mark.parametrize("more", ["Z9,0", "B2,some", "B2,-1"])
def test_bad_grades_and_deaths(tmp_path: Path, more: str) -> None:
    """Optional columns are checked too."""
    path = written(tmp_path / "in.csv", f"{GOOD},{more}", header=f"{HEADER},grade,deaths")
    assert len(read_incidents([path]).rejected) == 1


def test_grade_deaths_and_times(tmp_path: Path) -> None:
    """A grade becomes a weight, deaths decide what is fatal, a time with a zone counts to the minute."""
    path = written(
        tmp_path / "in.csv",
        "s1,2020-02-01,2020-02-03,X:a,clash,4,B3,0",
        "s1,2020-02-01T08:00:00+05:00,2020-02-03T05:00+05:00,X:a,clash,3,,",
        header=f"{HEADER},grade,deaths",
    )
    first, second = read_incidents([path]).incidents
    assert (first.credibility, first.fatal, second.fatal) == (0.5, False, False)
    assert first.known % 1 == 0.5
    assert second.known == first.known - 0.5


def test_files_given_twice_change_nothing(tmp_path: Path) -> None:
    """The same rows again, packed or not, give the same bytes."""
    rows = [
        f"s{n},2020-0{1 + n % 9}-11,2020-0{1 + n % 9}-12,X:{'abc'[n % 3]},clash,{1 + n % 5}"
        for n in range(30)
    ]
    path = written(tmp_path / "in.csv", *rows)
    packed = tmp_path / "again.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    outs = []
    for name, paths in (("one.csv", [path]), ("two.csv", [path, packed])):
        found = read_incidents(paths)
        write_scores(replay(found.incidents, NEAR, MONDAY, date(2020, 12, 31)), tmp_path / name)
        outs.append((tmp_path / name).read_bytes())
    assert outs[0] == outs[1]


def test_one_source_cannot_talk_a_place_up() -> None:
    """One source repeating itself on a day adds exactly nothing; a second source does."""
    once = [made(10, severity=3)]
    again = [*once, *(made(10, severity=s) for s in (1, 2))]
    assert np.array_equal(full(once).scores, full(again).scores)
    assert full([*once, made(10, severity=3, source="s2")]).scores.max() > full(once).scores.max()


def test_missing_columns(tmp_path: Path) -> None:
    """A file without a needed column is refused as a whole."""
    with pytest.raises(Problem, match="no column severity"):
        read_incidents([written(tmp_path / "in.csv", header=HEADER.replace(",severity", ""))])
    with pytest.raises(Problem, match="no column neighbour"):
        read_neighbours(written(tmp_path / "near.csv", header="locality"))


def test_neighbours(tmp_path: Path) -> None:
    """Repeats and a place that borders itself are left out; a place may have none."""
    path = written(
        tmp_path / "near.csv", "a,b,x", "a,b,x", "a,a,x", "c,,x", header="locality,neighbour,basis"
    )
    assert read_neighbours(path) == {"a": ["b"], "c": []}
    with pytest.raises(Problem, match="Line 2"):
        read_neighbours(written(path, ",b", header="locality,neighbour"))


def test_every_locality_and_week_is_written(tmp_path: Path) -> None:
    """The range's first and last day are in their weeks, and places without incidents are there too."""
    result = replay(
        [made(3, severity=5)], NEAR, date(2020, 1, 8), date(2020, 1, 20), with_surge=True, with_warnings=True
    )
    write_scores(result, tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert list(rows[0]) == ["locality", "week", "score", "level"]
    weeks = ["2020-01-06", "2020-01-13", "2020-01-20"]
    assert [(r["locality"], r["week"]) for r in rows] == [
        (name, week) for week in weeks for name in ("X:a", "X:b", "X:c", "Y:d")
    ]
    expected = score(2.25 * 2 ** (-3.5 / 14), 2.25 * 2 ** (-3.5 / 180), 0.0).p28
    assert float(rows[0]["score"]) == pytest.approx(expected, rel=1e-11)
    assert rows[0]["level"] == "3"
    write_surge(result, tmp_path / "surge.csv.gz")
    assert gzip.decompress((tmp_path / "surge.csv.gz").read_bytes()).count(b"\n") == 13
    write_warnings(result, tmp_path / "alerts.csv")
    warned = csv.DictReader((tmp_path / "alerts.csv").read_text().splitlines())
    assert [row["kind"] for row in warned] == ["grave", "level"]
    with pytest.raises(ValueError, match="without the surge"):
        write_surge(replay([], NEAR, MONDAY, MONDAY), tmp_path / "none.csv")


def test_no_incidents_is_background_everywhere() -> None:
    """Silence is a score too; an empty range is a mistake."""
    steps: list[tuple[int, int]] = []
    result = replay([], NEAR, MONDAY, MONDAY + timedelta(weeks=2), progress=lambda *step: steps.append(step))
    assert np.allclose(result.scores, score(0, 0, 0).p28, rtol=0, atol=0)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(Invalid, match="range"):
        replay([], NEAR, MONDAY, MONDAY - timedelta(days=1))


def test_levels_fall_late() -> None:
    """The level in the file is the one with memory."""
    result = full([made(0, severity=5), made(1, severity=5)])
    place = result.localities.index("X:a")
    without = np.digitize(result.scores[place], [0.05, 0.15, 0.35, 0.65]) + 1
    assert np.all(result.levels[place] >= without)
    assert np.any(result.levels[place] > without)


def test_profile_files(tmp_path: Path) -> None:
    """A profile changes what it names and nothing else; out of bounds is refused."""
    path = tmp_path / "profile.yaml"
    path.write_text("{}")
    assert read_profile(path) == Profile()
    path.write_text(
        "coefficients: {half_life_fast: 10}\nkinds: [{key: rumour, multiplier: 0.5}, {key: clash}]\n"
    )
    profile = read_profile(path)
    assert profile.coefficients.half_life_fast == 10
    assert profile.coefficients.half_life_slow == 180
    assert profile.multipliers == {"rumour": 0.5, "clash": 1.0}
    path.write_text(json.dumps({"boundaries": [0.1, 0.2, 0.3, 0.4], "multipliers": {"clash": 2}}))
    assert read_profile(path).boundaries == (0.1, 0.2, 0.3, 0.4)


HOLDS = "soft: {bound: 0.1, holds_peace: {some: -0.01, strong: -0.02}, holds_peace_bound: 0.03, holds_peace_days: 20}\n"


def test_what_holds_peace_lowers_the_weeks_in_which_it_was_seen_lately(tmp_path: Path) -> None:
    """Only between its day and its end, by its size in the exponent, and in the reasons of a warning; never a golden number."""
    path = tmp_path / "profile.yaml"
    path.write_text(
        HOLDS + "holds_peace: [{key: a, label: Elders, strength: strong, last_seen: 2020-01-22}]\n"
    )
    history = [made(1, severity=5)]
    plain, held = (replay(history, NEAR, MONDAY, date(2020, 2, 20), p) for p in (None, read_profile(path)))
    row = plain.localities.index("X:a")
    exponents = [-np.log1p(-one.scores[row]) for one in (plain, held)]
    assert exponents[0] - exponents[1] == pytest.approx([0, 0, 0.02, 0.02, 0.02, 0, 0], abs=1e-12)
    path.write_text("holds_peace: [{key: a, label: Elders, strength: strong, last_seen: 2020-01-22}]\n")
    assert read_profile(path) == Profile()  # without sizes it is words alone


@pytest.mark.parametrize(
    "text",
    [HOLDS + "holds_peace: [{key: a, label: x, strength: huge, last_seen: 2020-01-22}]"]
    + [
        HOLDS + "holds_peace: [{key: a, label: x, strength: some}]",
        "[",
        "- a",
        "multipliers: {clash: 3}",
        "coefficients: {fats: 1}",
        "coefficients: {fast: much}",
    ]
    + [
        "boundaries: [0.3, 0.2, 0.4, 0.5]",
        "coefficients: {severity_weights: 3}",
        "multipliers: {clash: big}",
    ],
)
def test_profiles_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    """Each is refused as a problem for a person, not a traceback."""
    path = tmp_path / "profile.yaml"
    path.write_text(text)
    with pytest.raises(Problem):
        read_profile(path)
