"""Twilio's hooks: one signed request has one reading, and nothing but Twilio's own is believed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from alerts.channels.twilio_request import (
    Forged,
    Inbound,
    IncomingCall,
    KeyPressed,
    StatusUpdate,
    Told,
    validate,
)
from tests.fakes import FakeTwilio, poster_for

URL = "https://concord.example.org/hooks/twilio/sms"
PHONE = "+923001234567"
TWILIO = FakeTwilio(numbers=("+15005550006", "whatsapp:+15005550006"))
Fields = dict[str, str]


def inbound(body: str = "R 7 Fight near Market, call FromCity SmsSid now") -> Fields:
    return TWILIO.inbound_fields(TWILIO.miss(PHONE, body))


def status(state: str = "delivered", code: int | None = None) -> Fields:
    sms = TWILIO.create(PHONE, TWILIO.numbers[0], "hello", URL)
    kept: list[Fields] = []
    TWILIO.poster = lambda url, fields, headers: kept.append(dict(fields)) or 200  # type: ignore[func-returns-value]
    TWILIO.call_back(sms, state, code)
    return kept[0]


def whatsapp() -> Fields:
    fields = TWILIO.inbound_fields(TWILIO.miss("whatsapp:" + PHONE, "OK 47", to="whatsapp:+15005550006"))
    return fields | {"ProfileName": "Chair Digits1 Body", "WaId": PHONE[1:], "ChannelMetadata": "{}"}


def call(**more: str) -> Fields:
    made = TWILIO.calls.create({"To": PHONE, "From": TWILIO.numbers[0]})
    made.status = "in-progress"
    return TWILIO.calls.fields(made) | more


def read(
    fields: Fields | list[tuple[str, str]],
    signature: str | None = "",
    tokens: tuple[str, ...] = (TWILIO.token,),
) -> Told:
    params = list(fields.items()) if isinstance(fields, dict) else fields
    sign = TWILIO.sign(URL, dict(params)) if signature == "" else signature
    return validate(URL, params, sign, tokens, TWILIO.account_sid, TWILIO.numbers)


def re_parses(fields: Fields) -> Iterator[Fields]:
    """Every single step from one reading of the signed string to another one."""
    pairs = sorted(fields.items())
    for n, (name, value) in enumerate(pairs):
        before, after = pairs[:n], pairs[n + 1 :]
        if before:
            swallowing = (before[-1][0], before[-1][1] + name + value)
            yield dict([*before[:-1], swallowing, *after])
        whole = name + value
        for cut in range(1, len(whole) + 1):
            yield dict([*before, (whole[:cut], whole[cut:]), *after])
        for start in range(len(value)):
            for end in range(start + 1, len(value) + 1):
                yield dict([*before, (name, value[:start]), (value[start:end], value[end:]), *after])
        if after:
            following, its_value = after[0]
            for cut in range(len(value)):
                yield dict([*before, (name, value[:cut]), (value[cut:] + following, its_value), *after[1:]])
            for cut in range(1, len(following)):
                yield dict(
                    [*before, (name, value + following[:cut]), (following[cut:], its_value), *after[1:]]
                )


@pytest.mark.parametrize(
    "fields",
    [
        inbound(),
        inbound("OK 47"),
        inbound("رپورٹ ۷ Zebra fight"),
        status("delivered"),
        whatsapp(),
        call(Digits="1"),
        call(Timestamp="Tue, 24 Nov 2026 09:00:00 +0000", CallDuration="20"),
    ],
)
def test_no_other_reading_of_a_captured_request_is_believed(fields: Fields) -> None:
    signature = TWILIO.sign(URL, fields)
    official = RequestValidator(TWILIO.token)
    others = [
        other for other in re_parses(fields) if other != fields and official.validate(URL, other, signature)
    ]
    assert len(others) > 40, "the generator has lost its teeth"
    true = read(fields)
    for other in others:
        try:
            got = read(other, signature)
        except Forged:
            continue
        assert got.sid == true.sid
        assert not got.confirmed
        if type(got) is not type(true):
            continue  # its door takes no request of another kind
        if isinstance(got, Inbound):
            assert got.body is None
        elif isinstance(got, KeyPressed):
            assert got.key == true.key  # type: ignore[union-attr]
        else:
            assert got.state == true.state  # type: ignore[union-attr]


def test_an_sms_is_read_whole() -> None:
    got = read(inbound("R 7 fight\nnear market ۷"))
    assert isinstance(got, Inbound)
    assert (got.sender, got.body, got.confirmed) == (PHONE, "R 7 fight\nnear market ۷", True)


def test_an_empty_sms_is_still_an_sms() -> None:
    got = read(inbound(""))
    assert isinstance(got, Inbound)
    assert got.body == ""


def test_a_new_parameter_of_twilios_costs_only_the_confirmation() -> None:
    got = read(inbound("help") | {"SomethingNew": "1"})
    assert isinstance(got, Inbound)
    assert (got.confirmed, got.body, got.claimed_body) == (False, None, "help")


def test_a_status_says_what_became_of_the_message() -> None:
    arrived = read(status("delivered"))
    assert isinstance(arrived, StatusUpdate)
    assert (arrived.state, arrived.words) == ("delivered", "")
    failed = read(status("undelivered", 30006))
    assert isinstance(failed, StatusUpdate)
    assert (failed.state, failed.code, failed.permanent) == ("undelivered", "30006", True)
    assert failed.words


def test_a_whatsapp_message_is_only_an_id_until_twilio_confirms_it() -> None:
    got = read(whatsapp())
    assert isinstance(got, Inbound)
    assert (got.channel, got.sender, got.to, got.confirmed, got.body) == (
        "whatsapp",
        PHONE,
        "+15005550006",
        False,
        None,
    )


def test_a_key_and_the_end_of_a_call_are_read() -> None:
    pressed = read(call(Digits="3", msg="Gather End", FinishedOnKey=""))
    assert isinstance(pressed, KeyPressed)
    assert (pressed.key, pressed.confirmed) == ("3", True)
    busy = read(call() | {"CallStatus": "busy"})
    assert isinstance(busy, StatusUpdate)
    assert (busy.state, busy.code, busy.words) == ("undelivered", "busy", "The phone was busy.")
    for changes in (
        {"Digits": "12"},
        {"Direction": "outbound-dial"},
        {"From": PHONE},
        {"CallStatus": "done"},
        {"Digits": "1", "Direction": "inbound"},
        {"MessageStatus": "delivered"},
    ):
        with pytest.raises(Forged):
            read(call() | changes)


def test_a_call_is_read() -> None:
    TWILIO.poster = lambda url, fields, headers: 200
    TWILIO.ring(PHONE, URL)
    got = read(TWILIO.hooks[-1][1])
    assert isinstance(got, IncomingCall)
    assert got.caller == PHONE


def test_both_tokens_are_good_while_one_replaces_the_other() -> None:
    fields = inbound()
    assert read(fields, tokens=("the new one", TWILIO.token)).confirmed
    with pytest.raises(Forged):
        read(fields, tokens=("the new one",))
    with pytest.raises(Forged):
        read(fields, tokens=())


@pytest.mark.parametrize("signature", [None, "x", "a" * 28, "é" * 28, "A" * 27 + "=", b"bytes", 7])
def test_a_junk_signature_is_forged_and_nothing_worse(signature: str | None) -> None:
    with pytest.raises(Forged):
        read(inbound(), signature)


@pytest.mark.parametrize(
    "changes",
    [
        {"AccountSid": "AC" + "b2" * 16},
        {"To": "+15005550007"},
        {"From": "somebody"},
        {"From": PHONE + "\n"},
        {"MessageSid": "SM" + "0" * 32},
        {"SmsStatus": "sent"},
        {"Body": "x" * 1601},
        {"MessageStatus": "delivered"},
        {"NumMedia": "-1"},
        {"ApiVersion": "2010-04-01 "},
    ],
)
def test_even_a_signed_request_must_be_ours_and_in_shape(changes: Fields) -> None:
    with pytest.raises(Forged):
        read(inbound() | changes)


@pytest.mark.parametrize("name", ["MessageSid", "SmsSid", "From", "To", "Body", "AccountSid", "NumMedia"])
def test_a_required_parameter_must_be_there(name: str) -> None:
    fields = inbound()
    del fields[name]
    with pytest.raises(Forged):
        read(fields)


def test_a_parameter_that_comes_twice_is_forged() -> None:
    fields = inbound()
    with pytest.raises(Forged):
        read([*fields.items(), ("Body", fields["Body"])], TWILIO.sign(URL, fields))


def test_another_address_is_another_signature() -> None:
    fields = inbound()
    elsewhere = TWILIO.sign("https://evil.example.org/hooks/twilio/sms", fields)
    with pytest.raises(Forged):
        read(fields, elsewhere)


@given(
    st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=4),
    st.one_of(st.none(), st.text(max_size=30)),
)
def test_no_request_at_all_raises_anything_but_forged(
    params: list[tuple[str, str]], signature: str | None
) -> None:
    with pytest.raises(Forged):
        read(params, signature or None)


@given(st.dictionaries(st.sampled_from(sorted(inbound())), st.text(max_size=40), max_size=20))
def test_no_signed_request_raises_anything_but_forged(changes: Fields) -> None:
    fields = inbound() | changes
    try:
        signature = TWILIO.sign(URL, fields)
    except UnicodeEncodeError:
        return
    try:
        got = read(fields, signature)
    except Forged:
        return
    assert got.sid == fields["MessageSid"]


def test_the_fake_walks_a_message_to_its_end_with_hooks_that_are_believed() -> None:
    app = Flask("hooks")
    seen: list[Told] = []

    @app.post("/hooks/<path:which>")
    def hook(which: str) -> tuple[str, int]:
        params = list(request.form.items(multi=True))
        url = f"https://concord.example.org{request.path}"
        signature = request.headers.get("X-Twilio-Signature")
        try:
            seen.append(validate(url, params, signature, (twilio.token,), twilio.account_sid, twilio.numbers))
        except Forged:
            return "", 403
        return "", 204

    twilio = FakeTwilio(poster=poster_for(app.test_client()))
    sms = twilio.create(
        PHONE, twilio.numbers[0], "hello", "https://concord.example.org/hooks/twilio/status/1"
    )
    twilio.settle()
    assert [update.state for update in seen if isinstance(update, StatusUpdate)] == ["sent", "delivered"]
    assert (sms.status, sms.history) == ("delivered", ["queued", "sent", "delivered"])
    assert twilio.receive(PHONE, "OK 47", URL) == 204
    assert twilio.post(URL, twilio.inbound_fields(sms), signature="A" * 27 + "=") == 403
    twilio.assert_nothing_unexpected([(PHONE, "hello")])
    with pytest.raises(AssertionError, match="unexpectedly"):
        twilio.assert_nothing_unexpected([])
