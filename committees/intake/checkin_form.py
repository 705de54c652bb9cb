"""The weekly check-in form of the web: its questions in words, and its reading.

Pure: what is stored and shown is the work of coordination/pages/checkin.py, the only caller besides tests.
"""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from committees.checkins import CheckIn
from foundation.web.forms import Form
from foundation.web.words import N_
from foundation.web.words import gettext as _

LONGEST_PREPARE = 120
POINTS = ("1", "2", "3", "4", "5")
SAID = {"seen": N_("Seen"), "stopped": N_("Stopped or refused"), "unknown": N_("Do not know")}
QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        N_("How is the mood between people?"),
        (N_("Friendly"), N_("Mostly fine"), N_("Some tension"), N_("Very tense"), N_("Ready to clash")),
    ),
    (
        N_("Rumours or hate messages?"),
        (N_("None"), N_("One or two"), N_("Several"), N_("Many"), N_("Everywhere")),
    ),
    (
        N_("Threats, fights or damage?"),
        (N_("None"), N_("One small"), N_("A few"), N_("Many"), N_("Serious")),
    ),
    (
        N_("Do people feel safe to go out?"),
        (N_("All do"), N_("Most do"), N_("Some do not"), N_("Many do not"), N_("Most stay in")),
    ),
    (
        N_("Trouble in the next 7 days?"),
        (N_("Not likely"), N_("Small chance"), N_("Possible"), N_("Likely"), N_("Almost sure")),
    ),
)
TALKED_TO = {
    "women": N_("Women"),
    "youth": N_("Young people"),
    "elders": N_("Elders"),
    "minority": N_("Minority families"),
    "shopkeepers": N_("Shopkeepers"),
    "no_one": N_("No one this week"),
}
#: What people did together for peace: its words, and the sign of the local picture for which it stands.
ACTIVITIES: dict[str, tuple[str, str]] = {
    "sat_together": (N_("Leaders or elders of all sides met"), "leaders_together"),
    "walked_together": (N_("Elders walked or kept watch together"), "leaders_together"),
    "meal": (N_("A shared meal, such as an iftar"), "joint_activity"),
    "sport": (N_("A match or games with mixed teams"), "joint_activity"),
    "work": (N_("People worked or cleaned together"), "joint_activity"),
    "help": (N_("Help given across communities"), "help_across"),
    "rumour": (N_("A rumour was checked and answered together"), "rumour_checked"),
}


@dataclass(frozen=True)
class CheckInAnswers:
    """A check-in form that was understood: five numbers from 1 good to 5 bad, and what came with them."""

    ward: str
    answers: tuple[int, ...]
    all_calm: bool
    indicators: dict[str, str]
    talked_to: tuple[str, ...]
    prepare: str
    activities: tuple[str, ...] = ()


def read(values: MultiDict[str, str], wards: tuple[str, ...], indicators: tuple[str, ...]) -> CheckInAnswers:
    """Read a sent check-in; raise Refused with the words for each field. `indicators`: the keys asked."""
    form = Form(values)
    ward = form.choice("ward", wards, _("Choose the ward"))
    answers = [
        form.choice(f"q{number}", POINTS, _("Choose an answer for question %(number)d", number=number))
        for number in range(1, len(QUESTIONS) + 1)
    ]
    prepare = form.text(
        "prepare", LONGEST_PREPARE, _("Make it shorter. You have used %(used)d of %(most)d letters")
    )
    said = {key: values.get(f"i_{key}", "") for key in indicators}
    activities = form.choices("activities", ACTIVITIES)
    form.check()
    return CheckInAnswers(
        ward=ward,
        answers=tuple(int(answer) for answer in answers),
        # The button counts for less than five answers; whoever changed one of them has answered.
        all_calm=values.get("all_calm") == "yes" and set(answers) == {"1"},
        indicators=_signs(said, activities),
        talked_to=form.choices("talked_to", TALKED_TO),
        prepare=prepare,
        activities=activities,
    )


def _signs(said: dict[str, str], activities: tuple[str, ...]) -> dict[str, str]:
    """The signs answered for, and those that an activity shows; what somebody answered by hand stays."""
    signs = {key: value for key, value in said.items() if value in ("seen", "stopped")}
    shown = {ACTIVITIES[one][1] for one in activities}
    return signs | {key: "seen" for key in said if key in shown and key not in signs}


def all_calm(ward: str) -> MultiDict[str, str]:
    """The form with 1 for everything, to be looked at before it is sent."""
    return MultiDict(
        {"ward": ward, "all_calm": "yes", **{f"q{number}": "1" for number in range(1, len(QUESTIONS) + 1)}}
    )


def as_said(ward: str, said: CheckIn) -> MultiDict[str, str]:
    """The form as somebody filled it in before, to be changed and sent again: nothing that they said is asked twice."""
    values = MultiDict({"ward": ward, "prepare": said.prepare})
    values.update({f"q{number}": str(answer) for number, answer in enumerate(said.answers, 1)})
    values.update({f"i_{key}": value for key, value in said.indicators.items()})
    values.setlist("talked_to", list(said.talked_to))
    values.setlist("activities", list(said.activities))
    return values
