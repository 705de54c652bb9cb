"""Rules as data: what is wrong is refused with its place and a suggestion, what is right is judged, and nothing in them can crash."""

from __future__ import annotations

import copy
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import labels, rule_sentences, rule_words
from alerts.risk import cel, fields
from alerts.risk.bad_rule import BadRule
from alerts.risk.comparing import as_expression
from alerts.risk.conditions import CONDITIONS
from alerts.risk.facts import Facts, IncidentFact
from alerts.risk.rule_checks import PARTS
from alerts.risk.rules import conclude, evaluate, read_rules, rules_in_force
from alerts.risk.settings import settings_of
from alerts.rule_messages import MIXED, WHATS
from committees import catalogue
from committees.profiles import starter

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "key": "mine",
    "when": {"surge": {}},
    "level": 3,
    "tell": "town",
    "clock_minutes": 120,
}
SOURCES: dict[str, Any] = {"kinds": ["rumour"], "at_least": 2, "within_hours": 72}


def incident(n: int, **changes: Any) -> IncidentFact:
    """A rumour that one known person told of an hour ago."""
    plain: dict[str, Any] = {
        "id": f"i{n}", "kind": "rumour", "severity": 2, "credibility": 0.5, "how_known": "told", "ongoing": False,
        "confirmed": False, "known_source": True, "sensitive": False, "threat": "unsorted",
        "sources": frozenset({f"s{n}"}), "seen_by": frozenset(), "occurred_at": NOW - timedelta(hours=2),
        "received_at": NOW - timedelta(hours=1),
    }  # fmt: skip
    return IncidentFact(**{**plain, **changes})


