"""The level colours can be read, photocopied and told apart by anyone, and are the same everywhere.

Contrast follows WCAG 2.2; L* and dE76 are CIE 1976; the three matrices are those of Machado, Oliveira and
Fernandes (2009) at full severity, applied to linear light.
"""

from __future__ import annotations

import math
import re
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from alerts.levels_look import CARD, INK, PAPER, SHAPES, SLATE, WARM, Look, digit_of, look_of

WEB = Path(__file__).parents[2] / "foundation" / "web"
CSS = (WEB / "static" / "style.css").read_text(encoding="utf-8")
ICONS = (WEB / "templates" / "icons.html").read_text(encoding="utf-8")

Vector = tuple[float, float, float]

MACHADO: dict[str, tuple[Vector, ...]] = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
WHITE = (0.95047, 1.0, 1.08883)


def linear(colour: str) -> Vector:
    """Return #RRGGBB as linear light, 0..1."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return red, green, blue


def times(matrix: tuple[Vector, ...], vector: Vector) -> Vector:
    """Multiply, and clip to what a screen can show."""
    x, y, z = (min(max(sum(a * b for a, b in zip(row, vector, strict=True)), 0.0), 1.1) for row in matrix)
    return x, y, z


def luminance(colour: str) -> float:
    return times(TO_XYZ, linear(colour))[1]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(light: Vector) -> Vector:
    """Return CIE L*a*b* of linear light."""
    ratios = [part / white for part, white in zip(times(TO_XYZ, light), WHITE, strict=True)]
    x, y, z = (r ** (1 / 3) if r > 216 / 24389 else (24389 / 27 * r + 16) / 116 for r in ratios)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def css_colour(name: str, block: str = CSS) -> str:
    found = re.search(rf"--{name}: (#[0-9A-F]{{6}}|#[0-9A-F]{{3}})\b", block)
    assert found, f"--{name} is not in the stylesheet"
    value = found.group(1)
    return value if len(value) == 7 else "#" + "".join(2 * part for part in value[1:])


@pytest.mark.parametrize("look", WARM + SLATE, ids=lambda look: f"{look.level}{look.fill}")
def test_the_words_on_a_chip_can_be_read(look: Look) -> None:
    assert contrast(look.fill, look.text) >= 6.5


@pytest.mark.parametrize("ground", [PAPER, CARD])
def test_the_edge_of_a_chip_stands_out_from_page_and_card(ground: str) -> None:
    assert contrast(INK, ground) >= 3


@pytest.mark.parametrize("ramp", [WARM, SLATE], ids=["warm", "slate"])
def test_five_levels_survive_a_photocopier(ramp: tuple[Look, ...]) -> None:
    measured = [lab(linear(look.fill))[0] for look in ramp]
    assert [round(value) for value in measured] == [look.lightness for look in ramp]
    assert all(above - below >= 10 for above, below in pairwise(measured[1:]))


@pytest.mark.parametrize("sight", MACHADO)
def test_any_two_levels_differ_without_full_colour_vision(sight: str) -> None:
    seen = {look.level: lab(times(MACHADO[sight], linear(look.fill))) for look in WARM[1:]}
    worst = min(math.dist(seen[a], seen[b]) for a, b in combinations(seen, 2))
    assert worst >= 15


@pytest.mark.parametrize(
    ("name", "ground", "least"),
    [
        ("ink", PAPER, 7), ("ink", CARD, 7), ("soft", PAPER, 4.5), ("soft", CARD, 4.5),
        ("act", PAPER, 7), ("act", CARD, 7), ("act-dark", PAPER, 7), ("bad", PAPER, 7), ("bad", "#FBEDEC", 7),
        ("good", PAPER, 4.5), ("edge", PAPER, 3), ("edge", CARD, 3), ("ink", "#FFD84D", 3),
        ("soft", "#E6F0F1", 4.5),
    ],
)  # fmt: skip
def test_text_and_edges_of_the_page_can_be_read(name: str, ground: str, least: float) -> None:
    assert contrast(css_colour(name), ground) >= least


def test_the_stylesheet_repeats_both_ramps() -> None:
    slate = CSS[CSS.index(":root.slate") :].split("}")[0]
    for look in WARM:
        assert css_colour(f"level-{look.level}") == look.fill
        assert css_colour(f"on-{look.level}") == look.text
    for look in SLATE[1:]:
        assert css_colour(f"level-{look.level}", slate) == look.fill
        assert css_colour(f"on-{look.level}", slate) == look.text
    assert (css_colour("ink"), css_colour("paper"), css_colour("card")) == (INK, PAPER, CARD)


def test_the_icon_sheet_repeats_the_shapes() -> None:
    for look in WARM:
        symbol = re.search(rf'<symbol id="level-{look.level}".*?</symbol>', ICONS)
        assert symbol, f"level {look.level} has no symbol"
        assert f'd="{SHAPES[look.shape]}"' in symbol.group()
        assert f">{digit_of(look.level)}</text>" in symbol.group()


def test_every_level_has_its_own_shape() -> None:
    assert len({look.shape for look in WARM}) == len(WARM)
    assert [look.shape for look in WARM] == [look.shape for look in SLATE]


@pytest.mark.parametrize("level", [-1, 6])
def test_a_level_outside_the_scale_is_refused(level: int) -> None:
    with pytest.raises(ValueError, match="0 to 5"):
        look_of(level)


def test_the_stylesheet_has_no_physical_sides_and_no_outside_sources() -> None:
    rules = re.sub(r"/\*.*?\*/", "", CSS, flags=re.S)
    assert not re.findall(r"\b(?:left|right)\b", rules)
    assert not re.findall(r"@import|https?:|url\(", rules)
    assert "prefers-reduced-motion" in rules
