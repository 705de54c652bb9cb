"""The ladder, decided purely: who has answered enough, which step is due, who is next and at what clock time, when somebody is asked again.

Functions of (policy, answers, now) that touch no database: policies as rows are policies.py, climbing is escalation.py, recording
an answer is acknowledging.py, asking again is asking_again.py. Everybody in alerts and coordination may import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from alerts.alert import ACTING, CANNOT, OPEN, SEEN

ONLY_ACTING_STOPS = 4
LOCAL, NATIONAL, POLICE = "local", "national", "police"
SIDES = (LOCAL, NATIONAL, POLICE)
#: On whose side a role answers: by its level. A role that is not named stands on no side.
SIDE_OF = {
    "member": LOCAL,
    "touch_point": LOCAL,
    "secretary": LOCAL,
    "chair": LOCAL,
    "services_focal_person": LOCAL,
    "city_officer": LOCAL,
    "district_administration": LOCAL,
    "national_contact": NATIONAL,
    "hub_analyst": NATIONAL,
    "police_liaison": POLICE,
}
#: Who is asked at once where a side must answer.
ASKED_OF = {
    LOCAL: ("chair", "city_officer"),
    NATIONAL: ("national_contact",),
    POLICE: ("police_liaison",),
}
TELL, REVIEW = "tell", "review"
CLOCKS = {1: 4320, 2: 720, 3: 240, 4: 30, 5: 10}
NUDGES = {4: 120, 5: 30}
STILL = {4: 1440, 5: 720}
STEPS: tuple[dict[str, Any], ...] = (
    {"kind": TELL, "ask": ["chair", "city_officer"]},
    {"kind": TELL, "ask": ["district_administration"]},
    {"kind": REVIEW, "ask": ["police_liaison"]},
    {"kind": TELL, "ask": ["oversight", "national_contact"]},
)


@dataclass(frozen=True)
class Policy:
    """A ladder as data. All times in minutes: `clocks` to answer by level, `nudges` and `still` at levels 4 and 5.

    `must_answer`: the sides that must each answer; none means that one answer of anybody is enough.
    """

    clocks: Mapping[int, int] = field(default_factory=lambda: CLOCKS)
    steps: Sequence[Mapping[str, Any]] = STEPS
    must_answer: tuple[str, ...] = ()
    nudges: Mapping[int, int] = field(default_factory=lambda: NUDGES)
    still: Mapping[int, int] = field(default_factory=lambda: STILL)

    def wait(self, step: int, level: int) -> int:
        """Minutes to wait before step `step` (from 0) at a level: the step's own, else the clock of the level."""
        level = max(1, level)
        own = self.steps[step].get("after") if step < len(self.steps) else None
        if isinstance(own, Mapping):
            own = own.get(str(level))
        return int(own if own is not None else self.clocks[level])

    def due(self, now: datetime, step: int, level: int) -> datetime | None:
        """When step `step` (from 0) is due if its wait begins now; None above the top."""
        return now + timedelta(minutes=self.wait(step, level)) if step < len(self.steps) else None


@dataclass(frozen=True)
class Said:
    """The word of one person that counts now, in which role, and when it was given."""

    person_id: UUID
    role: str
    answer: str
    at: datetime

    @property
    def side(self) -> str:
        """On whose side they answered."""
        return SIDE_OF.get(self.role, "")


@dataclass(frozen=True)
class Rung:
    """One step with the roles that have somebody in them who may be told; none: it stands empty."""

    step: int
    roles: tuple[str, ...]

    @property
    def sides(self) -> frozenset[str]:
        """The sides that are asked here."""
        return frozenset(SIDE_OF.get(role, "") for role in self.roles)


@dataclass(frozen=True)
class Climb:
    """The next step of a ladder: its number (from 1), its data, and when the one after is due (None: it was the last)."""

    step: int
    rung: Mapping[str, Any]
    next_at: datetime | None


@dataclass(frozen=True)
class Next:
    """Who is asked next if nobody answers enough: the step (from 1), the roles, and when."""

    step: int
    roles: tuple[str, ...]
    at: datetime


