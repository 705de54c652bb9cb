"""Pictures are well-formed, carry no inline style, say in words what they show, and know right from left."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.outlines import area_of, fit, path_of, widest_room
from alerts.pictures import WIDTH, ChartWords, Week, chart_key, describe, history_chart, level_shape
from alerts.town_map import Area, town_map

WORDS = ChartWords("Last 12 weeks", "older", "newer", "Not known", "Actions", "Meetings")
LEVELS = (1, 1, 2, 2, 1, None, 2, 3, 3, 4, 4, 5)
WEEKS = [Week(f"{n} Sep", level, actions=n % 3 == 0, meetings=n == 4) for n, level in enumerate(LEVELS, 1)]
SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture: str) -> ElementTree.Element:
    """Read a picture as XML, with the namespace that HTML gives it by itself."""
    assert "style=" not in picture
    assert "<script" not in picture
    named = str(picture).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return ElementTree.fromstring(named)


def texts(root: ElementTree.Element, css_class: str) -> list[str]:
    return [node.text or "" for node in root.iter(f"{SVG}text") if css_class in node.get("class", "").split()]


def wards(count: int) -> list[Area]:
    return [Area(f"Ward {n}", f"Ward {n}: Watch, 2 of 5", 2, f"/place/W{n}") for n in range(1, count + 1)]


def square(x: float, y: float, size: float) -> list[tuple[float, float]]:
    return [(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)]


@pytest.mark.parametrize("level", [None, 0, 1, 2, 3, 4, 5])
def test_a_shape_carries_its_digit(level: int | None) -> None:
    root = parsed(level_shape(level))
    assert [node.text for node in root.iter(f"{SVG}text")] == [str(level or "?")]
    assert root.get("aria-hidden") == "true"


def test_each_week_has_a_bar_as_high_as_its_level_with_the_digit_on_it() -> None:
    root = parsed(history_chart(WEEKS, WORDS))
    assert texts(root, "digit") == [str(level or "?") for level in LEVELS]
    heights = [float(bar.get("height", 0)) for bar in root.iter(f"{SVG}rect") if bar.get("class") == "area"]
    known = [level for level in LEVELS if level]
    assert [height / heights[0] for height in heights] == pytest.approx(known)


def test_not_known_is_hatched_and_never_a_low_bar() -> None:
    root = parsed(history_chart(WEEKS, WORDS, key="h"))
    (gap,) = [bar for bar in root.iter(f"{SVG}rect") if bar.get("class") == "unknown"]
    assert gap.get("fill") == "url(#h-hatch)"
    assert root.find(f".//{SVG}pattern[@id='h-hatch']") is not None
    assert float(gap.get("height", 0)) == max(float(bar.get("height", 0)) for bar in root.iter(f"{SVG}rect"))


def test_the_chart_is_told_in_words() -> None:
    root = parsed(history_chart(WEEKS, WORDS, key="h"))
    assert root.get("aria-labelledby") == "h-title h-words"
    assert root.findtext(f"{SVG}title") == "Last 12 weeks"
    assert root.findtext(f"{SVG}desc") == describe(WEEKS, WORDS)
    assert "6 Sep: Not known." in describe(WEEKS, WORDS)


def test_squares_mark_weeks_in_which_something_was_done() -> None:
    root = parsed(history_chart(WEEKS, WORDS))
    kinds = [bar.get("class") for bar in root.iter(f"{SVG}rect")]
    assert (kinds.count("did"), kinds.count("met")) == (4, 1)
    assert "Actions" in chart_key(WORDS)
    assert "Meetings" in chart_key(WORDS)


@pytest.mark.parametrize(
    ("rtl", "older", "anchor"), [(False, "← older", "at-start"), (True, "older ←", "at-end")]
)
def test_the_older_end_is_on_the_same_side_in_every_language(rtl: bool, older: str, anchor: str) -> None:
    root = parsed(history_chart(WEEKS, WORDS, rtl=rtl))
    (end,) = [node for node in root.iter(f"{SVG}text") if node.text == older]
    assert float(end.get("x", WIDTH)) < WIDTH / 2
    assert anchor in (end.get("class") or "")
    assert end.get("direction") == ("rtl" if rtl else None)
    assert texts(root, "digit")[-1] == "5"


def test_half_a_year_fits_in_the_same_width() -> None:
    root = parsed(history_chart([Week("9 Sep", 3)] * 26, WORDS))
    assert "many" in root.get("class", "")
    ends = [float(bar.get("x", 0)) + float(bar.get("width", 0)) for bar in root.iter(f"{SVG}rect")]
    assert max(ends) <= WIDTH
    assert len(texts(root, "axis")) == 5 + 2


def test_dates_with_long_names_stand_under_fewer_bars() -> None:
    assert len(texts(parsed(history_chart(WEEKS, WORDS)), "axis")) == 6 + 2
    dhivehi = [replace(week, label=f"{n} ސެޕްޓެމްބަރު") for n, week in enumerate(WEEKS, 10)]
    assert len(texts(parsed(history_chart(dhivehi, WORDS, rtl=True)), "axis")) == 4 + 2


def test_a_chart_without_weeks_is_still_a_picture() -> None:
    parsed(history_chart([], WORDS))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30), st.booleans())
def test_words_from_people_cannot_break_a_picture(words: str, rtl: bool) -> None:
    nasty = replace(WORDS, title=words, older=words, not_known=words)
    assert parsed(history_chart([Week(words, None)], nasty, rtl=rtl)).findtext(f"{SVG}title") == words
    (link,) = parsed(town_map([Area(words, words, 4, f"/place/{words}")], words, rtl=rtl)).iter(f"{SVG}a")
    assert link.get("aria-label") == words


def test_each_area_is_a_link_that_says_what_it_shows() -> None:
    areas = [*wards(7), Area("Ward 8", "Ward 8: Not known", None, "/place/W8", current=True)]
    links = list(parsed(town_map(areas, "Wards", key="m")).iter(f"{SVG}a"))
    assert [link.get("href") for link in links] == [area.href for area in areas]
    assert all(link.findtext(f"{SVG}title") == link.get("aria-label") for link in links)
    assert [len(list(link.iter(f"{SVG}text"))) for link in links] == [2] * 8
    assert links[-1].find(f"{SVG}path[@fill='url(#m-hatch)']") is not None


def test_the_current_ward_lies_on_top_and_is_marked() -> None:
    areas = [replace(wards(1)[0], current=True), *wards(3)[1:]]
    last = list(parsed(town_map(areas, "Wards")).iter(f"{SVG}a"))[-1]
    assert (last.get("href"), last.get("aria-current")) == ("/place/W1", "true")
    assert "here" in last.get("class", "")


def test_hexagons_begin_at_the_readers_side() -> None:
    def first_x(rtl: bool) -> float:
        return float(next(parsed(town_map(wards(5), "Wards", rtl=rtl)).iter(f"{SVG}text")).get("x", 0))

    assert first_x(rtl=False) == pytest.approx(WIDTH - first_x(rtl=True))
    assert first_x(rtl=False) < WIDTH / 2


@pytest.mark.parametrize("count", [1, 9, 10, 24, 25, 60])
def test_hexagons_stay_inside_and_leave_room_for_a_thumb(count: int) -> None:
    picture = town_map(wards(count), "Wards")
    height = float(re.findall(r'viewBox="0 0 360 (\d+)"', picture)[0])
    for outline in re.findall(r'class="area" d="M([^z"]+)z"', picture):
        points = [tuple(map(float, pair.split())) for pair in outline.split("L")]
        xs, ys = zip(*points, strict=True)
        assert min(xs) >= 0
        assert max(xs) <= WIDTH
        assert min(ys) >= 0
        assert max(ys) <= height + 1
        assert max(xs) - min(xs) >= 48


def test_neighbours_share_their_border_when_drawn() -> None:
    west, east = square(80.0, 7.0, 0.01), square(80.01, 7.0, 0.01)
    outlines, height = fit([[west], [east]], WIDTH)
    shared = set(outlines[0][0]) & set(outlines[1][0])
    assert len(shared) == 2
    assert height == pytest.approx(WIDTH / 2, rel=0.05)


def test_north_is_up_and_never_mirrored() -> None:
    south = Area("S", "S", 1, "/s", rings=(square(80.0, 6.0, 0.1),))
    north = Area("N", "N", 1, "/n", rings=(square(80.1, 6.1, 0.1),))

    def names(rtl: bool) -> dict[str | None, tuple[float, float]]:
        nodes = parsed(town_map([south, north], "Town", rtl=rtl)).iter(f"{SVG}text")
        return {node.text: (float(node.get("x", 0)), float(node.get("y", 0))) for node in nodes}

    assert names(rtl=False) == names(rtl=True)
    assert names(rtl=False)["N"][0] > names(rtl=False)["S"][0]
    assert names(rtl=False)["N"][1] < names(rtl=False)["S"][1]


def test_words_stand_inside_a_hooked_area() -> None:
    hook = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (80.0, 100.0), (80.0, 20.0), (0.0, 20.0)]
    x, y, width, height = widest_room((hook,))
    assert 80 <= x <= 100
    assert (width, height) == (20, 100)
    assert 0 < y < 100


@given(st.floats(-170, 170), st.floats(-60, 60), st.floats(0.001, 2))
def test_any_outline_fits_the_picture(lon: float, lat: float, size: float) -> None:
    (outline,), height = fit([[square(lon, lat, size)]], WIDTH)
    assert all(0 <= x <= WIDTH and 0 <= y <= height + 1 for x, y in outline[0])
    assert abs(area_of(outline[0])) > 0
    assert path_of(outline).startswith("M")
