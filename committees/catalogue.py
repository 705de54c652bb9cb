"""The closed list of incident kinds, read from incident_types.toml: forms, filters, rules and exports are made from it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

FORMS = ("rumour", "threat", "crowd", "fight", "damage", "other")
SENSITIVE_PATH, OVERSIGHT_PATH = "private_matter", "own_office"
COMMITTEE = "committee"  # the word by which a reporter shuts the committee out


@dataclass(frozen=True)
class Kind:
    """One kind of incident. `form` is the report form's answer it falls under; `sms` the words an SMS may carry, or None."""

    key: str
    form: str
    label: str
    severity: int
    timescale: str = "both"
    multiplier: float = 1.0
    sensitive: bool = False
    scored: bool = True
    path: str = ""
    sms: str | None = None
    ask: str = ""
    acled: str = ""
    ucdp: str = ""
    cap: str = "Security"

    @property
    def fast(self) -> bool:
        """Whether it enters the 14-day sum."""
        return self.timescale in ("fast", "both")

    @property
    def slow(self) -> bool:
        """Whether it enters the 180-day sum."""
        return self.timescale in ("slow", "both")


def _read() -> Mapping[str, Kind]:
    rows = tomllib.loads((Path(__file__).parent / "incident_types.toml").read_text(encoding="utf-8"))
    return MappingProxyType({key: Kind(key=key, **fields) for key, fields in rows.items()})


KINDS: Mapping[str, Kind] = _read()
# Imported history brings its own categories; all of it enters both sums, so that replay equals scoring.md.
IMPORTED = Kind(key="imported", form="other", label="Imported event", severity=3)


def kind(key: str) -> Kind:
    """The kind called `key`; an imported or unlisted one counts in both sums and is not sensitive."""
    return KINDS.get(key, IMPORTED)


def only_for_oversight(key: str, withheld_from: str) -> bool:
    """Whether nobody but the oversight office may learn of an incident: a complaint, or one kept from the committee."""
    return COMMITTEE in withheld_from.split() or kind(key).path == OVERSIGHT_PATH


def default_kind(answer: str, people: str = "unknown") -> str:
    """The kind that one of the six answers stands for until the secretary refines it."""
    if answer == "fight":
        return "small_fight" if people in ("1-5", "unknown") else "group_clash"
    return {"rumour": "rumour", "threat": "threat", "crowd": "angry_crowd", "damage": "small_damage"}.get(
        answer, "unsorted"
    )
