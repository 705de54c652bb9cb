"""What a mail server's refusals mean: only what says that this person's mailbox is not there is permanent, and what is ours blames nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import smtp_codes

TABLE = [
    (550, "5.1.1 User unknown", True, "receiver"),
    (550, "550-5.1.1 User unknown", True, "receiver"),
    (551, "User not local", True, "receiver"),
    (553, "Mailbox name not allowed", True, "receiver"),
    (552, "5.2.2 Mailbox full", True, "receiver"),
    (552, "5.2.3 Message too long", True, "message"),
    (554, "5.6.0 Content not allowed", True, "message"),
    (550, "5.7.1 Blocked by policy", False, "ours"),
    (550, "5.7.26 Unauthenticated", False, "ours"),
    (553, "5.1.8 Bad sender", False, "ours"),
    (554, "5.1.7 Bad sender syntax", False, "ours"),
    (550, "5.7.2 Mailing list refuses", True, "receiver"),
    (451, "4.3.0 Try again later", False, ""),
    (452, "4.2.2 Mailbox full", False, ""),
    (421, "4.7.0 Too many connections", False, "ours"),
    (554, "5.4.6 Routing loop", False, ""),
    (450, "Greylisted", False, ""),
    (554, "Transaction failed", True, "message"),
]


@pytest.mark.parametrize(("code", "reply", "permanent", "why"), TABLE, ids=[row[1] for row in TABLE])
def test_each_refusal_says_whose_it_is_and_whether_to_try_again(
    code: int, reply: str, permanent: bool, why: str
) -> None:
    found = smtp_codes.refusal(code, reply)
    assert (found.permanent, found.why or "") == (permanent, why)
    assert found.message.endswith(".")


def test_a_refusal_of_our_own_name_is_never_the_receivers() -> None:
    found = smtp_codes.refusal(550, "5.1.1 User unknown", of_us=True)
    assert (found.permanent, found.why) == (False, "ours")


@given(st.integers(400, 599), st.text(max_size=60), st.booleans())
def test_whatever_a_server_says_there_is_one_answer(code: int, reply: str, of_us: bool) -> None:
    found = smtp_codes.refusal(code, reply, of_us=of_us)
    assert found.message
    assert found.code
    if code < 500:
        assert not found.permanent, "a temporary refusal gives up nobody's address"
    if found.permanent:
        assert found.why in ("receiver", "message")
