"""For each channel a bench: the channel on a real server of this machine, and what the far side saw of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from alerts.channels import Apprise, Console, Email, Sms, Voice, Webhook, WhatsApp
from alerts.channels.base import Channel, Message
from alerts.channels.mail_server import parse_smtp_url
from tests.fakes import FakeMailbox, FakeTwilio
from tests.sink import Sink

HOST = "127.0.0.1"
PHONE = "+923001234567"
PUBLIC = "https://concord.example.org"
CONTENT = "HX" + "c" * 32
TEXT = "Attention HIGH 4/5, Ward 7, code 471"


@dataclass
class Bench:
    """One channel ready to be tried. `arrived` are the words that the far side took, once for each copy."""

    channel: Channel
    address: str
    far_side: Any = None
    more: dict[str, Any] = field(default_factory=dict)

    def message(self, text: str = TEXT) -> Message:
        """A message to this channel's own address."""
        given: dict[str, Any] = {
            "outbox_id": uuid4(),
            "address": self.address,
            "text": text,
            "since": datetime.now(UTC),
        }
        return Message(**(given | self.more))

    def arrived(self) -> list[str]:
        """What the far side took, one entry a copy."""
        raise NotImplementedError

    def refuse(self, *, permanent: bool) -> None:
        """Let the far side refuse the next message, for good or for now."""
        raise NotImplementedError

    def lose_the_answer(self) -> None:
        """Let the far side take the next message and say nothing."""
        raise NotImplementedError

    def go_away(self) -> None:
        """Let nothing listen there any more."""
        raise NotImplementedError


class TwilioBench(Bench):
    """SMS and WhatsApp."""

    def arrived(self) -> list[str]:
        return [sms.body for sms in self.far_side.sent]

    def refuse(self, *, permanent: bool) -> None:
        to = ("whatsapp:" if self.channel.key == "whatsapp" else "") + self.address
        self.far_side.refuses[to] = 21610 if permanent else 20429

    def lose_the_answer(self) -> None:
        self.far_side.fault("drop_after")

    def go_away(self) -> None:
        self.far_side.go_down()


class CallBench(TwilioBench):
    """Calls: a taken call is what was read out to whoever took it."""

    def arrived(self) -> list[str]:
        found = []
        for call in self.far_side.calls.made:
            self.far_side.calls.take(call)
            found.append(next(words for words in call.said if TEXT in words))
        return found

    def refuse(self, *, permanent: bool) -> None:
        self.far_side.refuses[self.address] = 13227 if permanent else 21220


class MailBench(Bench):
    """Letters."""

    def arrived(self) -> list[str]:
        return [mail.text.strip() for mail in self.far_side.letters]

    def refuse(self, *, permanent: bool) -> None:
        self.far_side.fault("letter 550" if permanent else "letter 451")

    def lose_the_answer(self) -> None:
        self.far_side.fault("drop_after")

    def go_away(self) -> None:
        self.far_side.__exit__()


class SinkBench(Bench):
    """What Apprise reaches: a server that takes JSON."""

    def arrived(self) -> list[str]:
        return [str(taken["message"]) for taken in self.far_side.taken]

    def refuse(self, *, permanent: bool) -> None:
        self.far_side.answers.append(404 if permanent else 429)

    def lose_the_answer(self) -> None:
        self.far_side.answers.append(0)

    def go_away(self) -> None:
        self.far_side.__exit__()


class ProgramBench(SinkBench):
    """Messages to a program, whole as they came."""

    def arrived(self) -> list[str]:
        return [body for _headers, body in self.far_side.got]


@contextmanager
def _twilio() -> Iterator[FakeTwilio]:
    numbers = ("+15005550006", "whatsapp:+15005550006")
    with FakeTwilio(poster=lambda url, fields, headers: 200, numbers=numbers) as twilio:
        twilio.contents[CONTENT] = "{{1}}"
        yield twilio


@contextmanager
def _sms() -> Iterator[Bench]:
    with _twilio() as twilio:
        channel = Sms(twilio.account_sid, twilio.token, twilio.numbers[:1], PUBLIC, twilio.url, 0.5)
        yield TwilioBench(channel, PHONE, twilio)


@contextmanager
def _whatsapp() -> Iterator[Bench]:
    with _twilio() as twilio:
        contents = {("alert", "en"): CONTENT}
        channel = WhatsApp(
            twilio.account_sid,
            twilio.token,
            twilio.numbers[:1],
            PUBLIC,
            twilio.url,
            0.5,
            contents=contents,
        )
        yield TwilioBench(channel, PHONE, twilio, {"template": "alert", "values": {"what": TEXT}})


@contextmanager
def _voice() -> Iterator[Bench]:
    with _twilio() as twilio:
        channel = Voice(twilio.account_sid, twilio.token, twilio.numbers[:1], PUBLIC, twilio.url, 0.5)
        yield CallBench(channel, PHONE, twilio)


@contextmanager
def _email() -> Iterator[Bench]:
    with FakeMailbox() as mailbox:
        channel = Email(parse_smtp_url(mailbox.url), "Concord <concord@example.org>", PUBLIC, seconds=2)
        yield MailBench(channel, "chair@example.org", mailbox)


@contextmanager
def _apprise() -> Iterator[Bench]:
    with Sink() as sink:
        channel = Apprise({"desk": f"json://127.0.0.1:{sink.port}/{{to}}"}, private=True, read_seconds=0.5)
        yield SinkBench(channel, "desk:chair-of-ward-7", sink)


@contextmanager
def _webhook() -> Iterator[Bench]:
    with Sink() as sink:
        address = f"http://{HOST}:{sink.port}/hook#whsec_{'A' * 43}="
        yield ProgramBench(Webhook((HOST,)), address, sink)


@contextmanager
def _console() -> Iterator[Bench]:
    yield Bench(Console(), "page")


BENCHES = {
    "sms": _sms,
    "whatsapp": _whatsapp,
    "voice": _voice,
    "email": _email,
    "apprise": _apprise,
    "webhook": _webhook,
    "console": _console,
}