def document(*rows: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """The starter with these rules in place of its own."""
    return {**copy.deepcopy(dict(starter())), "rules": list(rows), **parts}


def wrong(row: dict[str, Any]) -> BadRule:
    with pytest.raises(BadRule) as found:
        read_rules(document(row))
    return found.value


def test_the_starter_is_read_whole() -> None:
    rules = read_rules(starter())
    assert len(rules) == len(starter()["rules"])
    assert not any(rule.broken for rule in rules_in_force(starter()))


# Each wrong rule, the path that is named, and what the words must say or suggest.
BAD = [
    ({"when": {"surges": {}}}, "rules.mine.when.surges", "surge"),
    ({"when": {"source": SOURCES}}, "rules.mine.when.source", "sources"),
    ({"when": {"sources": {**SOURCES, "atleast": 2}}}, "rules.mine.when.sources.atleast", "at_least"),
    ({"when": {"sources": {**SOURCES, "at_least": "2"}}}, "rules.mine.when.sources.at_least", "whole number"),
    ({"when": {"sources": {**SOURCES, "at_least": 2.5}}}, "rules.mine.when.sources.at_least", "from 1 to 50"),
    ({"when": {"sources": {**SOURCES, "at_least": True}}}, "rules.mine.when.sources.at_least", "whole number"),
    ({"when": {"sources": {**SOURCES, "at_least": 0}}}, "rules.mine.when.sources.at_least", "from 1 to 50"),
    ({"when": {"sources": {**SOURCES, "within_hours": 9999}}}, "rules.mine.when.sources.within_hours", "672"),
    ({"when": {"sources": {"kinds": ["rumour"], "at_least": 2}}}, "rules.mine.when.sources", "within_hours"),
    ({"when": {"sources": {**SOURCES, "kinds": ["rumor"]}}}, "rules.mine.when.sources.kinds[0]", "rumour"),
    ({"when": {"sources": {**SOURCES, "kinds": "rumour"}}}, "rules.mine.when.sources.kinds", "list of words"),
    ({"when": {"sources": {**SOURCES, "how_known": ["seen"]}}}, "rules.mine.when.sources.how_known[0]", "saw"),
    ({"when": {"incident": {"sensitive": "maybe"}}}, "rules.mine.when.incident.sensitive", "any"),
    ({"when": {"incident": {"ongoing": "yes"}}}, "rules.mine.when.incident.ongoing", "true or false"),
    ({"when": {"surge": {"probability": 50}}}, "rules.mine.when.surge.probability", "from 0 to 1"),
    ({"when": {"window": {"kinds": ["festivl"]}}}, "rules.mine.when.window.kinds[0]", "festival"),
    ({"when": {"all": []}}, "rules.mine.when.all", "list of conditions"),
    ({"when": {"all": [{"surge": {}}, {"silense": {}}]}}, "rules.mine.when.all[1].silense", "silence"),
    ({"when": {"surge": {}, "silence": {}}}, "rules.mine.when", "one name"),
    ({"when": {"not": [{"surge": {}}]}}, "rules.mine.when.not", "one name"),
    ({"when": {"compare": {"field": "levle", "op": ">=", "value": 3}}}, "rules.mine.when.compare.field", "level"),
    ({"when": {"compare": {"field": "level", "op": "=>", "value": 3}}}, "rules.mine.when.compare.op", ">="),
    ({"when": {"compare": {"field": "level", "op": "has", "value": 3}}}, "rules.mine.when.compare.op", "level"),
    ({"when": {"compare": {"field": "level", "op": ">=", "value": "3"}}}, "rules.mine.when.compare.value", "whole"),
    ({"when": {"compare": {"field": "surge", "op": ">=", "value": 50}}}, "rules.mine.when.compare.value", "0 to 1"),
    ({"when": {"compare": {"field": "windows", "op": "has", "value": 3}}}, "rules.mine.when.compare.value", "text"),
    ({"level": 6}, "rules.mine.level", "0 to 5"),
    ({"level": "scores"}, "rules.mine.level", "score"),
    ({"tell": "twon"}, "rules.mine.tell", "town"),
    ({"tell": ["secretary", "chairman"]}, "rules.mine.tell[1]", "chair"),
    ({"tell": []}, "rules.mine.tell", "somebody"),
    ({"clock_minutes": 600}, "rules.mine.clock_minutes", "240"),
    ({"clock_minutes": "2h"}, "rules.mine.clock_minutes", "whole number"),
    ({"cool_down_hours": -1}, "rules.mine.cool_down_hours", "from 0 to 720"),
    ({"inhibits": ["mine"]}, "rules.mine.inhibits", "itself"),
    ({"inhibits": ["mines"]}, "rules.mine.inhibits[0]", "mine"),
    ({"what": "privat_matter"}, "rules.mine.what", "private_matter"),
    ({"what": "angry_crow"}, "rules.mine.what", "angry_crowd"),
    ({"template": "verfy"}, "rules.mine.template", "verify"),
    ({"template": "sign_in_code"}, "rules.mine.template", "alert, verify"),
    ({"template": "verify", "level": 4, "clock_minutes": 30}, "rules.mine.template", "alert itself"),
    ({"template": "verify", "level": "score", "clock_minutes": 10}, "rules.mine.template", "alert itself"),
    ({"action": "stop_rumour"}, "rules.mine.action", "stop_rumours"),
    ({"action": "arrest"}, "rules.mine.action", "call_us"),
    ({"place": "village"}, "rules.mine.place", "town"),
    ({"cooldown_hours": 3}, "rules.mine.cooldown_hours", "cool_down_hours"),
    ({"per_threat": "yes"}, "rules.mine.per_threat", "true or false"),
    ({"expression": "levle >= 3"}, "rules.mine.expression:1:1", "level"),
    ({"key": "My rule"}, "rules.key", "small letters"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "says"), BAD, ids=[f"{path}-{says}" for _, path, says in BAD])
def test_a_wrong_rule_is_refused_with_its_place_and_a_suggestion(
    change: dict[str, Any], path: str, says: str
) -> None:
    told = str(wrong({**GOOD, **change}))
    assert told.startswith(f"{path}: ")
    assert says in told.removeprefix(path)


# Each wrong expression: line and column, what is suggested, what the words say.
EXPRESSIONS = [
    ("levle >= 3", (1, 1), "level", "There is no “levle”"),
    ("level >= 3 ||\n  surge > 0.5 && sorces_28d > 2", (2, 18), "sources_28d", "There is no"),
    ("level >= 3.0", (1, 7), "3", "a whole number and a number with a point"),
    ("surge > 0", (1, 7), "0.0", "a number with a point and a whole number"),
    ("level", (1, 1), "", "yes or no"),
    ("level && true", (1, 7), "", "yes or no"),
    ("level = 3", (1, 7), "==", "not belong here"),
    ("level > 2 and surge > 0.1", (1, 11), "&&", "not belong here"),
    ("not (level > 2)", (1, 1), "!", "not"),
    ("level >", (1, 8), "", "not finished"),
    ("'festival' == windows", (1, 12), "", "a word and a list"),
    ("incidents.exist(i, i.severity > 3)", (1, 11), "exists", "exist"),
    ("incidents.exists(i.severity > 3)", (1, 11), "", "a name and a question"),
    ("incidents.exists(i, i.knd == 'rumour')", (1, 23), "kind", "An incident has no “knd”"),
    ("incidents.exists(i, i.kind == 3)", (1, 28), "", "a word and a number"),
    ("incidents.exists(i, i.severity)", (1, 17), "", "yes or no"),
    ("incidents.exists(i, i.kind in [1])", (1, 32), "", "a word and a number"),
    ("severity > 3", (1, 1), "incidents.exists(i, i.severity ...)", "There is no “severity”"),
    ("incidents[0].ongoing", (1, 10), "", "not used in rules"),
    ("'a'.matches('(a+)+$')", (1, 12), "", "not used in rules"),
    ("dyn(level) == 'a'", (1, 4), "", "not used in rules"),
    ("incidents.exists(a, incidents.exists(b, a.kind == b.kind))", (1, 21), "", "every report for every report"),
    ("[incidents].exists(l, l.exists(i, l.exists(j, true)))", (1, 23), "", "every report for every report"),
    ("[incidents].exists(windows, windows.exists(i, true))", (1, 19), "", "“windows” is taken"),
    ("incidents.map(i, incidents).size() > 3", (1, 1), "", "every report for every report"),
    ("(" * 60 + "true" + ")" * 60, (1, 1), "", "inside each other"),
    ("", (1, 1), "", "Write an expression"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "position", "suggestion", "says"), EXPRESSIONS, ids=[e[0][:40] for e in EXPRESSIONS]
)
def test_a_wrong_expression_is_refused_at_its_place(
    text: str, position: tuple[int, int], suggestion: str, says: str
) -> None:
    with pytest.raises(BadRule) as found:
        cel.compiled(text)
    bad = found.value
    assert says in str(bad)
    assert (bad.position, bad.suggestion) == (position, suggestion)
    if bad.line:
        assert bad.caret.split("\n")[1].index("^") == position[1] - 1


def test_every_condition_and_every_number_of_one_has_its_words() -> None:
    assert set(rule_sentences.WHEN) == set(rule_words.CONDITION_NAMES) == set(CONDITIONS)
    for function in CONDITIONS.values():
        assert all(rule_words.setting_label(parameter) for parameter in settings_of(function).values())
    assert {word for word in WHATS if word not in catalogue.KINDS} - {"", MIXED} <= set(labels.WHAT)
    for rule in read_rules(starter()):
        assert all(words.endswith(".") for words in rule_sentences.sentences_of(rule, starter()))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({}, "When more trouble than usual is likely (50% or more), and 3 known people reported in 28 days: "
             "tell secretary, chair, city officer, level Raised, answer within 2 hours."),
        ({"when": {"not": {"silence": {"members": 1}}}},
         "When it is not so that fewer than 1 member sent news in 14 days: "),
        ({"when": {"any": [{"compare": {"field": "level", "op": ">=", "value": 4}}, {"window": {"difficult": True}}]}},
         "When level of the score now: High or more, or a date is near that was difficult last time: "),
        ({"expression": "level >= 4"}, "When the expression of this rule is true: "),
        ({"alerts": False}, "secretary, chair, city officer ring. No alert goes out."),
    ],
)  # fmt: skip
def test_a_rule_is_said_from_its_data(row: dict[str, Any], sentence: str) -> None:
    (rule,) = read_rules(document({**GOOD, **row}))
    assert sentence in rule_sentences.sentences_of(rule, starter())[0]


