"""What an escalation policy may say: every part with its type and range, and the bounds that no policy may loosen. Pure.

Levels 4 and 5 are never slower than SLOWEST, a higher level never waits longer than a lower one, each side that must answer is asked by
some step, and the ladder has an end. Whether somebody holds the offices of that end is asked by policy_versions.py, which reads rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.ladder import CLOCKS, NUDGES, ONLY_ACTING_STOPS, REVIEW, SIDE_OF, SIDES, STILL, TELL, Policy
from alerts.risk.shapes import Check, Choice, Fields, Items, Like, Number, Table, Wrong, flag
from committees.contact_addresses import CHANNELS
from foundation.web.words import N_

#: Minutes that a step may wait at most at levels 4 and 5, whoever writes the policy.
SLOWEST = {4: 60, 5: 20}
SLOWEST_NUDGE = {4: 240, 5: 60}
SLOWEST_STILL = {4: 2880, 5: 1440}
WEEK = 7 * 24 * 60
MOST_STEPS, MOST_ROLES = 8, 6
ASKED = (*SIDE_OF, "oversight")
GRAVE = ("4", "5")
LEVELS = ("1", "2", "3", "4", "5")

_minutes = Number(1, WEEK, whole=True)


def _after(value: Any, path: str) -> None:
    """Minutes for every level, or by level."""
    (Table(LEVELS, _minutes) if isinstance(value, Mapping) else _minutes)(value, path)


_step: dict[str, Check] = {
    "step": Number(1, MOST_STEPS, whole=True),
    "kind": Choice((TELL, REVIEW)),
    "ask": Items(Choice(ASKED)),
    "offices": Items(Like(r"[A-Za-z0-9-]{2,60}", "MARDAN-DISTRICT")),
    "after": _after,
    "channels": Items(Choice(CHANNELS)),
    "deputies": flag,
}
_whole = Fields(
    {
        "clocks": Table(LEVELS, _minutes),
        "steps": Items(Fields(_step, ("kind",))),
        "must_answer": Items(Choice(SIDES)),
        "nudges": Table(GRAVE, _minutes),
        "still": Table(GRAVE, _minutes),
    },
    ("steps",),
)


def check(document: Any) -> None:
    """Raise Wrong with the path of the first part that cannot be used, and what to do about it."""
    _whole(document, "")
    steps = document["steps"]
    if not 1 <= len(steps) <= MOST_STEPS:
        raise Wrong("steps", N_("A ladder has from 1 to %(most)s steps."), most=MOST_STEPS)
    for number, step in enumerate(steps):
        _check_step(step, f"steps[{number}]")
    policy = ladder_from(document)
    _check_clocks(policy)
    _check_sides(policy)
    for name, minutes, most in (
        ("nudges", policy.nudges, SLOWEST_NUDGE),
        ("still", policy.still, SLOWEST_STILL),
    ):
        for level, limit in most.items():
            _not_slower(f"{name}.{level}", minutes[level], limit, level)


def ladder_from(document: Mapping[str, Any]) -> Policy:
    """A checked document as the ladder that it describes, over what is built in."""

    def over(base: Mapping[int, int], name: str) -> dict[int, int]:
        return {**base, **{int(level): int(value) for level, value in document.get(name, {}).items()}}

    return Policy(
        over(CLOCKS, "clocks"),
        tuple(document["steps"]),
        tuple(document.get("must_answer", ())),
        over(NUDGES, "nudges"),
        over(STILL, "still"),
    )


def _check_step(step: Mapping[str, Any], path: str) -> None:
    asked, offices = step.get("ask", []), step.get("offices", [])
    if not asked and not offices:
        raise Wrong(
            f"{path}.ask", N_("This step asks nobody."), N_("Name a role or an office, or leave it out.")
        )
    if len(asked) > MOST_ROLES or len(set(asked)) != len(asked):
        raise Wrong(f"{path}.ask", N_("Name each role once, and at most %(most)s of them."), most=MOST_ROLES)
    if step["kind"] == REVIEW and (asked != ["police_liaison"] or offices):
        raise Wrong(
            f"{path}.ask",
            N_("A review is a question to the police liaison alone."),
            N_("Make it a step that tells, or ask police_liaison."),
        )


def _check_clocks(policy: Policy) -> None:
    for level in range(2, 6):
        if policy.clocks[level] > policy.clocks[level - 1]:
            raise Wrong(
                f"clocks.{level}",
                N_("A higher level may not wait longer than a lower one."),
                N_("At most %(most)s minutes."),
                most=policy.clocks[level - 1],
            )
    for level, limit in SLOWEST.items():
        _not_slower(f"clocks.{level}", policy.clocks[level], limit, level)
        for number in range(len(policy.steps)):
            _not_slower(f"steps[{number}].after", policy.wait(number, level), limit, level)


def _not_slower(path: str, minutes: int, limit: int, level: int) -> None:
    if minutes > limit:
        raise Wrong(
            path,
            N_("This is too slow for level %(level)s."),
            N_("At most %(most)s minutes at this level."),
            level=level,
            most=limit,
        )


def _check_sides(policy: Policy) -> None:
    if len(set(policy.must_answer)) != len(policy.must_answer):
        raise Wrong("must_answer", N_("Name each side once."))
    asked = {SIDE_OF.get(role, "") for step in policy.steps for role in step.get("ask", ())}
    for number, side in enumerate(policy.must_answer):
        if side not in asked:
            raise Wrong(
                f"must_answer[{number}]",
                N_("No step asks this side: %(side)s."),
                N_("Add a step that asks it, or do not require its answer."),
                side=side,
            )


assert set(SLOWEST) == {level for level in CLOCKS if level >= ONLY_ACTING_STOPS}
