"""The numbers of scoring that a threat profile sets: read from its document, with the starter's where it says nothing.

What lives here: which weight a kind and a severity have under a profile, the formula's coefficients, the level boundaries, and a
fingerprint that says when weights or memory changed. What does not: checking a document (documents.py), and the formula. Pure;
anyone in alerts or coordination may import it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from alerts.risk import levels, scoring
from alerts.risk.calibration import BOUNDS
from alerts.risk.scoring import MULTIPLIER_BOUNDS, Coefficients

TIMESCALES = ("fast", "slow", "both")


@dataclass(frozen=True)
class Numbers:
    """What a profile says of scoring: coefficients, weights by kind, timescales by kind, boundaries, and how far a level steps down.

    `multipliers` and `timescales` hold only the kinds that the profile changes.
    """

    coefficients: Coefficients = field(default_factory=Coefficients)
    multipliers: Mapping[str, float] = field(default_factory=dict)
    timescales: Mapping[str, str] = field(default_factory=dict)
    boundaries: tuple[float, ...] = levels.BOUNDARIES
    step_down: float = levels.STEP_DOWN

    def weight(self, kind: str, severity: int, credibility: float, usual: float = 1.0) -> float:
        """What one incident may weigh at most; `usual` is the kind's multiplier where the profile names none."""
        low, high = MULTIPLIER_BOUNDS
        multiplier = min(high, max(low, self.multipliers.get(kind, usual)))
        return scoring.incident_weight(severity, credibility, multiplier, self.coefficients)

    def enters(self, kind: str, usual: str = "both") -> tuple[bool, bool]:
        """Whether a kind enters the fast and the slow sum; `usual` is its timescale where the profile names none."""
        timescale = self.timescales.get(kind, usual)
        return timescale in ("fast", "both"), timescale in ("slow", "both")

    def level(self, p28: float, before: int) -> int:
        """The level after the one before (0 if there was none), by this profile's boundaries."""
        return levels.next_level(p28, before, self.boundaries, self.step_down)

    @cached_property
    def weighing(self) -> str:
        """A fingerprint of all that the running sums depend on: two profiles with the same one have the same sums."""
        c = self.coefficients
        parts = [
            c.half_life_fast,
            c.half_life_slow,
            list(c.severity_weights),
            sorted(self.multipliers.items()),
            sorted(self.timescales.items()),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


STARTER = Numbers()


def coefficients_of(document: Mapping[str, Any]) -> Coefficients:
    """The starter's coefficients with what a document changes."""
    changed: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in document.get("coefficients", {}).items()
    }
    return Coefficients(**changed)


def numbers_of(document: Mapping[str, Any]) -> Numbers:
    """The numbers of a whole document, inherited parts included."""
    return Numbers(
        coefficients_of(document),
        {kind: float(value) for kind, value in (document.get("multipliers") or {}).items()},
        dict(document.get("timescales") or {}),
        tuple(float(value) for value in document.get("boundaries", levels.BOUNDARIES)),
        float(document.get("step_down", levels.STEP_DOWN)),
    )


def kappa_bounds(document: Mapping[str, Any]) -> tuple[float, float]:
    """Within what kappa is held under a document; those of the formula where it says nothing."""
    low, high = BOUNDS
    said = document.get("kappa") or {}
    return float(said.get("low", low)), float(said.get("high", high))


def as_data(coefficients: Coefficients) -> dict[str, Any]:
    """Coefficients as they are stored with a score."""
    return asdict(coefficients) | {"severity_weights": list(coefficients.severity_weights)}