def test_what_is_too_long_is_refused() -> None:
    assert "1000" in str(wrong({**GOOD, "expression": "level > 1 && " * 200 + "true"}))
    deep: dict[str, Any] = {"surge": {}}
    for _ in range(10):
        deep = {"not": deep}
    assert "too deep" in str(wrong({**GOOD, "when": deep}))
    assert "30 conditions" in str(wrong({**GOOD, "when": {"all": [{"surge": {}}] * 31}}))


FACTS = Facts(
    now=NOW,
    level=3,
    level_before=2,
    surge=0.4,
    sources_28d=3,
    voices=2,
    windows=frozenset({"festival"}),
    unusual=("c2",),
    incidents=[
        incident(1),
        incident(2, severity=4, ongoing=True),
        incident(3, severity=5, known_source=False),
    ],
)


@pytest.mark.parametrize(
    ("text", "holds", "evidence"),
    [
        ("level >= 3 && level_before < 3", True, ["i1", "i2"]),
        ("'festival' in windows && 'c2' in unusual", True, []),
        ("incidents.exists(i, i.severity >= 4)", True, ["i2"]),
        ("incidents.exists(i, i.severity >= 5)", False, []),  # the graver one is of nobody we know
        ("incidents.filter(i, i.kind == 'rumour').size() >= 2", True, ["i1", "i2"]),
        ("incidents.exists(i, i.ongoing && i.hours_ago < 2.0 && !i.confirmed)", True, ["i2"]),
        ("windows.exists(w, incidents.exists(i, i.kind == w))", False, []),
        ("voices < 2 || double(sources_28d) > 2.5", True, ["i1", "i2"]),
    ],
)
def test_an_expression_is_judged_and_says_what_it_rests_on(
    text: str, holds: bool, evidence: list[str]
) -> None:
    judged = cel.judge(cel.compiled(text), FACTS)
    assert (judged.holds, list(judged.evidence)) == (holds, evidence)


