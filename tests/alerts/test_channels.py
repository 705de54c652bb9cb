"""Channels over real sockets: what was taken, what was not, and what must be looked up first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from alerts.channels import (
    CHANNELS,
    Console,
    DeliveryFailed,
    Email,
    Message,
    OutcomeUnknown,
    Sms,
    open_channels,
)
from alerts.channels.mail_server import parse_smtp_url
from alerts.channels.twilio_codes import verdict
from alerts.channels.twilio_inbox import TwilioInbox
from foundation.config import Config
from foundation.errors import Problem
from tests.fakes import FakeMailbox, FakeTwilio

PHONE = "+923001234567"
PUBLIC = "https://concord.example.org"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio(poster=lambda url, fields, headers: 200) as fake:
        yield fake


@pytest.fixture
def sms(twilio: FakeTwilio) -> Iterator[Sms]:
    channel = Sms(twilio.account_sid, twilio.token, twilio.numbers, PUBLIC, twilio.url, read_seconds=0.5)
    yield channel
    channel.close()


@pytest.fixture
def mailbox() -> Iterator[FakeMailbox]:
    with FakeMailbox() as fake:
        yield fake


@pytest.fixture
def mail(mailbox: FakeMailbox) -> Iterator[Email]:
    channel = Email(parse_smtp_url(mailbox.url), "Concord <concord@example.org>", PUBLIC, seconds=2)
    yield channel
    channel.close()


def message(text: str = "Attention 4/5, Ward 7", **changes: object) -> Message:
    given: dict[str, object] = {
        "outbox_id": uuid4(),
        "address": PHONE,
        "text": text,
        "since": datetime.now(UTC),
    }
    return Message(**(given | changes))  # type: ignore[arg-type]


def letter(**changes: object) -> Message:
    given: dict[str, object] = {
        "address": "chair@example.org",
        "subject": "Attention 4/5",
        "html": "<p>Ward 7</p>",
    }
    return message(**(given | changes))  # type: ignore[arg-type]


def test_an_sms_carries_our_own_id_in_its_callback(twilio: FakeTwilio, sms: Sms) -> None:
    sent = message()
    handed = sms.send(sent)
    assert handed.state == "sent"
    assert twilio.find(handed.provider_id) is twilio.sent[0]
    assert twilio.sent[0].callback == f"{PUBLIC}/hooks/twilio/status/{sent.outbox_id}"
    twilio.assert_nothing_unexpected([(PHONE, "Ward 7")])


def test_urdu_arrives_letter_by_letter(twilio: FakeTwilio, sms: Sms) -> None:
    sms.send(message("توجہ 4/5 زیادہ، وارڈ ۷۔ جواب OK 47 + & = %"))
    assert twilio.sent[0].body == "توجہ 4/5 زیادہ، وارڈ ۷۔ جواب OK 47 + & = %"


def test_one_number_always_hears_from_the_same_sender() -> None:
    numbers = ("+15005550001", "+15005550002", "MG" + "0" * 32)
    with FakeTwilio(numbers=numbers) as twilio:
        channel = Sms(twilio.account_sid, twilio.token, numbers, PUBLIC, twilio.url)
        for phone in ("+923001234567", "+923001234568", "+923001234569") * 3:
            channel.send(message(address=phone))
        channel.close()
        used = {
            phone: {m.sender for m in twilio.sent if m.to == phone} for phone in {m.to for m in twilio.sent}
        }
    assert [len(senders) for senders in used.values()] == [1, 1, 1]


@pytest.mark.parametrize(
    ("code", "permanent"), [(21610, True), (21614, True), (21408, True), (20429, False), (21606, False)]
)
def test_a_refusal_says_whether_it_is_for_good(
    twilio: FakeTwilio, sms: Sms, code: int, permanent: bool
) -> None:
    twilio.refuses[PHONE] = code
    with pytest.raises(DeliveryFailed) as failed:
        sms.send(message())
    assert (failed.value.permanent, failed.value.code) == (permanent, str(code))
    assert PHONE not in failed.value.message
    assert twilio.sent == []


def test_a_wrong_number_is_permanent_and_a_wrong_password_is_not(twilio: FakeTwilio, sms: Sms) -> None:
    with pytest.raises(DeliveryFailed) as wrong:
        sms.send(message(address="12"))
    assert wrong.value.permanent
    twilio.token = "another"
    with pytest.raises(DeliveryFailed) as refused:
        sms.send(message())
    assert not refused.value.permanent


def test_too_many_requests_is_for_later(twilio: FakeTwilio, sms: Sms) -> None:
    twilio.fault("429")
    with pytest.raises(DeliveryFailed) as failed:
        sms.send(message())
    assert not failed.value.permanent
    assert sms.send(message()).state == "sent"


def test_a_service_that_is_down_was_certainly_not_asked(twilio: FakeTwilio, sms: Sms) -> None:
    twilio.go_down()
    with pytest.raises(DeliveryFailed) as failed:
        sms.send(message())
    assert not failed.value.permanent
    with pytest.raises(OutcomeUnknown):
        sms.look_up(message())
    twilio.come_back()
    assert sms.send(message()).state == "sent"


@pytest.mark.parametrize("fault", ["500_after", "drop_after", "hang_after", "garbled"])
def test_a_lost_answer_is_unknown_until_the_copy_is_found(twilio: FakeTwilio, sms: Sms, fault: str) -> None:
    sent = message()
    twilio.fault(fault)
    with pytest.raises(OutcomeUnknown):
        sms.send(sent)
    found = sms.look_up(sent)
    assert found is not None
    assert found.provider_id == twilio.sent[0].sid


@pytest.mark.parametrize("fault", ["500_before", "drop_before", "hang_before"])
def test_a_lost_request_is_unknown_until_no_copy_is_found(twilio: FakeTwilio, sms: Sms, fault: str) -> None:
    sent = message()
    twilio.fault(fault)
    with pytest.raises(OutcomeUnknown):
        sms.send(sent)
    assert sms.look_up(sent) is None


def test_the_look_up_believes_only_this_message(twilio: FakeTwilio, sms: Sms) -> None:
    first = sms.send(message("OK"))
    assert sms.look_up(message("OK", address="+923009999999")) is None
    assert sms.look_up(message("OK ")) is None
    assert sms.look_up(message("OK", taken_ids=frozenset({first.provider_id}))) is None
    assert sms.look_up(message("OK", since=datetime.now(UTC) + timedelta(hours=1))) is None
    assert sms.look_up(message("OK")) == first


def test_the_look_up_never_takes_a_persons_own_words_for_ours(twilio: FakeTwilio, sms: Sms) -> None:
    twilio.miss(PHONE, "OK", to=PHONE)
    assert sms.look_up(message("OK")) is None


def test_the_look_up_tells_what_the_carrier_said(twilio: FakeTwilio, sms: Sms) -> None:
    sent = message()
    sms.send(sent)
    twilio.fails[PHONE] = 30006
    twilio.settle()
    with pytest.raises(DeliveryFailed) as failed:
        sms.look_up(sent)
    assert (failed.value.permanent, failed.value.code) == (True, "30006")


def test_the_look_up_reads_past_the_first_page(twilio: FakeTwilio, sms: Sms) -> None:
    sent = message("the one")
    first = sms.send(sent)
    for number in range(60):
        twilio.create(PHONE, twilio.numbers[0], f"later {number}", None)
    assert sms.look_up(sent) == first


def test_the_inbox_brings_what_the_hook_missed(twilio: FakeTwilio) -> None:
    inbox = TwilioInbox(twilio.account_sid, twilio.token, twilio.numbers, twilio.url)
    missed = twilio.miss(PHONE, "R 7 fight")
    start = datetime.now(UTC) - timedelta(minutes=5)
    assert [(m.sid, m.body) for m in inbox.since(start)] == [(missed.sid, "R 7 fight")]
    fetched = inbox.fetch(missed.sid)
    assert fetched is not None
    assert fetched.body == "R 7 fight"
    assert inbox.fetch("SM" + "f" * 32) is None
    inbox.delete(missed.sid)
    assert inbox.fetch(missed.sid) is None
    inbox.close()


def test_every_listed_code_has_words() -> None:
    assert verdict("21610").permanent
    assert not verdict("30003").permanent
    assert verdict("99999", 400).permanent
    assert not verdict("99999").permanent
    assert not verdict(None, 429).permanent


def test_a_letter_has_two_forms_and_says_that_a_machine_wrote_it(mailbox: FakeMailbox, mail: Email) -> None:
    sent = letter(text="وارڈ ۷", html="<p>وارڈ ۷</p>", language="ur", outbox_id=UUID(int=7))
    mail.send(sent)
    got = mailbox.to("chair@example.org")[0]
    assert (got.text.strip(), got.html.strip()) == ("وارڈ ۷", "<p>وارڈ ۷</p>")
    assert got.letter["Message-ID"] == f"<{UUID(int=7)}@example.org>"
    assert got.letter["Auto-Submitted"] == "auto-generated"
    assert got.letter["Content-Language"] == "ur"
    assert f"{PUBLIC}/me" in got.letter["List-Unsubscribe"]
    assert got.sender == "concord@example.org"


def test_many_letters_share_one_connection(mailbox: FakeMailbox, mail: Email) -> None:
    for number in range(5):
        mail.send(letter(text=f"number {number}"))
    assert len(mailbox.letters) == 5
    assert mailbox.connections == 1


def test_a_line_that_is_only_a_dot_does_not_end_the_letter(mailbox: FakeMailbox, mail: Email) -> None:
    mail.send(letter(text="one\n.\n..two\nMAIL FROM:<x@example.org>", html=None))
    assert mailbox.letters[0].text.splitlines() == ["one", ".", "..two", "MAIL FROM:<x@example.org>"]
    assert len(mailbox.letters) == 1


@pytest.mark.parametrize(
    ("fault", "permanent"),
    [
        ("address 451", False),
        ("address 550", True),
        ("letter 451", False),
        ("letter 550", True),
        ("421", False),
    ],
)
def test_a_mail_refusal_says_whether_it_is_for_good(
    mailbox: FakeMailbox, mail: Email, fault: str, permanent: bool
) -> None:
    mail.send(letter())
    mailbox.fault(fault)
    with pytest.raises(DeliveryFailed) as failed:
        mail.send(letter())
    assert failed.value.permanent is permanent
    mail.send(letter())
    assert len(mailbox.letters) == 2


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_a_line_that_breaks_during_the_letter_is_unknown(
    mailbox: FakeMailbox, mail: Email, fault: str
) -> None:
    mailbox.fault(fault)
    with pytest.raises(OutcomeUnknown):
        mail.send(letter())
    mail.send(letter())
    assert len(mailbox.letters) == (2 if fault == "drop_after" else 1)


def test_a_connection_that_died_in_between_costs_nothing(mailbox: FakeMailbox, mail: Email) -> None:
    mail.send(letter())
    mailbox.__exit__()
    with pytest.raises(DeliveryFailed) as failed:
        mail.send(letter())
    assert not failed.value.permanent
    mailbox.__enter__()
    mail.send(letter())
    assert len(mailbox.letters) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Attention\r\nBcc: all@example.org"},
        {"address": "chair@example.org\r\nDATA"},
        {"address": "chair@example.org, other@example.org"},
        {"address": "Chair <chair@example.org>"},
        {"address": "nobody"},
    ],
)
def test_nothing_can_forge_a_header(mailbox: FakeMailbox, mail: Email, changes: dict[str, object]) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        mail.send(letter(**changes))
    assert failed.value.permanent
    assert mailbox.letters == []


def test_the_mail_settings_are_read_strictly() -> None:
    server = parse_smtp_url("smtp://user%40town:p%3Ass@mail.example.org:2525?tls=starttls")
    assert (server.user, server.password, server.port, server.tls) == ("user@town", "p:ss", 2525, "starttls")
    assert parse_smtp_url("smtps://mail.example.org").port == 465
    for wrong in ("http://mail.example.org", "smtp://", "smtp://mail.example.org?tls=maybe"):
        with pytest.raises(Problem):
            parse_smtp_url(wrong)


def test_a_password_never_goes_over_an_open_line(mailbox: FakeMailbox) -> None:
    open_line = mailbox.url.replace("//", "//user:secret@").replace("none", "auto")
    channel = Email(parse_smtp_url(open_line), "concord@example.org", PUBLIC, seconds=2)
    with pytest.raises(DeliveryFailed) as failed:
        channel.send(letter())
    assert not failed.value.permanent


def test_an_installation_without_settings_writes_to_nobody() -> None:
    config = Config.from_env({"CONCORD_SECRET_KEY": "k" * 40})
    channels = open_channels(config)
    assert set(channels) == {kind.key for kind in CHANNELS}
    # A program is written to only where its host is listed: without settings there is none.
    assert all(isinstance(channel, Console) for key, channel in channels.items() if key != "webhook")
    assert channels["sms"].send(message()).state == "delivered"


def test_as_soon_as_one_channel_is_real_no_other_seems_to_arrive() -> None:
    config = Config.from_env({"CONCORD_SECRET_KEY": "k" * 40, "CONCORD_SMTP_URL": "smtp://mail.example.org"})
    channels = open_channels(config)
    assert isinstance(channels["email"], Email)
    assert "sms" not in channels
    assert isinstance(channels["console"], Console)
    shown = Config.from_env(
        {"CONCORD_SECRET_KEY": "k" * 40, "CONCORD_SMTP_URL": "smtp://mail.example.org"}, demo=True
    )
    assert isinstance(open_channels(shown)["sms"], Console)
