"""The hands of the sender: threads that give claimed messages to channels, with no transaction open, and a queue of what came of it.

Each channel has hands of its own, so that one whose provider hangs holds up no other; what goes to one receiver goes in its order.
Nothing here knows the database. Only alerts/delivery.py imports this module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from alerts.channels.base import Channel, DeliveryFailed, Handed, OutcomeUnknown
from alerts.channels.many import providers_of
from alerts.claiming import Claimed, Taken

#: Messages under way at once on one channel: a provider's answer takes far longer than our own work.
HANDS, FEW_HANDS = 64, 4
#: One more hand for so much of a provider's time for a message: at a tenth of a second there are forty of them.
A_HAND_MORE = 0.0025
#: Seconds without news after which more hands are taken on.
A_WHILE = 0.1
#: How many of a channel may wait for a hand before no more of it are claimed.
BACKLOG = 1_500
#: Letters that one connection takes in one go.
CHUNK = 100

Result = Handed | DeliveryFailed | OutcomeUnknown | Exception | None
StillMine = Callable[[Sequence[Claimed]], set[Claimed]]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one message; `result` None: somebody else has taken the row over. `found`: by a look-up, not by our own sending."""

    row: Claimed
    result: Result
    found: bool = False


def provider_of(channels: Mapping[str, Channel], row: Claimed | Taken) -> Channel | None:
    """The channel of a row, and of several providers the one that was chosen for it."""
    channel = channels.get(row.channel)
    several = providers_of(channel)
    return several.get(row.provider or "", channel) if several else channel


class _Crew:
    """The threads of one channel: few where answers come at once, more where a provider takes its time or hangs."""

    def __init__(self, name: str, work: Callable[[list[Claimed]], None]) -> None:
        self.name, self.work = name, work
        self.lines: SimpleQueue[list[Claimed] | None] = SimpleQueue()
        self.alive, self.wanted = 0, FEW_HANDS
        self._took = 0.0

    def give(self, line: list[Claimed]) -> None:
        """Put a line where the next free hand takes it."""
        self.lines.put(line)
        if self.alive < self.wanted:
            self._hire()

    def hurry(self) -> None:
        """Nothing came for a while: twice the hands, if there is something for them to do."""
        self.wanted = min(HANDS, 2 * self.wanted)
        for _ in range(min(self.lines.qsize(), self.wanted - self.alive)):
            self._hire()

    def _hire(self) -> None:
        self.alive += 1
        Thread(target=self._hand, name=f"send-{self.name}-{self.alive}", daemon=True).start()

    def _hand(self) -> None:
        while (line := self.lines.get()) is not None:
            began = monotonic()
            self.work(line)
            self._took += ((monotonic() - began) / len(line) - self._took) / 16
            self.wanted = max(FEW_HANDS, min(HANDS, int(self._took / A_HAND_MORE)))
            if self.alive < self.wanted and not self.lines.empty():
                self._hire()

    def dismiss(self) -> None:
        """Let all of them go once they are done with what they hold."""
        for _ in range(self.alive):
            self.lines.put(None)


