"""Whatever is written as a rule is refused with its place or runs within its cost; what the form of a new rule writes reads back the same."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from alerts import rule_messages, rule_sentences
from alerts.risk import cel, rule_checks
from alerts.risk.bad_rule import BadRule
from alerts.risk.conditions import CONDITIONS
from alerts.risk.facts import Facts
from alerts.risk.rules import conclude, read_rules, rules_in_force
from alerts.risk.settings import Between, rule_of, settings_of
from alerts.rule_words import CONDITION_NAMES
from committees.profiles import starter
from coordination import new_rule, rule_boxes, rule_form
from coordination.new_rule import MOST_CONDITIONS, Begun
from coordination.rule_boxes import CHOICE, LINE, NUMBER, SEVERAL, TEXT, Box
from tests.alerts.test_rules import GOOD, NOW, incident, pieces

WORDS = st.sampled_from(
    sorted({*rule_checks.PARTS, *rule_messages.WHATS, *CONDITION_NAMES, "all", "any", "not"})
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS | pieces
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip
DOCUMENT = starter()
DEAR = "windows.exists(w, incidents.exists(i, i.kind == w))"
RULES = [
    *DOCUMENT["rules"],
    {**GOOD, "expression": DEAR},
    {**GOOD, "when": {"any": [{"expression": {"text": DEAR}}] * 2}},
]
FULL = Facts(
    now=NOW,
    incidents=[incident(number) for number in range(300)],
    windows=frozenset(f"w{number}" for number in range(30)),
)


def places_in(value: Any) -> list[tuple[Any, ...]]:
    """The way to every word of a rule."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((step, *rest) for step, inner in pairs for rest in places_in(inner))]


def with_(row: Any, steps: tuple[Any, ...], value: Any) -> Any:
    """A rule with something else at one place."""
    if not steps:
        return value
    made = copy.deepcopy(row)
    inner = made
    for step in steps[:-1]:
        inner = inner[step]
    inner[steps[-1]] = value
    return made


@st.composite
def nearly_rules(draw: st.DrawFn) -> Any:
    """A rule of the starter with anything at one of its places."""
    row = draw(st.sampled_from(RULES))
    return with_(row, draw(st.sampled_from(places_in(row))), draw(JSON))


@settings(max_examples=60)
@given(JSON | nearly_rules())
@example({**GOOD, "when": None})
@example({**GOOD, "when": None, "expression": ""})
def test_whatever_is_written_is_refused_with_its_place_or_runs_within_its_cost(row: Any) -> None:
    document = {**DOCUMENT, "rules": [row]}
    bad: BadRule | None = None
    try:
        rules = read_rules(document)
    except BadRule as error:
        rules, bad = rules_in_force(document), error
    assert bad is None or (bad.path.startswith("rules") and str(bad))
    for rule in rules:
        said = conclude(rule, FULL)
        assert said.judged or said.reasons
        assert cel.TOO_LONG_RUN not in str([one.data() for one in said.reasons])
        if not rule.broken:
            assert rule_sentences.sentences_of(rule, document)
    if isinstance(row, dict):
        assert isinstance(rule_boxes.boxes(row, document), list)


def typed(draw: st.DrawFn, box: Box) -> list[str]:
    """What somebody may type into a box."""
    if box.kind == SEVERAL:
        return (
            draw(st.lists(st.sampled_from(sorted(box.words)), unique=True, max_size=4)) if box.words else []
        )
    if box.kind == CHOICE:
        return [draw(st.sampled_from([value for value, *_words in box.options]))]
    if box.kind == TEXT:
        return [draw(st.sampled_from(["level >= 3", "incidents.size() > 2 || surge > 0.5"]))]
    if box.kind == LINE:
        return [draw(st.sampled_from(["3", "0.5", "festival"]))]
    return [str(draw(_numbers(box)))]


def _numbers(box: Box) -> st.SearchStrategy[float]:
    bounds = {"clock_minutes": Between(1, 240, whole=True), "cool_down_hours": Between(0, 720)}
    condition, _dot, setting = box.name.partition("].")[2].partition(".")
    if condition:
        parameter = settings_of(CONDITIONS[condition])[setting]
        rule = rule_of(parameter)[1]
    else:
        rule = bounds[box.steps[0]]
    if rule.whole:
        return st.integers(int(rule.low), int(rule.high))
    return st.floats(rule.low, rule.high, allow_nan=False).map(lambda number: round(number, 3))


