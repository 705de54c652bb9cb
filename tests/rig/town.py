"""The fixtures `town` and `wired_town`: a whole installation on a seeded database, once on each engine.

`town` writes to the console outbox. `wired_town` speaks to a Twilio and a mail server over real sockets,
and knows every seed person's phone. Only the tests' conftest loads this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from committees import people
from committees.people import ContactPoint
from foundation import outbox
from foundation.outbox import OutboxMessage
from tests.fakes import FakeMailbox, FakeTwilio, Sms, poster_for
from tests.make import FakeClock, Town, build_template, make_town
from tests.rig.databases import Databases
from tests.rig.told import compare

CONTENT, ADVICE_CONTENT = "HX" + "c" * 32, "HX" + "d" * 32
SMS_HOOK, VOICE_HOOK = "/hooks/twilio/sms", "/hooks/twilio/voice"


class WiredTown(Town):
    """A town with a telephone network (`twilio`) and a post office (`mail`) around it."""

    def __init__(self, town: Town, twilio: FakeTwilio, mail: FakeMailbox) -> None:
        super().__init__(town.runtime, town.clock)
        self.twilio, self.mail = twilio, mail

    def address(self, code: str, channel: str = "sms") -> str:
        """The number or address of a seed person."""
        with self.session("seed") as session:
            rows = select(ContactPoint).where(
                ContactPoint.person_id == self.person(session, code).id, ContactPoint.channel == channel
            )
            return people.address_of(session, session.scalars(rows.order_by(ContactPoint.position)).one())

    def hook(self, path: str = SMS_HOOK) -> str:
        """The address of a hook as Twilio was told."""
        return self.runtime.config.public_url + path

    def sms(self, person: str, text: str) -> int:
        """An SMS from this person's phone (or a bare number) comes in and is read; the hook's answer."""
        answered = self.text(person, text)
        self.work()
        return answered

    def text(self, person: str, text: str) -> int:
        """An SMS comes in; nothing is worked off yet."""
        number = person if person.startswith("+") else self.address(person)
        return self.twilio.receive(number, text, self.hook())

    def ring(self, person: str) -> int:
        """A missed call from this person's phone (or from a bare number) comes in and is worked off."""
        number = self.address(person) if "." in person else person
        answered = self.twilio.ring(number, self.hook(VOICE_HOOK))
        self.work()
        return answered

    def letter_to(self, code: str) -> EmailMessage:
        """A letter about nothing goes to this person's address; as it came in."""
        with self.session("seed", write=True) as session:
            rows = select(ContactPoint).where(
                ContactPoint.person_id == self.person(session, code).id, ContactPoint.channel == "email"
            )
            outbox.put(
                session,
                self.clock.now(),
                effect_key="test:letter",
                channel="email",
                template="help",
                slots={"emergency": "15"},
                contact_point_id=session.scalars(rows).one().id,
            )
        self.work()
        return self.mail.letters[-1].letter

    def heard(self, person: str, template: str = "") -> list[str]:
        """The texts of all SMS that this phone got, oldest first; only of this template, if one is named."""
        return [sms.body for sms in self._on(person) if not template or self._template(sms) == template]

    def last(self, person: str, template: str = "") -> str:
        """The text of the newest SMS on this phone; of this template, if one is named."""
        return self.heard(person, template)[-1]

    def templates(self, person: str) -> list[str]:
        """Which message each SMS on this phone was, oldest first."""
        return [self._template(sms) for sms in self._on(person)]

    def sent_of(self, template: str, line: FakeTwilio | None = None) -> list[Sms]:
        """Every SMS that carried this message, over one line if it is named."""
        return [sms for sms in (line or self.twilio).sent if self._template(sms) == template]

    def taken(self) -> list[UUID]:
        """The row of the outbox behind each copy that the network or the post office took, be it an SMS, a call or a letter."""
        calls = [call for call in self.twilio.calls.made if call.direction.startswith("outbound")]
        calls_back = [sms.callback for sms in self.twilio.sent] + [call.callback for call in calls]
        letters = [str(mail.letter["Message-ID"])[1:37] for mail in self.mail.letters]
        return [UUID(key) for key in [(address or "")[-36:] for address in calls_back] + letters]

    def _on(self, person: str) -> list[Sms]:
        number = person if person.startswith("+") else self.address(person)
        return [sms for sms in self.twilio.sent if sms.to == number]

    def _template(self, sms: Sms) -> str:
        """The message behind an SMS: its callback carries the id of its row."""
        with self.session() as session:
            return session.get_one(OutboxMessage, UUID((sms.callback or "")[-36:])).template


@pytest.fixture
def town(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """Mardan and the other cities, a clock that stands still, and the console outbox; on both databases."""
    url, keys = seeded(databases, tmp_path_factory)
    town = make_town(url, keys)
    yield town
    compare(request, town)
    town.runtime.close()


@pytest.fixture
def wired_town(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WiredTown]:
    """The same town with SMS over a Twilio and letters over a mail server, on sockets of this machine."""
    with wired(*seeded(databases, tmp_path_factory)) as town:
        yield town
        compare(request, town, town.taken())


@contextmanager
def wired(url: str, keys: Path, **settings: Any) -> Iterator[WiredTown]:
    """A town on a seeded database with a telephone network and a post office, for as long as the block lasts."""
    clock = FakeClock()
    numbers = ("+15005550006", "whatsapp:+15005550006")
    with FakeTwilio(now=clock.now, numbers=numbers) as twilio, FakeMailbox() as mail:
        twilio.contents[CONTENT] = "{{1}}: {{2}}, {{3}}. {{4}}, {{5}}. {{6}}. {{7}}. {{8}}"
        twilio.contents[ADVICE_CONTENT] = "{{1}}, {{2}}: 1 Stay in pairs. In danger call {{3}}"
        town = make_town(
            url,
            keys,
            clock=clock,
            smtp_url=mail.url,
            twilio_account_sid=twilio.account_sid,
            twilio_auth_tokens=(twilio.token,),
            twilio_from=numbers[:1],
            whatsapp_from=numbers[:1],
            whatsapp_templates={("alert", "en"): CONTENT, ("what_to_do", "en"): ADVICE_CONTENT},
            voice_from=numbers[:1],
            twilio_api_base=twilio.url,
            **settings,
        )
        made = WiredTown(town, twilio, mail)
        twilio.poster = lambda url, fields, headers: poster_for(made.app.test_client())(url, fields, headers)
        yield made
        town.runtime.close()


def seeded(databases: Databases, factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A copy of the seeded database, and the folder of the keys that it was sealed with."""
    keys = factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    return databases.template("town", lambda url: build_template(url, keys)), keys
