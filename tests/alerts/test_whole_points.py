"""Points in whole numbers: they add up to what is shown, none moves by one, and the hidden stays a number."""

from hypothesis import given
from hypothesis import strategies as st

from alerts.risk import levels
from alerts.whole_points import MOST, Line, band, grouped, shown_total, table, whole

parts = st.lists(st.floats(-20, 60, allow_nan=False), min_size=1, max_size=15)


@given(parts)
def test_whole_points_add_up_and_stay_near(points: list[float]) -> None:
    total = round(sum(points))
    rounded = whole(points, total)
    assert sum(rounded) == total
    assert all(abs(n - p) <= 1 for n, p in zip(rounded, points, strict=True))


@given(st.floats(0, 1))
def test_the_number_shown_lies_in_the_band_of_its_level(p28: float) -> None:
    low, high = band(levels.level_of(p28))
    assert low <= shown_total(p28) <= high
    assert abs(shown_total(p28) - 100 * p28) <= 1


def test_the_bands_are_those_of_the_score() -> None:
    assert [band(level) for level in range(1, 6)] == [(0, 4), (5, 14), (15, 34), (35, 64), (65, 100)]


@given(st.lists(st.floats(0, 9), min_size=1, max_size=30))
def test_a_long_table_is_joined_and_still_adds_up(points: list[float]) -> None:
    up, down = table([Line("older", p) for p in points], round(sum(points)))
    assert len(up) <= MOST
    assert down == []
    assert sum(n for _line, n in up) == round(sum(points))


def test_incidents_that_a_reader_may_not_see_are_one_line_without_a_kind() -> None:
    lines = [
        {"key": "incident", "id": "a", "points": 3.0},
        {"key": "incident", "id": "b", "points": 2.0},
        {"key": "incident", "id": "c", "points": 1.0},
        {"key": "incident", "id": "d", "points": 0.5},
        {"key": "background", "id": "", "points": 0.6},
    ]
    seen = {
        "a": {"kind": "threat", "how": "saw", "when": 1, "day": "Mon"},
        "b": {"kind": "threat", "how": "told", "when": 2, "day": "Tue"},
    }
    found = {line.key: line for line in grouped(lines, seen)}
    assert found["incidents"].incidents == ("b", "a")
    assert found["incidents"].values["day"] == "Tue"
    assert found["hidden"].points == 1.5
    assert found["hidden"].incidents == ()
    assert dict(found["hidden"].values) == {"n": 2}