@st.composite
def forms(draw: st.DrawFn) -> MultiDict[str, str]:
    """The form of a new rule as somebody may send it."""
    names = draw(st.lists(st.sampled_from(sorted(CONDITION_NAMES)), min_size=1, max_size=MOST_CONDITIONS))
    begun = Begun(tuple(names), draw(st.sampled_from(["all", "any"])), draw(st.booleans()))
    fields = [("label", "A rule of ours"), ("join", begun.join)]
    fields += [(f"condition[{place}]", name) for place, name in enumerate(names)]
    for box in begun.boxes(DOCUMENT):
        fields += [(rule_form.shown(box), "1")] if box.kind == SEVERAL else []
        values = ["score"] if box.name == "level" and begun.by_score else typed(draw, box)
        fields += [(box.name, value) for value in values]
    return MultiDict([*fields, ("expression", "level >= 2" if begun.is_expression else "")])


def as_form(boxes: list[Box]) -> MultiDict[str, str]:
    """A page of boxes sent back as it is."""
    fields: list[tuple[str, str]] = []
    for box in boxes:
        several = box.kind == SEVERAL
        fields += [(rule_form.shown(box), "1")] if several else []
        values = box.value if several else [rule_form.plain(box.value)]
        fields += [(box.name, str(value)) for value in values]
    return MultiDict(fields)


@settings(max_examples=60)
@given(forms())
def test_what_the_form_of_a_new_rule_writes_reads_back_the_same(form: MultiDict[str, str]) -> None:
    begun = new_rule.begun(form)
    assert begun
    made = begun.boxes(DOCUMENT)
    row = rule_form.new_rule(form, begun.row(DOCUMENT), made, DOCUMENT, set())
    document = {**DOCUMENT, "rules": [*DOCUMENT["rules"], row]}
    bad: BadRule | None = None
    try:
        rule = next(rule for rule in read_rules(document) if rule.key == row["key"])
    except BadRule as error:
        bad = error
    if bad:
        assert bad.path.startswith(f"rules.{row['key']}")
        return
    back = rule_boxes.boxes(row, document)
    assert {new_rule.field_of(box.name) for box in back} == {box.name for box in made}
    for box in back:
        said = form.getlist(new_rule.field_of(box.name))
        if not said and box.kind != SEVERAL:
            continue  # what a form does not carry is as the condition has it by itself
        if box.kind == SEVERAL:
            assert set(said) == set(box.value), box.name
        elif box.kind == NUMBER:
            assert float(said[0]) == box.value, box.name
        else:
            assert said[0] == str(rule_form.plain(box.value)), box.name
    assert rule_form.change_of(as_form(back), row, document) == {"key": row["key"]}
    assert rule_sentences.sentences_of(rule, document)
    conclude(rule, FULL)


@settings(max_examples=30)
@given(forms(), st.integers(0, MOST_CONDITIONS))
def test_a_condition_that_is_added_or_taken_away_loses_nothing_of_the_others(
    form: MultiDict[str, str], gone: int
) -> None:
    begun = new_rule.begun(form)
    assert begun
    count = len(begun.conditions)
    more = new_rule.turned(MultiDict([*form.items(multi=True), ("act", "add"), ("more", "surge")]))
    after = new_rule.begun(more)
    assert after
    assert after.conditions == (begun.conditions + ("surge",))[:MOST_CONDITIONS]
    less = new_rule.turned(MultiDict([*form.items(multi=True), ("act", f"remove.{gone}")]))
    after = new_rule.begun(less)
    assert after
    left = [one for place, one in enumerate(begun.conditions) if place != gone]
    assert list(after.conditions) == (left if count > 1 else list(begun.conditions))
    kept = sorted(
        value for name, value in form.items(multi=True) if count == 1 or new_rule.number_of(name) != gone
    )
    assert kept == sorted(value for name, value in less.items(multi=True) if name != "act")
