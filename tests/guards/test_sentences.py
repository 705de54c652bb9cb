"""Every key that the code writes as a reason or a note has a sentence, in the language of the moment."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts import deciding, failover, labels, sentences
from alerts.alert import ANSWERS, OUTCOMES
from alerts.holding import DIGEST, GROUP, SILENCE
from alerts.messages import CATALOGUES
from alerts.rule_messages import MESSAGES
from committees import call_backs, catalogue, incidents
from committees.intake.reading import Why
from committees.people import ROLES
from coordination import feedback, review
from foundation import outbox, policy
from foundation.web.words import gettext as _
from foundation.web.words import speaking

ROOT = Path(__file__).parents[2]
EVERYTHING = {
    "n": 2, "needed": 3, "hours": 72, "minutes": 60, "percent": 60, "level": 4, "was": 2,
    "kind": "angry_crowd", "how": "saw", "severity": 2, "trigger": "procession", "rule": "crowd_now",
    "role": "chair", "roles": ["chair", "city_officer"], "step": 1, "outcome": "settled",
    "channel": "sms", "pass_to": "city_officer", "median": 3.0, "seen": True,
    "values": [["level", 3], ["windows", "festival"], ["incidents", 4]], "why": "divided_by_zero",
    "usual": 7, "checks": ["c2", "surge"],
    "indicator": "joint_activity", "day": "Tue 24 Nov", "points": 3.2,
    "until": "2026-11-24T18:00:00+05:00", "number": 3,
    "because": "refused", "to": "email", "place": "Ward 7", "label": "Elders sit every Friday",
}  # fmt: skip
NO_WORDS = "Something was noted that this page has no words for."


def calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def written_keys(node: ast.expr, choices: dict[str, tuple[str, ...]]) -> set[str]:
    """The strings that an expression can be: a literal, one of two, or f"prefix_{word of a closed list}"."""
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    if isinstance(node, ast.IfExp):
        return written_keys(node.body, choices) | written_keys(node.orelse, choices)
    if isinstance(node, ast.JoinedStr):
        prefix = str(node.values[0].value) if isinstance(node.values[0], ast.Constant) else ""
        return {prefix + word for word in choices[prefix]}
    return set()


def test_every_reason_of_a_condition_has_a_sentence() -> None:
    found = {
        key
        for call in calls(ROOT / "alerts/risk/conditions.py", "reason")
        for key in written_keys(call.args[0], {})
    }
    assert {"level_rose", "seen_now", "no_news"} <= found
    assert found <= set(sentences.FOUND)


def test_every_why_of_a_decision_has_a_sentence() -> None:
    decide = next(
        node
        for node in ast.walk(ast.parse((ROOT / "alerts/deciding.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name == "decide"
    )
    pairs = [
        n
        for r in ast.walk(decide)
        if isinstance(r, ast.Return)
        for n in ast.walk(r)
        if isinstance(n, ast.Tuple)
    ]
    found = {key for pair in pairs for key in written_keys(pair.elts[1], {})}
    assert {"new", "higher", "cooling_down", "not_judged"} <= found
    found |= set(deciding.KEPT)
    assert found <= set(sentences.FOUND)


def test_every_note_of_an_alert_has_a_sentence() -> None:
    choices = {
        "held_": (SILENCE, DIGEST, GROUP),
        "passed_on_": failover.WAYS,
        "answer_": ANSWERS,
        "review_": review.DECISIONS,
    }
    found = {
        key
        for room in ("alerts", "coordination")
        for path in sorted((ROOT / room).rglob("*.py"))
        for call in calls(path, "note")
        if len(call.args) > 3
        for key in written_keys(call.args[3], choices)
    }
    assert {"opened", "told", "answer_seen", "review_pass", "closed"} <= found
    assert found <= set(sentences.NOTES)


def test_every_message_that_an_alert_sends_is_told_in_its_story() -> None:
    """Whom `routing.send` told is noted under the message's name, unless it is one of those that warn."""
    sent = {
        str(word.value.value)
        for room in ("alerts", "coordination")
        for path in sorted((ROOT / room).rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "routing.send"
        for word in call.keywords
        if word.arg == "template" and isinstance(word.value, ast.Constant)
    }
    assert {"escalation", "confirm_severe", "local_only"} <= sent
    assert sent - set(MESSAGES) <= set(sentences.NOTES)


def test_every_line_of_a_score_has_a_sentence() -> None:
    texts = [
        (ROOT / "alerts" / name).read_text(encoding="utf-8")
        for name in ("explaining.py", "risk/date_terms.py", "risk/peace_terms.py")
    ]
    found = {
        str(value.value)
        for text in texts
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "key" and isinstance(value, ast.Constant)
    }
    assert {"checkin", "indicator", "date", "peace", "floor"} <= found
    assert found | {"incident", "older", "neighbour", "neighbours", "background"} <= set(sentences.LINES)


@pytest.mark.parametrize(
    ("table", "key"),
    [(t, k) for t in ("FOUND", "LINES", "NOTES") for k in getattr(sentences, t)],
)
def test_every_sentence_takes_its_numbers_and_speaks_the_language_of_the_moment(table: str, key: str) -> None:
    say = getattr(sentences, table)[key]
    plain = say(EVERYTHING)
    assert plain
    assert "%(" not in plain
    assert plain != NO_WORDS
    with speaking("pseudo"):
        assert say(EVERYTHING).startswith("⟦")


def test_closed_lists_have_words() -> None:
    assert set(ROLES) | set(review.PASS_TO) <= set(labels.ROLES)
    assert set(policy.MARKINGS) == set(labels.MARKINGS)
    assert set(OUTCOMES) == set(labels.OUTCOMES)
    assert set(review.DECISIONS) == set(labels.DECISIONS)
    rumours = {feedback.RUMOUR + answer for answer in feedback.RUMOUR_ANSWERS}
    assert set(feedback.OUTCOMES) | rumours == set(labels.FEEDBACK)
    assert {why.name for why in Why} <= set(labels.WHY_UNREAD)
    assert set(incidents.STATES) == set(labels.STATES)
    assert set(incidents.HOW_KNOWN) == set(labels.HOW_KNOWN)
    assert set(outbox.STATES) == set(labels.DELIVERY_STATES)
    assert set(catalogue.FORMS) == set(labels.FORMS)
    assert set(call_backs.WHY) == set(labels.CALL_REASONS)
    assert [sentences.level_word(n) for n in range(6)] == [
        "Not known",
        "Quiet",
        "Watch",
        "Raised",
        "High",
        "Severe",
    ]
    assert sentences.level_word(None) == "Not known"


@pytest.mark.parametrize("language", [key for key in CATALOGUES if "-" not in key])
def test_a_level_has_one_word_on_pages_and_in_messages(language: str) -> None:
    with speaking(language):
        pages = [sentences.level_word(number).casefold() for number in range(6)]
    said = CATALOGUES[language].language.words["level"]
    assert [said[str(number)].casefold() for number in range(6)] == pages


@pytest.mark.parametrize("language", [key for key in CATALOGUES if "-" not in key])
def test_a_letter_calls_the_buttons_of_a_page_by_their_words(language: str) -> None:
    with speaking(language):
        buttons = {_("I have seen this"), _("I am acting on it")}
    letters = CATALOGUES[language].mail.values()
    assert {name for one in letters for name in re.findall(r'"([^"]+)"', one["text"])} == buttons


def test_an_old_key_never_breaks_a_page() -> None:
    assert sentences.reason_sentence({"key": "gone"}) == NO_WORDS
    assert sentences.note_sentence("told", {}) == NO_WORDS