def stops(level: int, answer: str) -> bool:
    """Whether an answer is enough at a level: acting always, seen below level 4."""
    return answer == ACTING or (answer == SEEN and level < ONLY_ACTING_STOPS)


def word_after(before: str | None, answer: str) -> str:
    """The word of a person that counts after one more answer: who acts has also seen, and stays acting."""
    return ACTING if before == ACTING and answer == SEEN else answer


def missing(level: int, said: Iterable[Said], must: Sequence[str]) -> tuple[str, ...]:
    """The sides that have not answered enough for the level; where none must, "" stands for anybody at all."""
    enough = {one.side for one in said if stops(level, one.answer)}
    if not must:
        return () if enough else ("",)
    return tuple(side for side in must if side not in enough)


def is_wanted(sides: frozenset[str], level: int, said: Sequence[Said], must: Sequence[str]) -> bool:
    """Whether a step of these sides is to be asked: every step while nobody has answered enough, then those of a side that is missing."""
    lacking = missing(level, said, must)
    if lacking and not any(stops(level, one.answer) for one in said):
        return True
    return bool(sides & set(lacking))


def overdue(
    now: datetime, state: str, step: int, next_step_at: datetime | None, level: int, policy: Policy
) -> Climb | None:
    """The step whose time has come, or None: ended, nobody waits, before its time, or the ladder is at its top."""
    if state != OPEN or next_step_at is None or now < next_step_at or step >= len(policy.steps):
        return None
    return Climb(step + 1, policy.steps[step], policy.due(now, step + 1, level))


def after_answer(
    now: datetime,
    level: int,
    step: int,
    next_step_at: datetime | None,
    said: Sequence[Said],
    must: Sequence[str],
    policy: Policy,
    answer: str,
) -> datetime | None:
    """When the next step is due once an answer was given: never where enough was said, at once where somebody cannot."""
    if not missing(level, said, must):
        return None
    if step >= len(policy.steps):
        return next_step_at
    acts = any(one.answer == ACTING for one in said)
    if answer == CANNOT and not acts:
        return now  # somebody says that it is not theirs: the next step does not wait for its clock
    # Whoever acted has taken it back, or a side is still missing: the clock runs again.
    return next_step_at or policy.due(now, step, level)


def upcoming(
    now: datetime,
    state: str,
    level: int,
    next_step_at: datetime | None,
    said: Sequence[Said],
    must: Sequence[str],
    rungs: Sequence[Rung],
    policy: Policy,
) -> list[Next]:
    """Who is asked next and when, step by step, if nobody says more. `rungs`: the steps that are left, without whom nobody may tell."""
    if state != OPEN or next_step_at is None:
        return []
    at, found = max(now, next_step_at), []
    for rung in rungs:
        if not rung.roles or not is_wanted(rung.sides, level, said, must):
            continue  # it is passed over at once
        found.append(Next(rung.step, rung.roles, at))
        at += timedelta(minutes=policy.wait(rung.step, level))
    return found


def nudge_due(
    now: datetime, level: int, seen_at: datetime | None, said: Sequence[Said], policy: Policy
) -> bool:
    """Whether those who saw an alert are asked once more: at levels 4 and 5, some time after the first saw it, if nobody acts."""
    if level < ONLY_ACTING_STOPS or seen_at is None or any(one.answer == ACTING for one in said):
        return False
    return now >= seen_at + timedelta(minutes=policy.nudges[level])


def still_due(
    now: datetime, level: int, worked_at: datetime | None, asked_at: datetime | None, policy: Policy
) -> str:
    """Of an alert on which somebody acts: "ask" whether they still do, "reopen" where they were asked and said nothing, or "".

    `worked_at`: the last sign of work (the answer itself, an action, an update).
    """
    if level < ONLY_ACTING_STOPS or worked_at is None:
        return ""
    minutes = policy.still[level]
    if asked_at is None:
        return "ask" if now >= worked_at + timedelta(minutes=minutes) else ""
    return "reopen" if now >= asked_at + timedelta(minutes=minutes / 2) else ""
