"""Closed lists are closed: each word of one has its label, its rule, its place in the others."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from alerts import alarm_sentences, inspecting, labels, limits, recording
from alerts.alert import ANSWERS
from alerts.ladder import CLOCKS, REVIEW, STEPS, TELL
from alerts.messages import TEMPLATES
from alerts.risk.rules import read_rules
from alerts.risk.scoring import MULTIPLIER_BOUNDS
from committees import catalogue, incidents, people
from committees.accounts import OFFICIALS
from committees.committee import SEAT_ROLES
from committees.profiles import starter
from committees.verification import KNOWS_SOURCE
from foundation import outbox, policy
from foundation.config import KNOWN, PREFIX

ROOT = Path(__file__).parents[2]
KINDS = sorted(catalogue.KINDS.values(), key=lambda kind: kind.key)


def test_roles_are_one_list() -> None:
    assert set(people.ROLES) == set(policy.ROLES)
    assert set(people.ROLES) <= set(labels.ROLES)
    assert set(SEAT_ROLES) <= set(people.ROLES)
    assert set(people.ROLES) >= OFFICIALS


def test_every_role_that_is_asked_or_told_exists() -> None:
    document = starter()
    named = {role for step in STEPS for role in step["ask"]} | {
        role for who in document["audiences"].values() for role in who
    }
    for rule in read_rules(document):
        named |= {role for roles in rule.tell.values() for role in roles} | set(rule.stronger_tell)
    assert named <= set(people.ROLES)


def test_every_marking_has_its_words_and_is_needed_by_somebody() -> None:
    assert set(policy.RULES["need"].values()) <= set(policy.MARKINGS)
    assert set(labels.MARKINGS) >= set(policy.MARKINGS) - {"RED"}


def test_every_exclusion_is_known() -> None:
    words = {word for row in policy.RULES["exclude"].values() for word in row}
    assert words == {"sensitive", *policy.WITHHELD_FROM}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_every_kind_is_whole(kind: catalogue.Kind) -> None:
    assert kind.form in catalogue.FORMS
    assert kind.severity in range(1, 6)
    assert kind.timescale in ("fast", "slow", "both")
    assert MULTIPLIER_BOUNDS[0] <= kind.multiplier <= MULTIPLIER_BOUNDS[1]
    assert kind.path in ("", "own_office", catalogue.SENSITIVE_PATH)
    assert kind.label
    assert labels.kind_label(kind.key)
    # What is sensitive has no words that a passing glance at a phone could read.
    assert not (kind.sensitive and kind.sms)
    assert kind.sensitive or kind.sms or kind.key == "unsorted" or not kind.scored, (
        "an alert could not name it"
    )


def test_every_answer_of_the_form_leads_to_a_kind() -> None:
    for form in catalogue.FORMS:
        for size in incidents.PEOPLE:
            found = catalogue.default_kind(form, size)
            assert found in catalogue.KINDS
            assert catalogue.KINDS[found].form == form
    assert catalogue.default_kind("fight", "6-20") == "group_clash"
    assert {kind.form for kind in KINDS} == set(catalogue.FORMS)


def test_every_way_of_knowing_has_a_grade_and_a_label() -> None:
    assert set(incidents.CREDIBILITY) == set(incidents.HOW_KNOWN) == set(labels.HOW_KNOWN)
    assert set(KNOWS_SOURCE.values()) <= set("ABCDEF")


def test_every_state_is_told_in_words() -> None:
    assert set(labels.STATES) >= set(incidents.STATES)
    assert set(incidents.COUNTED) < set(incidents.STATES)
    assert set(labels.DELIVERY_STATES) >= set(outbox.STATES)
    assert set(labels.ANSWERS) == set(ANSWERS)
    assert len(labels.LEVELS) == len(labels.LEVEL_MEANS) == 6


def test_every_level_has_a_clock_and_every_step_a_kind() -> None:
    assert set(CLOCKS) == {1, 2, 3, 4, 5}
    assert {step["kind"] for step in STEPS} <= {TELL, REVIEW}


def test_every_message_exists_in_every_form_of_language() -> None:
    folder = ROOT / "alerts" / "templates_text"
    for path in sorted(folder.glob("*.toml")):
        if path.stem != "templates":
            assert set(tomllib.loads(path.read_text(encoding="utf-8"))["sms"]) == set(TEMPLATES), path.name


def test_every_message_that_the_code_names_exists() -> None:
    import ast

    named = set()
    for room in ("committees", "alerts", "coordination", "foundation"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.keyword)
                    and node.arg == "template"
                    and isinstance(node.value, ast.Constant)
                ):
                    named.add(str(node.value.value))
    assert named
    # What a listed program is told is data, not words.
    assert {name for name in named if not name.endswith(".html")} - {"webhook"} <= set(TEMPLATES)


def test_every_setting_stands_in_the_guide_of_whoever_runs_it() -> None:
    guide = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    assert not [name for name in KNOWN if f"`{PREFIX}{name}`" not in guide]


def test_every_alarm_that_the_code_sounds_has_a_sentence_and_says_what_to_do() -> None:
    keys = {*inspecting.KEYS, recording.POISON, recording.REFUSED, limits.BUDGET_USED}
    assert keys <= set(alarm_sentences.SENTENCES)
    assert {recording.POISON, recording.REFUSED, limits.BUDGET_USED} <= set(alarm_sentences.TO_DO)