def test_the_dearest_expression_that_is_taken_has_an_answer_at_full_lists() -> None:
    full = Facts(
        now=NOW,
        incidents=[incident(n) for n in range(600)],
        windows=frozenset(f"w{n}" for n in range(30)),
    )
    text = "windows.exists(w, incidents.exists(i, i.kind == w))"
    assert cel.judge(cel.compiled(text), full).holds is False
    with pytest.raises(BadRule):
        cel.compiled(f"{text} || {text}")


def test_what_fails_while_it_runs_is_an_answer_with_its_reason() -> None:
    (rule,) = read_rules(document({**GOOD, "expression": "10 / (level - 3) > 2"}))
    said = conclude(rule, FACTS)
    assert (said.raised, said.judged) == (False, False)
    assert {"key": "expression_failed", "why": "divided_by_zero"} in [one.data() for one in said.reasons]
    assert conclude(rule, Facts(now=NOW, level=4)).raised


@pytest.mark.parametrize(
    ("tree", "answer"),
    [
        ({"any": [{"expression": {"text": "1 / 0 > 1"}}, {"compare": {"field": "level", "op": ">", "value": 2}}]}, True),
        ({"all": [{"expression": {"text": "1 / 0 > 1"}}, {"compare": {"field": "level", "op": ">", "value": 3}}]}, False),
        ({"all": [{"expression": {"text": "1 / 0 > 1"}}, {"compare": {"field": "level", "op": ">", "value": 2}}]}, None),
        ({"not": {"expression": {"text": "1 / 0 > 1"}}}, None),
        ({"not": {"surge": {"probability": 0.9}}}, True),
    ],
)  # fmt: skip
def test_a_part_without_an_answer_leaves_the_whole_open_unless_others_decide(
    tree: dict[str, Any], answer: bool | None
) -> None:
    found = evaluate(tree, FACTS)
    assert (found.holds if found.judged else None) == answer


def test_a_rule_in_force_that_cannot_be_read_any_more_says_so() -> None:
    good, bad = rules_in_force(document(GOOD, {**GOOD, "key": "old", "when": {"gone": {}}}))
    assert not good.broken
    assert "gone" in str(bad.broken)
    said = conclude(bad, FACTS)
    assert (said.raised, said.judged, said.reasons[0].key) == (False, False, "rule_broken")


def test_a_rule_that_is_switched_off_is_not_there() -> None:
    assert read_rules(document({**GOOD, "off": True}, {**GOOD, "key": "other"}))[0].key == "other"
    assert [rule.key for rule in rules_in_force(document({**GOOD, "off": True, "when": 3}))] == []


