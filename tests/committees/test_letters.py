"""E-mail in: who it is from is only a hint, what is quoted is left out, and no letter breaks the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from committees.intake import letters

TRUSTED = "mx.concord.example"
PLAIN = """From: Farah <Farah@Example.org>
Subject: Trouble at the bus stand
Message-ID: <one@example.org>
Content-Type: text/plain; charset=utf-8

Two groups are shouting.
Ward 7.

On Sat, 28 Nov 2026 at 10:00, Concord <a@concord.example> wrote:
> Please report here
--
Farah
"""


def read(text: str) -> letters.Letter:
    return letters.read(text.encode(), TRUSTED)


def test_a_letter_is_its_subject_and_its_new_words() -> None:
    found = read(PLAIN)
    assert (found.key, found.sender) == ("one@example.org", "farah@example.org")
    assert found.words == "Trouble at the bus stand\nTwo groups are shouting.\nWard 7."
    assert "> Please report here" in found.whole
    assert not found.automatic
    assert not found.proven


def test_of_a_reply_only_what_is_new_counts() -> None:
    assert read(PLAIN.replace("Subject: ", "Subject: Re: ")).words == "Two groups are shouting.\nWard 7."


def test_html_becomes_words_and_attachments_stay_closed() -> None:
    text = (
        'From: a@b.example\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="q"\n\n'
        "--q\nContent-Type: text/html\n\n<style>p{}</style><p>Stones &amp; <b>shouting</b></p><script>alert(1)</script>"
        "<blockquote>old</blockquote>\n--q\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nsecret file\n--q--\n"
    )
    found = read(text)
    assert found.words == "x\n\nStones & shouting"
    assert found.files == 1


@pytest.mark.parametrize(
    ("charset", "body", "words"),
    [
        ("", "বাজারে ভিড়".encode(), "বাজারে ভিড়"),
        ("; charset=us-ascii", "বাজারে ভিড়".encode(), "বাজারে ভিড়"),
        ("; charset=x-unknown", "میلے میں".encode(), "میلے میں"),
        ("; charset=windows-1256", "بازار".encode("windows-1256"), "بازار"),
        ("; charset=utf-16", "ගම".encode("utf-16"), "ගම"),
    ],
)
def test_no_letter_of_any_alphabet_is_lost(charset: str, body: bytes, words: str) -> None:
    head = f"From: a@b.example\nContent-Type: text/plain{charset}\nContent-Transfer-Encoding: 8bit\n\n"
    assert letters.read(head.encode() + body).words == words


def test_an_empty_plain_part_is_not_all_that_was_written() -> None:
    parts = "--q\nContent-Type: text/plain\n\n \n--q\nContent-Type: text/html\n\n<p>A crowd</p>\n--q--\n"
    head = 'From: a@b.example\nContent-Type: multipart/alternative; boundary="q"\n\n'
    assert read(head + parts).words == "A crowd"


@pytest.mark.parametrize(
    "who",
    [
        "সোম, ২৩ নভে, ২০২৬ তারিখে Concord <c@x.example> লিখেছেন:",
        "On Mon, 23 Nov 2026 at 09:00, Concord <c@x.example>\nwrote:",
        "Le 23/11/2026 à 09:00, Concord a écrit :",
    ],
)
def test_who_is_quoted_is_left_out_in_every_language(who: str) -> None:
    """The line above a quotation says who wrote when; a line of the writer's own that ends alike stays."""
    head = "From: a@b.example\nSubject: Re: x\n\n"
    assert read(f"{head}I saw it.\n\n{who}\n\n> old words").words == "I saw it."
    assert read(f"{head}I say:\n> old words").words == "I say:"
    html = f"From: a@b.example\nSubject: Re: x\nContent-Type: text/html; charset=utf-8\n\nI saw it.<div>{who}</div><blockquote>old</blockquote>"
    assert read(html).words == "I saw it."


@pytest.mark.parametrize(
    ("stamps", "proven"),
    [
        ([], False),
        ([f"{TRUSTED}; dkim=pass header.d=example.org"], True),
        ([f"{TRUSTED} 1; spf=pass; dmarc=pass (p=reject) header.from=example.org"], True),
        ([f"{TRUSTED}; dkim=pass header.i=@example.org"], True),
        ([f"{TRUSTED}; dkim=pass header.d=evil.example"], False),
        ([f"{TRUSTED}; dkim=pass header.d=example.org.evil.example"], False),
        ([f"{TRUSTED}; dkim=fail header.d=example.org"], False),
        ([f"{TRUSTED}; spf=pass smtp.mailfrom=example.org"], False),
        (["mx.evil.example; dkim=pass header.d=example.org"], False),
        # What a stranger chose as their own name or address is quoted in it, and proves nothing.
        (
            [f'{TRUSTED}; spf=pass smtp.mailfrom="a; dmarc=pass header.from=example.org b"@evil.example'],
            False,
        ),
        ([f"{TRUSTED}; dkim=pass (of header.d=example.org ) header.d=evil.example"], False),
        ([f"{TRUSTED}; spf=none (a; dmarc=pass header.from=example.org b"], False),
        # A stamp that came with the letter lies under that of our own server.
        ([f"{TRUSTED}; dkim=none", f"{TRUSTED}; dkim=pass header.d=example.org"], False),
    ],
)
def test_only_the_topmost_stamp_of_our_own_server_proves_a_sender(stamps: list[str], proven: bool) -> None:
    assert read("".join(f"Authentication-Results: {one}\n" for one in stamps) + PLAIN).proven is proven


@pytest.mark.parametrize(
    "line",
    [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "Return-Path: <>",
        "List-Id: <x.example>",
        "X-Autoreply: yes",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=q",
    ],
)
def test_what_a_machine_wrote_is_known(line: str) -> None:
    assert read(f"{line}\n{PLAIN}").automatic
    assert not read(f"Auto-Submitted: no\n{PLAIN}").automatic
    assert read("From: MAILER-DAEMON@mx.example\n\nNot delivered").automatic, "a bounce without any mark"


@pytest.mark.parametrize(
    "senders",
    ["", "From: a@b.example, c@d.example\n", "From: nobody\n", "From: a@b.example\nFrom: c@d.example\n"],
)
def test_a_letter_of_nobody_or_of_two_has_no_sender(senders: str) -> None:
    assert read(senders + PLAIN.partition("\n")[2]).sender == ""


HEADS = st.sampled_from(
    ["From: a@b.example", "Subject: =?utf-8?q?=ff?=", "Content-Type: text/html; charset=nonsense", "Message-ID: <>",
     "Content-Type: multipart/mixed; boundary=", "Content-Transfer-Encoding: base64", "From: =?x?", "Authentication-Results: ;;"]
)  # fmt: skip


@given(
    st.lists(HEADS | st.text(max_size=30), max_size=8),
    st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
)
def test_no_letter_breaks_the_reader(heads: list[str], body: bytes) -> None:
    found = letters.read("\n".join(heads).encode("utf-8", "replace") + b"\n\n" + body, TRUSTED)
    assert "\0" not in found.whole + found.words
    found.whole.encode("utf-8")
    assert found.key
    assert not found.proven
