"""A letter written by hand is the letter that the standard library reads: subject, both parts, every header, in every script."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import letter
from alerts.channels.base import DeliveryFailed

HEADERS = [
    ("From", "Concord <concord@example.org>"),
    ("To", "chair@example.org"),
    ("Message-ID", "<1@example.org>"),
]
#: What messages are made of: every script, marks and emoji; lines of their own; no control characters, which no gap lets in.
LETTERS = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))
LINES = st.lists(st.text(LETTERS, max_size=90), min_size=1, max_size=12).map("\n".join)
SUBJECTS = st.text(LETTERS, min_size=1, max_size=80).filter(
    lambda text: text == " ".join(text.split()) and "=?" not in text
)


def read(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=SMTP)
    assert isinstance(found, EmailMessage)
    assert found.defects == []
    return found


def body(found: EmailMessage, kind: str) -> str:
    part = found.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").rstrip("\n")


@given(SUBJECTS, LINES, st.none() | LINES)
def test_what_is_written_is_read_back(subject: str, text: str, html: str | None) -> None:
    raw = letter.compose(HEADERS, subject, "ur", text, html)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    found = read(raw)
    assert [found[name] for name, _ in HEADERS] == [value for _, value in HEADERS]
    assert found["Subject"] == subject
    assert found["Content-Language"] == "ur"
    assert body(found, "plain") == text.rstrip("\n")
    if html is not None:
        assert body(found, "html") == html.rstrip("\n")


@pytest.mark.parametrize("subject", ["Hello\r\nBcc: everybody@example.org", "one\ntwo", "nul\0"])
def test_a_subject_that_could_forge_a_header_is_refused(subject: str) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        letter.compose(HEADERS, subject, "en", "text", None)
    assert failed.value.permanent


def test_a_part_that_holds_the_boundary_is_sealed() -> None:
    text = "before\n--concord=_=part--\nafter"
    assert body(read(letter.compose(HEADERS, "x", "en", text, "<p>x</p>")), "plain") == text
