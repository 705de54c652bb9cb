"""A reporter's name opens to any two of three keepers, to no one alone, and to no server."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey

from committees.custody import KEEPERS, PADDED, seal
from tests.keepers import open_with

KEYS = [PrivateKey.generate() for _ in range(KEEPERS)]
PUBLIC = [bytes(key.public_key) for key in KEYS]
SECRET = [bytes(key) for key in KEYS]
NAME = "Somebody, +92 300 0000000"
# A name may not end in the letter that fills up the box.
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)


@given(names)
def test_any_two_keepers_open_it_in_either_order(name: str) -> None:
    boxes = seal(name, PUBLIC)
    for one, other in itertools.permutations(range(KEEPERS), 2):
        assert open_with(boxes, (one, SECRET[one]), (other, SECRET[other])) == name


@pytest.mark.parametrize("alone", range(KEEPERS))
def test_no_keeper_opens_it_alone(alone: int) -> None:
    boxes, stranger = seal(NAME, PUBLIC), bytes(PrivateKey.generate())
    for other in set(range(KEEPERS)) - {alone}:
        for key in (SECRET[alone], stranger):
            with pytest.raises(CryptoError):
                open_with(boxes, (alone, SECRET[alone]), (other, key))
    with pytest.raises(KeyError):
        open_with(boxes, (alone, SECRET[alone]), (alone, SECRET[alone]))


def test_two_strangers_open_nothing() -> None:
    keys = [bytes(PrivateKey.generate()) for _ in range(2)]
    for pair in itertools.combinations(range(KEEPERS), 2):
        with pytest.raises(CryptoError):
            open_with(seal(NAME, PUBLIC), (pair[0], keys[0]), (pair[1], keys[1]))


def test_a_box_tells_neither_the_name_nor_its_length() -> None:
    short, long = seal("A", PUBLIC), seal("A" * 200, PUBLIC)
    assert {len(box) for box in short.values()} == {len(box) for box in long.values()}
    assert set(short) == {"01", "02", "12"}
    assert not any("Somebody" in box for box in seal(NAME, PUBLIC).values())
    assert seal(NAME, PUBLIC) != seal(NAME, PUBLIC)


def test_a_name_that_does_not_fit_is_refused() -> None:
    seal("x" * PADDED, PUBLIC)
    with pytest.raises(ValueError, match="256"):
        seal("x" * (PADDED + 1), PUBLIC)
    with pytest.raises(ValueError, match="256"):
        seal("ம" * 100, PUBLIC)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_three_keepers_are_needed(count: int) -> None:
    with pytest.raises(ValueError, match="three"):
        seal(NAME, (PUBLIC * 2)[:count])
