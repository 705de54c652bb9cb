"""A phone number in a sentence keeps its order where words run from the right, and nothing typed becomes markup by it."""

from __future__ import annotations

from foundation.web.words import gaps_apart, numbers_apart


def test_a_number_is_set_apart_and_the_rest_is_escaped() -> None:
    shown = numbers_apart("مثلاً +92 300 1234567 <b>")
    assert shown == 'مثلاً <bdi dir="ltr">+92 300 1234567</bdi> &lt;b&gt;'


def test_a_sentence_without_a_number_stays() -> None:
    assert numbers_apart("For example 27 11 2024, 100+") == "For example 27 11 2024, 100+"


def test_a_gap_in_words_to_be_read_is_not_pulled_to_pieces() -> None:
    shown = gaps_apart("الرٹ %(number)s، {place}: <b> 100%")
    assert (
        '<bdi class="code number" dir="ltr">%(number)s</bdi>، <bdi class="code number" dir="ltr">{place}</bdi>'
        in shown
    )
    assert "&lt;b&gt; 100%" in shown
