"""The parts of a running installation, chosen once: config, clock, databases, channels, sender. Web, worker and commands share it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from alerts.channels import open_channels
from alerts.channels.base import Channel
from alerts.delivery import Sender
from coordination import schema
from coordination.page_words import Drafts
from coordination.pulse import Pulse
from foundation.clock import Clock, MovableClock, SystemClock
from foundation.config import Config
from foundation.crypto import Cipher
from foundation.db import Database
from foundation.jobs import Setting
from foundation.migrate import upgrade
from foundation.policy import WEB_ROLE, WORKER_ROLE, service
from foundation.waking import tell

assert schema.ROOMS
CLOCK_SETTING = "demo_clock_minutes"


@dataclass
class Runtime:
    """Everything a process holds open. `wake` is called after each commit of a page, so that work starts at once."""

    config: Config
    clock: Clock
    web: Database
    worker: Database
    channels: dict[str, Channel]
    rng: random.Random = field(default_factory=random.SystemRandom)
    wake: Callable[[], None] = lambda: None
    drafts: Drafts = field(default_factory=Drafts)
    pulse: Pulse = field(default_factory=lambda: Pulse(SystemClock().now()))

    @cached_property
    def sender(self) -> Sender:
        """The sender over the worker's database; its hands are kept from one call to the next."""
        return Sender(self.worker, self.clock, self.channels, self.config.public_url, self.config.limits)

    def close(self) -> None:
        """Give everything back."""
        if "sender" in self.__dict__:
            self.sender.close()
        for channel in {id(c): c for c in self.channels.values()}.values():
            channel.close()
        self.web.close()
        self.worker.close()


def build(config: Config, clock: Clock | None = None, channels: dict[str, Channel] | None = None) -> Runtime:
    """Open databases (upgrading the schema first) and channels as `config` says."""
    config.data.mkdir(parents=True, exist_ok=True)
    upgrade(config.owner_database_url)
    cipher = Cipher.from_folder(config.data / "keys", config.secret_key)
    web = Database(config.database_url, cipher, role=WEB_ROLE)
    worker = Database(config.worker_database_url, cipher, role=WORKER_ROLE)
    chosen = clock or (demo_clock(worker) if config.demo else SystemClock())
    runtime = Runtime(
        config, chosen, web, worker, channels if channels is not None else open_channels(config)
    )
    if not web.is_sqlite:
        runtime.wake = lambda: tell(web)
    return runtime


def demo_clock(database: Database) -> MovableClock:
    """The demonstration's clock, as far ahead as it was moved before the process was stopped."""
    with database.open(service("command")) as session:
        row = session.get(Setting, CLOCK_SETTING)
        return MovableClock(timedelta(minutes=int(row.value)) if row else timedelta(0))


def move_clock(runtime: Runtime, minutes: int) -> None:
    """Move the demonstration's clock on and remember it."""
    clock = runtime.clock
    assert isinstance(clock, MovableClock)
    clock.move(timedelta(minutes=minutes))
    with runtime.worker.open(service("command"), write=True) as session:
        row = session.get(Setting, CLOCK_SETTING)
        total = str(int(clock.offset / timedelta(minutes=1)))
        if row is None:
            session.add(Setting(key=CLOCK_SETTING, value=total))
        else:
            row.value = total
        session.commit()
