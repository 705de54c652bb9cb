"""Templates for a place's first own picture: headings to talk through at a meeting, with the questions of others' lists in our words.

One YAML file each in profile_templates/. They hold headings and hints, no numbers and no rules. A heading asks for places, disputes and
dates; what a list elsewhere asks about people's faith or descent was left out on purpose, and `left_out` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

FOLDER = Path(__file__).parent / "profile_templates"


@dataclass(frozen=True)
class Heading:
    """One heading with a hint of what belongs under it."""

    key: str
    heading: str
    hint: str


@dataclass(frozen=True)
class Template:
    """One template: for whom, from where, what it leaves out, after how many months it is looked at again."""

    key: str
    label: str
    about: str
    source: str
    left_out: str
    review_months: int
    headings: tuple[Heading, ...]


@cache
def templates() -> Mapping[str, Template]:
    """All templates by key, in the order of their files."""
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        row = yaml.safe_load(path.read_text(encoding="utf-8"))
        headings = tuple(Heading(**heading) for heading in row.pop("headings"))
        found[path.stem] = Template(key=path.stem, headings=headings, **row)
    return MappingProxyType(found)