def test_an_expression_stands_in_place_of_the_conditions_it_replaced() -> None:
    (rule,) = read_rules(document({**GOOD, "when": {"all": [1]}, "expression": "level >= 2"}))
    assert conclude(rule, FACTS).raised
    (rule,) = read_rules(document({**GOOD, "expression": ""}))
    assert rule.when == {"surge": {}}


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(-1, 9), st.floats(0, 1), st.integers(0, 9))
def test_no_facts_make_a_rule_fail(rng: random.Random, level: int, surge: float, number: int) -> None:
    kinds = [*catalogue.KINDS, "imported"]
    seen = [
        incident(
            n,
            kind=rng.choice(kinds),
            severity=rng.randint(0, 6),
            credibility=rng.random(),
            ongoing=rng.random() < 0.5,
            known_source=rng.random() < 0.8,
            sources=frozenset(map(str, range(rng.randint(0, 3)))),
            seen_by=frozenset(map(str, range(rng.randint(0, 2)))),
            received_at=NOW - timedelta(hours=rng.randint(-2, 900)),
        )
        for n in range(rng.randint(0, 6))
    ]
    facts = Facts(
        now=NOW, level=level, level_before=number, surge=surge, sources_28d=number, voices=number, incidents=seen,
        windows=frozenset(rng.sample(["festival", "?"], rng.randint(0, 2))),
    )  # fmt: skip
    wild = {**GOOD, "expression": "100 / (level - level_before) > 3 || incidents.all(i, i.hours_ago > 1.0)"}
    for rule in [*read_rules(starter()), *read_rules(document(wild))]:
        said = conclude(rule, facts)
        assert said.judged or not said.raised
        assert set(said.evidence) <= {one.id for one in seen if one.known_source}
        assert said.reasons


# Whatever a document holds, the checker answers with a rule or with what is wrong.
words = st.sampled_from(
    [*PARTS, *CONDITIONS, *fields.FIELDS, "all", "any", "not", "key", "at_least", "kinds", "rumour"]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | words
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(words, trees, max_size=4), leaves | trees, leaves | trees)
def test_no_document_crashes_the_checker(change: dict[str, Any], audiences: Any, triggers: Any) -> None:
    made = document({**GOOD, **change}, audiences=audiences, triggers=triggers)
    bad: BadRule | None = None
    try:
        for rule in read_rules(made):
            conclude(rule, FACTS)
    except BadRule as error:
        bad = error
    assert bad is None or str(bad)
    for rule in rules_in_force(made):
        conclude(rule, FACTS)


pieces = st.lists(
    st.sampled_from(
        ["level", "surge", "incidents", ".exists(i, ", "i.kind", "i.severity", " >= ", " == ", "3", "0.5", "'rumour'",
         " && ", " || ", "!", "(", ")", " in ", "windows", "size(", "[", "]", ".", ",", "1/0", "\n", "ä", "\\", "'"]
    ), max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(pieces | st.text(max_size=30))
def test_no_text_crashes_the_expression_language(text: str) -> None:
    try:
        answer = cel.judge(cel.compiled(text), FACTS).holds
    except BadRule as bad:
        answer = bad.words
    assert answer in (True, False, None) or answer


def comparisons(rng: random.Random, depth: int) -> dict[str, Any]:
    """A tree of comparisons."""
    if depth and rng.random() < 0.6:
        name = rng.choice(["all", "any", "not"])
        parts = [comparisons(rng, depth - 1) for _ in range(rng.randint(1, 3))]
        return {name: parts[0] if name == "not" else parts}
    field = rng.choice([name for name, one in fields.FIELDS.items() if one.kind != fields.INCIDENTS])
    kind = fields.FIELDS[field].kind
    if kind == fields.WORDS:
        word = rng.choice(["festival", "procession", "c2", "it's"])
        return {"compare": {"field": field, "op": rng.choice(["has", "has_not"]), "value": word}}
    value = rng.choice([0, 0.5, 1]) if kind == fields.NUMBER else rng.randint(0, 4)
    return {"compare": {"field": field, "op": rng.choice([">=", ">", "<=", "<", "==", "!="]), "value": value}}


@settings(max_examples=80, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_tree_and_its_expression_say_the_same(rng: random.Random) -> None:
    tree = comparisons(rng, 2)
    facts = Facts(
        now=NOW,
        level=rng.randint(0, 5),
        level_before=rng.randint(0, 5),
        surge=rng.choice([0.0, 0.5, 1.0]),
        sources_28d=rng.randint(0, 4),
        voices=rng.randint(0, 4),
        windows=frozenset(rng.sample(["festival", "procession"], rng.randint(0, 2))),
        unusual=tuple(rng.sample(["c2", "it's"], rng.randint(0, 2))),
    )
    judged = cel.judge(cel.compiled(as_expression(tree)), facts)
    assert judged.holds == evaluate(tree, facts).holds
