"""Stand-ins for the outside world, over real sockets on 127.0.0.1: a Twilio and a mailbox."""

from tests.fake_mailbox import FakeMailbox, Mail
from tests.fake_twilio import FakeTwilio, Sms, poster_for

__all__ = ["FakeMailbox", "FakeTwilio", "Mail", "Sms", "poster_for"]
