"""Words for people: every message fits its SMS at its fullest, and no gap takes free text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import messages
from alerts.messages import (
    CATALOGUES,
    LANGUAGES,
    TEMPLATES,
    Catalogue,
    OneWay,
    asks_for_an_answer,
    catalogue,
    check,
    count_segments,
    gaps,
    preview,
    render,
    render_mail,
    said_in,
    speaks,
    widest,
    wording,
)
from alerts.slots import SLOTS, NoWords, SlotRefused, name_fits
from committees.catalogue import KINDS

ALERT: dict[str, Any] = {
    "source": {"en": "TMA Mardan", "ur": "ٹی ایم اے مردان"},
    "level": 4,
    "place": {"ward": 7, "landmark": "market"},
    "what": "angry_crowd",
    "when": "2026-11-24T18:00:00+05:00",
    "sure": "not_confirmed",
    "action": "meet",
    "code": "471",
}


def fullest(template: str, words: Catalogue, one_way: OneWay | None = None) -> str:
    return wording(template, words, one_way).format_map(widest(template, words))


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_every_message_fits_its_sms_with_every_gap_full(language: str) -> None:
    words = CATALOGUES[language]
    for template, one_way in product(words.sms, (None, OneWay(), OneWay("99999999999"))):
        text = fullest(template, words, one_way)
        segments, encoding = count_segments(text)
        assert segments <= words.segments, f"{template}, {len(text)} characters: {text}"
        assert encoding == ("GSM-7" if words.language.gsm else "UCS-2"), text
        assert len(text) <= (160 if words.language.gsm else 134)


#: What a phone may send, as it stands in messages. A route without answers must not ask for any of it.
COMMANDS = re.compile(r"\b(OK|GO|NO|WRONG|CALL|CALM|START|OVER|HELP|R|S|L)\b(?! KNOWN)")
#: These answer an SMS, so that the phone's own line takes answers.
ONLY_ANSWERS = frozenset(
    (
        "need_code",
        "code_wrong",
        "nothing_open",
        "wrong_late",
        "which_alert",
        "not_understood",
        "report_what",
        "checkin_ask",
        "help",
    )
    + ("stop", "stop_hint", "start", "paused", "language_set", "unknown_number")
)


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_a_route_without_answers_asks_for_none_and_says_how_else(language: str) -> None:
    words = CATALOGUES[language]
    for template in words.sms:
        said = wording(template, words, OneWay("111"))
        assert ("[" in words.sms[template]) == asks_for_an_answer(template), template
        assert "[" not in said + wording(template, words)
        assert ("111" in said) == asks_for_an_answer(template)
        assert template in ONLY_ANSWERS or not COMMANDS.search(said), said


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_a_receipt_says_until_when_it_can_be_taken_back(language: str) -> None:
    for template in ("receipt_report", "receipt_vouched"):
        assert "15" in CATALOGUES[language].sms[template]


def test_a_route_without_answers_is_told_whom_to_ring() -> None:
    rung = render("alert", ALERT, one_way=OneWay("0937111")).text
    assert rung.endswith("Not confirmed. Please meet those concerned. To answer call 0937111")
    card = render("alert", ALERT, one_way=OneWay()).text
    assert card.endswith("Please meet those concerned. To answer see your cue card")
    # What is to be done is left out whole where it does not fit, and of a text that stands fixed with a registry.
    full = ALERT | {
        "source": {"en": "Q" * 18},
        "place": {"names": {"en": "Q" * 18}},
        "what": "forced_payment",
        "action": "keep_away",
        "level": 5,
    }
    assert render("alert", full, one_way=OneWay("09371112233")).text.endswith(
        "Not confirmed. To answer call 09371112233"
    )
    fixed = render("alert", ALERT, one_way=OneWay("0937111"), brand="CONCORD").text
    assert fixed.endswith("Not confirmed. To answer call 0937111")
    with pytest.raises(SlotRefused):
        render("alert", ALERT, one_way=OneWay("ring us"))


def test_a_network_that_joins_nothing_gets_one_segment_in_latin_letters() -> None:
    got = render("alert", ALERT, "ur", concat=False)
    assert (got.segments, got.language) == (1, "ur-Latn")
    assert render("alert", ALERT, "en", concat=False).language == "en"


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_every_message_uses_its_own_gaps_and_no_link(language: str) -> None:
    words, english = CATALOGUES[language], CATALOGUES["en"]
    for template in words.sms:
        own = set(TEMPLATES[template].slots)
        # What is asked and where, by which code: no language leaves a fact out.
        assert gaps(words.sms[template]) == gaps(english.sms[template]) <= own, template
        assert not re.search(r"https?:|www\.|\.(com|org|net|pk|in)\b", words.sms[template])
        for part in words.mail.get(template, {}).values():
            assert gaps(part) <= own | {"link", "sms"}, template


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_a_language_has_every_message_and_every_word(language: str) -> None:
    english, words = CATALOGUES["en"], CATALOGUES[language]
    assert set(words.sms) == set(TEMPLATES)
    for table in english.language.words:
        missing = set(english.language.words[table]) - set(words.language.words[table])
        assert not missing, f"{language} has no words for {table}: {missing}"


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_no_message_blames_or_frightens(language: str) -> None:
    banned = re.compile(
        r"\bdanger \d|both sides|\bmob\b|\briot|fake news|\baman\b|shanti|samiti|امن|دونوں فریق"
        r"|शांति समिति|दोनों पक्ष|শান্তি কমিটি|দুই পক্ষ|සාම කමිටු|දෙපාර්ශ්ව|அமைதிக் குழு|இரு தரப்பு|ސުލްޙަ",
        re.IGNORECASE,
    )
    words = CATALOGUES[language]
    said = [*words.sms.values(), *(w for table in words.language.words.values() for w in table.values())]
    said += [part for letter in words.mail.values() for part in letter.values()]
    assert [text for text in said if banned.search(text)] == []


def test_the_alert_reads_as_a_person_would_say_it() -> None:
    got = render("alert", ALERT)
    assert got.text == (
        "TMA Mardan: attention 4/5 HIGH, Ward 7 market. Angry crowd, Tue 6pm. Not confirmed. "
        "Please meet those concerned. Reply OK 471"
    )
    assert (got.segments, got.encoding) == (1, "GSM-7")


def test_each_person_reads_their_language_in_their_letters() -> None:
    assert "توجہ 4/5 زیادہ، وارڈ 7 بازار" in render("alert", ALERT, "ur").text
    assert "ٹی ایم اے مردان" in render("alert", ALERT, "ur").text
    roman = render("alert", ALERT, "ur", "latin")
    assert "tawajjo 4/5 ZYADA, Ward 7 bazar" in roman.text
    assert roman.text.isascii()


def test_everybody_is_written_to_in_their_language_and_letters() -> None:
    for language in LANGUAGES:
        assert render("alert", ALERT, language).language == language
        assert said_in("alert", ALERT, language).language.code == language
    assert catalogue("ur", "latin").language.code == "ur-Latn"
    assert catalogue("en", "latin").language.code == "en"
    assert catalogue("ps").language.code == "en"  # not one of ours: written to in English


def test_a_message_with_a_hole_in_its_draft_is_said_in_english_as_a_whole() -> None:
    urdu = CATALOGUES["ur"]
    assert speaks(urdu, "alert", ALERT)
    no_template = replace(urdu, sms={key: text for key, text in urdu.sms.items() if key != "alert"})
    assert not speaks(no_template, "alert", ALERT)
    fewer = {**urdu.language.words, "action": {"listen": urdu.language.words["action"]["listen"]}}
    no_word = replace(urdu, language=replace(urdu.language, words=fewer))
    assert not speaks(no_word, "alert", ALERT)
    assert speaks(no_word, "alert", ALERT | {"action": "listen"})


def test_all_words_but_the_english_are_drafts_until_native_readers_sign_them_off() -> None:
    assert {code for code, words in CATALOGUES.items() if not words.draft} == {"en"}
    assert set(CATALOGUES) == {*LANGUAGES, "ur-Latn", "hi-Latn", "bn-Latn", "si-Latn", "ta-Latn"}
    assert {code for code, words in CATALOGUES.items() if words.direction == "rtl"} == {"ur", "dv"}


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_what_differs_in_meaning_differs_in_words(language: str) -> None:
    words = CATALOGUES[language].language.words
    for table in (
        "level",
        "kind",
        "sure",
        "action",
        "because",
        "outcome",
        "answer",
        "decision",
        "weekday",
        "month",
    ):
        said = list(words[table].values())
        assert [word for word in said if said.count(word) > 1] == [], table


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        ("source", "A town with a very long name"),
        ("source", "See http://example.org"),
        ("source", "Mardan; run away"),
        ("source", ""),
        ("source", {"en": ""}),
        ("place", {"ward": 7, "names": {"en": "Mardan"}}),
        ("place", {"ward": "the green house"}),
        ("place", {"ward": 7, "note": "Ali's house"}),
        ("place", {"ward": 7, "landmark": "the mosque"}),
        ("level", 6),
        ("level", "4"),
        ("level", True),
        ("what", "Ali hit somebody"),
        ("sure", "surely"),
        ("action", "run"),
        ("when", "tonight"),
        ("when", "2026-11-24T18:00:00"),
        ("code", "4a"),
        ("code", 47),
        ("code", "4711"),
        ("code", "٤٧"),
    ],
)
def test_a_gap_takes_nothing_but_its_own_kind(slot: str, value: Any) -> None:
    with pytest.raises(SlotRefused):
        render("alert", ALERT | {slot: value})
    with pytest.raises(SlotRefused):
        check("alert", ALERT | {slot: value})


@given(st.sampled_from(sorted(set(SLOTS) - {"source", "place"})), st.text(min_size=8))
def test_no_gap_repeats_what_somebody_wrote(slot: str, story: str) -> None:
    try:
        shown = SLOTS[slot].fill(slot, story, CATALOGUES["en"].language)
    except (SlotRefused, NoWords):
        return
    assert shown != story or re.fullmatch(r"\+?[0-9]+", story, re.ASCII), story


def test_missing_and_unknown_gaps_are_refused() -> None:
    with pytest.raises(SlotRefused):
        render("alert", {key: value for key, value in ALERT.items() if key != "code"})
    with pytest.raises(SlotRefused):
        render("alert", ALERT | {"reporter": "somebody"})


@pytest.mark.parametrize("kind", sorted(key for key, kind in KINDS.items() if kind.sms is None))
def test_a_sensitive_kind_never_travels(kind: str) -> None:
    if kind == "unsorted":
        return
    for language in ("en", "ur"):
        private = catalogue(language).language.words["kind"]["private"]
        assert private in render("alert", ALERT | {"what": kind}, language).text


@pytest.mark.parametrize("kind", sorted(key for key, kind in KINDS.items() if kind.sms))
def test_every_other_kind_says_what_the_list_of_kinds_says(kind: str) -> None:
    assert str(KINDS[kind].sms) in render("alert", ALERT | {"what": kind}).text


def test_a_kind_without_words_yet_is_said_in_general_words() -> None:
    assert "Angry crowd" in render("alert", ALERT).text
    assert "New report" in render("alert", ALERT | {"what": "a_kind_added_today"}).text
    assert "کچھ بتایا گیا ہے" in render("alert", ALERT | {"what": "a_kind_added_today"}, "ur").text


def test_a_name_loses_its_curls_but_nothing_else() -> None:
    assert render("alert", ALERT | {"source": "Cox’s Bazār"}).text.startswith("Cox's Bazar: ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Trincomalee Town and Gravets", "Trincomalee Town"),
        ("Islamabad Capital Territory", "Islamabad Capital"),
        ("Central Delhi District", "Central Delhi"),
        ("Mardan District", "Mardan District"),
    ],
)
def test_a_long_name_sheds_whole_words_that_only_say_what_kind_of_area_it_is(name: str, said: str) -> None:
    assert f"HIGH, {said}. Angry" in render("alert", ALERT | {"place": {"names": {"en": name}}}).text
    assert name_fits({"en": name})


def test_a_name_too_long_for_any_sms_needs_a_short_one() -> None:
    names = {"en": "Sri Jayawardenepura Kotte"}
    assert not name_fits(names)
    assert name_fits(names | {"short": "Kotte"})
    assert (
        "HIGH, Kotte. Angry" in render("alert", ALERT | {"place": {"names": names | {"short": "Kotte"}}}).text
    )


def test_a_landmark_that_does_not_fit_is_left_out_whole() -> None:
    place = {"names": {"en": "Trincomalee Town"}, "landmark": "station"}
    assert "Trincomalee Town. Angry" in render("alert", ALERT | {"place": place}).text


def test_midnight_and_noon_are_said_right() -> None:
    at = {
        hour: render("alert", ALERT | {"when": f"2026-11-24T{hour:02d}:05:00+05:00"}).text
        for hour in (0, 12, 23)
    }
    assert "Tue 12:05am" in at[0]
    assert "Tue 12:05pm" in at[12]
    assert "Tue 11:05pm" in at[23]
    assert datetime(2026, 11, 24).isoweekday() == 2


def test_a_sealed_code_is_filled_in_only_at_the_end() -> None:
    assert render("sign_in_code", {}, secret="123456").text.startswith("123456 is your")
    check("sign_in_code", {})
    assert preview("sign_in_code", {}).startswith("****** is your")
    with pytest.raises(SlotRefused):
        render("sign_in_code", {})


def test_a_letter_says_more_and_links_to_its_page() -> None:
    letter = render_mail("alert", ALERT, link="https://concord.example.org/a/1")
    assert letter.subject == "TMA Mardan: attention 4/5 HIGH, Ward 7 market"
    assert "https://concord.example.org/a/1" in letter.text
    assert '<a href="https://concord.example.org/a/1">' in letter.html
    assert 'dir="rtl"' in render_mail("alert", ALERT, "ur").html
    with pytest.raises(SlotRefused):
        render_mail("alert", ALERT, link="javascript:alert(1)")


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_every_message_can_be_a_letter(language: str) -> None:
    words = CATALOGUES[language]
    if not words.language.code.endswith("-Latn"):  # a letter in Latin letters is short: its SMS and the link
        assert set(words.mail) == set(CATALOGUES["en"].mail)
    for template in words.sms:
        letter = words.mail.get(template, words.mail["other"])
        filled = widest(template, words) | {"link": "", "sms": fullest(template, words)}
        assert letter["text"].format_map(filled).strip()
        assert "\n" not in letter["subject"].format_map(filled)


def test_markup_in_a_name_stays_words() -> None:
    letter = render_mail("rumour_answer", {"source": "Cox's Bazar", "place": "Ward 7", "answer": "not_true"})
    assert "Cox&#x27;s Bazar" in letter.html


NAMES = st.one_of(
    st.text(st.sampled_from("abcdefgh ABC.'()-"), max_size=24),
    st.fixed_dictionaries({"en": st.text(st.sampled_from("abc defgh"), max_size=24)}),
    st.text(max_size=24),
)
#: Anything that somebody might try to put into a gap: what it takes, what it nearly takes, and what it must not take.
TRIED: dict[str, st.SearchStrategy[Any]] = {
    "source": NAMES,
    "place": st.one_of(
        NAMES,
        st.fixed_dictionaries({"ward": st.integers(-5, 2000)}, optional={"landmark": st.text(max_size=8)}),
        st.fixed_dictionaries(
            {"ward": st.integers(1, 999), "landmark": st.sampled_from(["market", "clinic", "bus_stand"])}
        ),
    ),
    "when": st.one_of(st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat), st.text(max_size=12)),
    "clock": st.one_of(st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat), st.text(max_size=12)),
    "date": st.one_of(st.dates().map(date.isoformat), st.text(max_size=12)),
    "roles": st.lists(
        st.sampled_from(["chair", "police_liaison", "city_officer", "nobody_known"]), max_size=3
    ),
}


def tried(kind: str) -> st.SearchStrategy[Any]:
    """Values for one kind of gap: mostly such as it takes, at their widest too."""
    taken = st.sampled_from(list(SLOTS[kind].widest(CATALOGUES["en"].language)))
    nearly = st.one_of(
        st.integers(-2, 200), st.from_regex(r"[A-Z]?[0-9]{0,6}", fullmatch=True), st.text(max_size=8)
    )
    return st.one_of(taken, taken, taken, TRIED.get(kind, nearly))


@settings(max_examples=60)
@given(st.data())
def test_any_value_is_refused_before_it_is_stored_or_is_said_within_the_budget_of_every_language(
    data: st.DataObject,
) -> None:
    kinds = {slot: kind for kind, slot in SLOTS.items()}
    template = data.draw(st.sampled_from(sorted(TEMPLATES)))
    form = TEMPLATES[template]
    slots = {
        name: data.draw(tried(kinds[slot]), label=name)
        for name, slot in form.slots.items()
        if name != form.secret
    }
    try:
        check(template, slots)
    except SlotRefused:
        return
    secret = "123456" if form.secret else None
    for language, script in [
        (code.removesuffix("-Latn"), "latin" if "-" in code else "own") for code in CATALOGUES
    ]:
        for one_way in (None, OneWay("0937111222")):
            said = render(template, slots, language, script, secret, one_way=one_way)
            assert said.segments <= catalogue(language, script).segments
            assert "{" not in said.text + said.language


def test_what_was_shown_once_is_shown_again_and_no_secret_is_kept() -> None:
    for words in CATALOGUES.values():
        for template, form in TEMPLATES.items():
            if template in words.sms:
                values = {name: next(iter(slot.widest(words.language))) for name, slot in form.slots.items()}
                fresh = {
                    name: slot.fill(name, values[name], words.language) for name, slot in form.slots.items()
                }
                for _ in range(2):
                    assert messages._filled(template, values, words.language, None) == fresh
    messages._SHOWN.clear()
    assert "482913" in render("sign_in_code", {}, secret="482913").text
    assert "482913" not in repr(messages._SHOWN)


def test_equal_values_of_different_kinds_are_told_apart() -> None:
    assert render("alert", ALERT | {"level": 1}).text
    with pytest.raises(SlotRefused):
        render("alert", ALERT | {"level": True})
