"""Texts for India's registry and ways of SMS: what a registrar refuses is not exported, and what cannot be used is refused with words."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from alerts import dlt
from alerts.messages import CATALOGUES, TEMPLATES, render
from alerts.sms_routes import Route, country_of, problems

INDIA = Route("IN", two_way=False, sender="CNCORD", registered=True, entity="1" * 19, brand="Meerut Concord")


@pytest.mark.parametrize("language", dlt.LANGUAGES)
def test_no_text_has_what_a_registrar_refuses(language: str) -> None:
    for one in dlt.texts(INDIA, [language]):
        assert not set(one.reasons) & (dlt.GRAVE - {"no_name"}), (one.template, one.reasons)
        assert not re.search(r"\{(?!#var#\})", one.text), one.text
        assert "{#var#}{#var#}" not in one.text.replace(" ", "")
        assert all(size <= dlt.GAP_LETTERS for _name, size in one.gaps)


def test_the_registered_name_stands_fixed_in_every_text_that_carries_a_towns_name() -> None:
    for one in dlt.texts(INDIA):
        if "source" in TEMPLATES[one.template].slots:
            assert "Meerut Concord" in one.text, one
            assert all(name != "source" for name, _size in one.gaps)
        assert ("no_name" in one.reasons) == ("Meerut Concord" not in one.text)


def test_what_is_sent_matches_what_was_registered() -> None:
    slots = {"place": {"ward": 7}, "source": "Meerut Town", "code": "47"}
    for language in ("en", "hi", "ur", "bn", "ta"):
        text = dlt.registered("drill", CATALOGUES[language], INDIA).text
        pattern = re.escape(text).replace(re.escape("{#var#}"), ".{1,30}")
        sent = render("drill", slots, language, one_way=INDIA.one_way, brand=INDIA.brand)
        assert re.fullmatch(pattern, sent.text), (text, sent.text)


def test_what_a_registrar_would_refuse_is_found() -> None:
    english = CATALOGUES["en"]
    adjacent = replace(english, sms={**english.sms, "drill": "{source}: drill {place} {code} today"})
    assert "adjacent" in dlt.registered("drill", adjacent, INDIA).reasons
    ends = replace(english, sms={**english.sms, "drill": "{source}: drill, {place}, code {code}"})
    assert "ends_with_gap" in dlt.registered("drill", ends, INDIA).reasons
    long = replace(english, sms={**english.sms, "drill": "{source}: drill, {place}, {code}. " + "word " * 30})
    assert "too_long" in dlt.registered("drill", long, INDIA).reasons


def test_an_id_counts_for_its_words_only() -> None:
    english = CATALOGUES["en"]
    other = replace(english, sms={**english.sms, "drill": english.sms["drill"] + " Really."})
    was = dlt.registered("drill", english, INDIA).fingerprint
    assert was == dlt.registered("drill", english, INDIA).fingerprint
    assert was != dlt.registered("drill", other, INDIA).fingerprint
    assert was != dlt.registered("drill", english, replace(INDIA, brand="Other")).fingerprint


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sender", "TWELVELETTERS"),
        ("sender", "<b>"),
        ("answer_number", "+92937111"),
        ("answer_number", "12"),
        ("two_way", True),
        ("entity", "12"),
        ("brand", "A name of far too many letters"),
        ("brand", ""),
        ("country", "PK"),
    ],
)
def test_a_way_that_cannot_be_used_is_refused_beside_its_box(field: str, value: object) -> None:
    assert problems(INDIA) == {}
    wrong = problems(replace(INDIA, **{field: value}))  # type: ignore[arg-type]
    assert {"country": "registered"}.get(field, field) in wrong


def test_a_number_says_its_country() -> None:
    assert country_of("+923001234567") == "PK"
    assert country_of("+94711234567") == "LK"
    assert country_of("47") == ""
    assert country_of("somebody@example.org") == ""