class Hands:
    """Threads by channel. `start` gives them work, `finished` returns what is done."""

    def __init__(self, channels: Mapping[str, Channel], still_mine: StillMine) -> None:
        self._channels, self._still_mine = channels, still_mine
        self._crews: dict[str, _Crew] = {}
        self._done: SimpleQueue[list[Done] | BaseException] = SimpleQueue()
        self._under_way: Counter[str] = Counter()

    @property
    def under_way(self) -> int:
        """How many messages are with the hands, or done and not yet fetched."""
        return sum(self._under_way.values())

    def busy(self) -> list[str]:
        """The channels of which no more may be claimed now."""
        return [key for key, number in self._under_way.items() if number >= BACKLOG]

    def start(self, rows: Sequence[Claimed]) -> None:
        """Give claimed rows to the hands of their channels."""
        self._under_way.update(row.channel for row in rows)
        for channel, line in self._lines(rows):
            if channel not in self._crews:
                self._crews[channel] = _Crew(channel, self._work)
            self._crews[channel].give(line)

    def finished(self, seconds: float) -> list[Done]:
        """Everything that is done; waits for the first up to `seconds`. An interruption of a hand is raised here."""
        found: list[Done] = []
        try:
            one = self._first(seconds)
            while True:
                if isinstance(one, BaseException):
                    raise one
                found += one
                one = self._done.get_nowait()
        except Empty:
            self._under_way.subtract(done.row.channel for done in found)
            return found

    def _first(self, seconds: float) -> list[Done] | BaseException:
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            try:
                return self._done.get(timeout=min(left, A_WHILE))
            except Empty:
                for crew in self._crews.values():
                    crew.hurry()
        return self._done.get_nowait()

    def close(self) -> None:
        """Let the hands go; what they hold is looked up by whoever comes next."""
        for crew in self._crews.values():
            crew.dismiss()

    def _lines(self, rows: Sequence[Claimed]) -> list[tuple[str, list[Claimed]]]:
        """Rows that one hand does one after the other: all of one receiver, or a chunk of letters."""
        lines: dict[tuple[str, str], list[Claimed]] = {}
        chunks: dict[str, list[list[Claimed]]] = {}
        for row in rows:
            if hasattr(provider_of(self._channels, row), "send_all"):
                mine = chunks.setdefault(row.channel, [[]])
                if len(mine[-1]) >= CHUNK:
                    mine.append([])
                mine[-1].append(row)
            else:
                lines.setdefault((row.channel, row.message.address if row.message else ""), []).append(row)
        together = [(channel, chunk) for channel, some in chunks.items() for chunk in some]
        return [(channel, line) for (channel, _), line in lines.items()] + together

    def _work(self, line: list[Claimed]) -> None:
        try:
            self._done.put(self._worked(line))
        except BaseException as error:  # noqa: BLE001 -- raised again in the thread that drains
            self._done.put(error)

    def _worked(self, line: list[Claimed]) -> list[Done]:
        mine = self._still_mine(line)
        channel = provider_of(self._channels, line[0])
        send_all = getattr(channel, "send_all", None)
        if send_all is not None and len(mine) > 1:
            sent = [row for row in line if row in mine]
            results = send_all([row.message for row in sent])
            return [Done(row, result) for row, result in zip(sent, results, strict=True)] + [
                Done(row, None) for row in line if row not in mine
            ]
        return self._one_by_one(channel, line, mine)

    def _one_by_one(self, channel: Channel | None, line: list[Claimed], mine: set[Claimed]) -> list[Done]:
        done: list[Done] = []
        for row in line:
            if row not in mine:
                done.append(Done(row, None))
                continue
            # What the rows before it found is not looked at again: the same words to one phone are told apart by it.
            ids = {one.result.provider_id for one in done if isinstance(one.result, Handed)}
            done.append(hand_over(channel, row, frozenset(ids)))
            if len(line) > 1 and row is not line[-1]:
                mine = mine & self._still_mine(line)
        return done


def hand_over(channel: Channel | None, row: Claimed, taken: frozenset[str] = frozenset()) -> Done:
    """Look a lost message up or send a fresh one, and say what came of it; raises only what interrupts a process."""
    if channel is None:
        return Done(row, DeliveryFailed("This channel is not set up.", permanent=True, why="message"))
    assert row.message is not None
    message = replace(row.message, taken_ids=row.message.taken_ids | taken) if taken else row.message
    try:
        if row.look_up_first and channel.can_look_up:
            found = channel.look_up(message)
            if found is not None:
                return Done(row, found, found=True)
        return Done(row, channel.send(message))
    except (DeliveryFailed, OutcomeUnknown) as answer:
        return Done(row, answer)
    except Exception as error:  # noqa: BLE001 -- the sender itself is broken around this message: it is counted, and put aside
        return Done(row, error)
