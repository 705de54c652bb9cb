"""Sealed values: bound to their row, padded, dated to the day; indexes and handles that stay the same and say nothing."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from foundation import crypto
from foundation.crypto import DAY, STEP, Cipher, Unreadable, new_token, token_hash

OLD, NEW = Fernet.generate_key(), Fernet.generate_key()
CIPHER = Cipher([OLD], b"pepper")
ROW = uuid.uuid4()


@given(st.text(), st.uuids())
def test_what_is_sealed_can_be_opened(value: str, row: uuid.UUID) -> None:
    assert CIPHER.open("person.name", row, CIPHER.seal("person.name", row, value)) == value


@given(st.text(max_size=200), st.uuids(), st.uuids())
def test_a_value_moved_to_another_row_does_not_open(value: str, row: uuid.UUID, other: uuid.UUID) -> None:
    token = CIPHER.seal("outbox.address", row, value)
    if row != other:
        with pytest.raises(Unreadable, match="wrong row"):
            CIPHER.open("outbox.address", other, token)


def test_a_value_moved_to_another_column_does_not_open() -> None:
    token = CIPHER.seal("outbox.secret", ROW, "123456")
    with pytest.raises(Unreadable, match="wrong row"):
        CIPHER.open("outbox.address", ROW, token)


@pytest.mark.parametrize("token", ["", "not a token", "gAAAA", "é", "0" * 200])
def test_what_was_never_sealed_is_refused_in_words(token: str) -> None:
    with pytest.raises(Unreadable) as caught:
        CIPHER.open("a.b", ROW, token)
    assert caught.value.status == 500
    assert "key file" in caught.value.hint


def test_a_changed_letter_is_refused() -> None:
    token = CIPHER.seal("a.b", ROW, "here")
    for at in (0, 30, len(token) // 2, len(token) - 5):
        other = "A" if token[at] != "A" else "B"
        with pytest.raises(Unreadable):
            CIPHER.open("a.b", ROW, token[:at] + other + token[at + 1 :])


def test_a_wrong_key_is_told_in_words_and_tells_nothing() -> None:
    token = CIPHER.seal("a.b", ROW, "a secret place")
    with pytest.raises(Unreadable) as caught:
        Cipher([NEW], b"pepper").open("a.b", ROW, token)
    assert "secret place" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_older_key_still_opens_and_the_newest_seals() -> None:
    token = CIPHER.seal("a.b", ROW, "here")
    both = Cipher([NEW, OLD], b"pepper")
    assert both.open("a.b", ROW, token) == "here"
    assert Cipher([NEW], b"pepper").open("a.b", ROW, both.seal("a.b", ROW, "there")) == "there"


def test_short_values_are_all_of_one_length() -> None:
    lengths = {len(CIPHER.seal("a.b", ROW, "x" * n)) for n in range(10)}
    assert len(lengths) == 1
    raw = {len(Fernet(OLD).decrypt(CIPHER.seal("a.b", ROW, "x" * n))) for n in range(0, 400, 7)}
    assert {length % STEP for length in raw} == {0}


def test_a_token_tells_the_day_and_not_the_minute() -> None:
    assert Fernet(OLD).extract_timestamp(CIPHER.seal("a.b", ROW, "x").encode()) % DAY == 0


def test_the_same_value_is_sealed_differently_each_time() -> None:
    assert CIPHER.seal("a.b", ROW, "x") != CIPHER.seal("a.b", ROW, "x")


def test_an_index_is_stable_and_depends_on_the_pepper() -> None:
    one = CIPHER.index("+923001234567")
    assert one == Cipher([NEW], b"pepper").index("+923001234567")
    assert one != CIPHER.index("+923001234568")
    assert one != Cipher([OLD], b"another").index("+923001234567")
    assert len(one) == 24


def test_a_handle_is_stable_and_depends_on_the_key() -> None:
    parts = ("source", uuid.uuid4(), uuid.uuid4())
    handle = CIPHER.handle(*parts)
    assert handle == Cipher([NEW], b"pepper").handle(*parts)
    assert handle.version == 4
    assert handle not in {Cipher([OLD], b"other").handle(*parts), CIPHER.handle(*reversed(parts))}
    assert str(handle) not in map(str, parts)


def test_tokens_are_long_and_only_their_hash_is_kept() -> None:
    token = new_token()
    assert len(token) >= 43
    assert token != new_token()
    assert token_hash(token) == token_hash(token) != token
    assert len(token_hash(token)) == 64


def test_the_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    token = Cipher.from_folder(folder, "secret").seal("a.b", ROW, "here")
    path = folder / "columns.keys"
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o077 == 0
    assert Cipher.from_folder(folder, "secret").open("a.b", ROW, token) == "here"
    assert [found.name for found in folder.iterdir()] == ["columns.keys"]


def test_processes_that_start_together_take_one_key(tmp_path: Path) -> None:
    start, tokens = threading.Barrier(8), []

    def begin() -> None:
        start.wait()
        tokens.append(Cipher.from_folder(tmp_path / "keys", "secret").seal("a.b", ROW, "here"))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = Cipher.from_folder(tmp_path / "keys", "secret")
    assert [after.open("a.b", ROW, token) for token in tokens] == ["here"] * 8


def test_the_later_of_two_leaves_the_key_of_the_earlier(tmp_path: Path) -> None:
    """Both looked for the file before either had made it; this one comes second."""
    path = tmp_path / "columns.keys"
    path.write_bytes(OLD + b"\n")
    crypto._first_key(path)
    assert path.read_bytes().split() == [OLD]
    assert [found.name for found in tmp_path.iterdir()] == ["columns.keys"]
