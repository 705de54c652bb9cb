"""The only sender, and the one place that commits inside a job: claim with a lease, commit, send with no
transaction open, record.

A message is handed over once. Where an answer was lost the row becomes `unknown`: the provider's callback
settles it, or a look-up does, and only when the provider says that it has no such message is it sent again.
A row that was claimed by a process that died is unknown too. A message that cannot be written, or that
breaks the sender, fails with words and never holds up the others. States are those of foundation/outbox.py.

The parts: claiming.py takes rows, limits.py says which may go now, handing_over.py gives them to channels,
recording.py writes down what came of it, settling.py what providers say later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from sqlalchemy.exc import OperationalError

from alerts import claiming, limits, recording
from alerts.channels.base import Channel, DeliveryFailed
from alerts.claiming import LEASE, Claimed
from alerts.handing_over import Done, Hands
from alerts.recording import BACK_OFF, GIVE_UP_AFTER, MOST_BREAKS, WAIT_FOR_NEWS
from alerts.settling import settle
from foundation.clock import Clock
from foundation.crypto import Cipher
from foundation.db import Database
from foundation.logs import log
from foundation.policy import service
from foundation.sending_settings import Limits

#: Rows claimed at once: few where little waits, so that what is urgent is never far behind; more as the queue grows.
LEAST_BATCH, MOST_BATCH = 50, 800
#: How many batches one call sends before the job is over and somebody else may have a turn.
MOST_ROUNDS = 40
#: A hand that takes longer than anything may is given up: its rows are looked up by whoever comes next.
LONGEST_HAND = timedelta(minutes=5)
#: Seconds without any news from the hands after which a call returns; what hangs goes on and is recorded by a later one.
PATIENCE = 2.0


class Sender:
    """Drains the outbox through this installation's channels. Safe in several threads and processes."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        channels: Mapping[str, Channel],
        public_url: str,
        most: Limits | None = None,
    ) -> None:
        self.database, self.clock, self.channels, self.public_url = database, clock, channels, public_url
        self.limits = most or Limits()
        self._hands = Hands(channels, self._still_mine)
        self._batch = LEAST_BATCH
        #: When the lease of each row under way was last written, the longest ago first.
        self._leases: dict[Claimed, datetime] = {}
        #: Addresses that are open while one burst is sent, and no longer.
        self._opened: dict[tuple[UUID, str], str] = {}
        self._draining = Lock()

    def drain(self) -> int:
        """Send what is due and look up what is unknown; return how many rows were worked on."""
        with self._draining:
            try:
                return self._burst()
            finally:
                self._opened.clear()

    def _burst(self) -> int:
        done = self._collect(self._hands.under_way, 0.0)
        for _ in range(MOST_ROUNDS):
            claimed = self._claim()
            done += len(claimed)
            if not claimed:
                break
            # The next batch is claimed while the last half of this one is still on its way.
            self._collect(len(claimed) // 2, PATIENCE)
        self._collect(0, PATIENCE)
        return done

    def close(self) -> None:
        """Let the hands go."""
        self._hands.close()

    def _collect(self, most_left: int, seconds: float) -> int:
        """Record what the hands have done until only so many are under way, or nothing came for so long; return how many."""
        recorded = 0
        while self._hands.under_way > most_left or not seconds:
            self._renew_old()
            batch = self._hands.finished(seconds)
            if not batch:
                break
            self._record(batch)
            recorded += len(batch)
        return recorded

    def _claim(self) -> list[Claimed]:
        """Claim a batch, write its messages out and give them to the hands; what cannot be written is recorded at once."""
        now, busy = self.clock.now(), self._hands.busy()
        with self.database.open(service("sender"), write=True) as session:
            lost = claiming.read(session, now, claiming.lost_rows(now, self._batch, busy), look_up=True)
            due = claiming.read(session, now, claiming.due_rows(now, self._batch, busy), look_up=False)
            claiming.open_addresses(self._cipher, [*lost, *due], self._opened)
            claiming.leave_stopped(session, self._cipher, [*lost, *due])
            claiming.choose_routes(session, self.channels, [*lost, *due])
            claiming.choose_recordings(session, self._cipher, self.public_url, [*lost, *due])
            claiming.choose_providers(session, now, self.channels, [*lost, *due])
            going = [*lost, *limits.may_go(session, now, self.limits, self.channels, due)]
            held = claiming.hold(session, now, going)
            session.commit()
        self._batch = min(MOST_BATCH, 2 * self._batch) if len(due) == self._batch else LEAST_BATCH
        ready, unwritten = [], []
        for one, row in zip(going, held, strict=True):
            why_not, code = row.why_not, None
            if not why_not:
                row.message, row.segments, why_not = claiming.write(
                    self._cipher, self.public_url, one, row.first_tried_at
                )
                code = recording.POISON
            if row.message is None:
                unwritten.append(Done(row, DeliveryFailed(why_not, True, code, why="message")))
            else:
                ready.append(row)
        self._leases.update((row, now) for row in ready)
        self._hands.start(ready)
        self._record(unwritten)
        return held

    @property
    def _cipher(self) -> Cipher:
        assert isinstance(self.database.cipher, Cipher)
        return self.database.cipher

    def _still_mine(self, line: Sequence[Claimed]) -> set[Claimed]:
        """Renew the leases of rows that waited behind slow ones; without those that another sender took over."""
        now = self.clock.now()
        late = [row for row in line if now >= self._leases.get(row, row.claimed_at) + LEASE / 2]
        return set(line).difference(late) | self._renew(now, late)

    def _renew_old(self) -> None:
        """Renew what has long been under way: a provider may take its time, and only a dead sender's rows are looked up."""
        now, old = self.clock.now(), []
        for row, since in list(self._leases.items()):
            if now < since + LEASE / 3:
                break
            if now < row.claimed_at + LONGEST_HAND:
                old.append(row)
        self._renew(now, old)

    def _renew(self, now: datetime, rows: Sequence[Claimed]) -> set[Claimed]:
        if not rows:
            return set()
        with self.database.open(service("sender"), write=True) as session:
            mine = claiming.renew(session, now, rows)
            session.commit()
        for row in rows:
            if self._leases.pop(row, None) and row in mine:
                self._leases[row] = now
        return mine

    def _record(self, batch: Sequence[Done]) -> None:
        """Record a batch in one transaction; where one outcome cannot be stored, each by itself, so that it takes no other with it."""
        if not batch:
            return
        for done in batch:
            self._leases.pop(done.row, None)
        try:
            self._store(batch)
        except OperationalError:
            raise  # the database itself: the rows are looked up once it is back
        except Exception as error:
            if len(batch) > 1:
                for done in batch:
                    self._record([done])
            elif isinstance(batch[0].result, DeliveryFailed) and batch[0].result.code == recording.POISON:
                raise
            else:
                log().error(
                    "outcome_not_stored", outbox_id=str(batch[0].row.id), error_type=type(error).__name__
                )
                put_aside = DeliveryFailed(
                    recording.BROKEN, permanent=True, code=recording.POISON, why="message"
                )
                self._record([replace(batch[0], result=put_aside)])

    def _store(self, batch: Sequence[Done]) -> None:
        now = self.clock.now()
        with self.database.open(service("sender"), write=True) as session:
            limits.settle_charges(session, recording.record(session, now, self.channels, batch))
            session.commit()


__all__ = ["BACK_OFF", "GIVE_UP_AFTER", "LEASE", "MOST_BREAKS", "WAIT_FOR_NEWS", "Sender", "settle"]
