"""Messages a second to a mail server and to the SMS API, and the time from stored to handed over, beside Prometheus Alertmanager.

The same sinks in the same run for both. Of ours, every message is stored before it is counted; Alertmanager keeps nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks import alertmanager
from benchmarks.installation import Installation, installations
from benchmarks.load import percentile
from benchmarks.memory import peak
from benchmarks.outboxes import Filler, Sink, environment, sink, worker
from benchmarks.tables import Table, ms

COLUMNS = ("sends", "work", "messages", "a second", "p50", "p99", "peak memory", "LOST", "TWICE")
Row = tuple[str, ...]


def table(engines: tuple[str, ...], quick: bool) -> Table:
    """Everything, on the engines that were asked for, and of Alertmanager where it is installed."""
    number = 2_000 if quick else 10_000
    rows: list[Row] = []
    for engine in engines:
        for channel, kind in (("email", "smtp"), ("sms", "sms")):
            with installations(engine) as make:
                rows.append(_at_once(make(), engine, channel, kind, number))
                rows.append(_at_once(make(), engine, channel, kind, number, workers=2))
                rows.append(_steadily(make(), engine, channel, kind, 5 if quick else 20))
    notes = [
        "Ours: every message was stored, with fsync, before it was counted.",
        "A worker of ours uses one core; Alertmanager all there are. Two workers share one outbox; the memory is that of the larger.",
    ]
    if alertmanager.installed():
        rows += alertmanager.rows(number, 5 if quick else 20)
    else:
        notes.append(
            "Alertmanager is not installed here (apt-get install prometheus-alertmanager): not compared."
        )
    return Table("Sending", COLUMNS, rows, tuple(notes))


def _at_once(town: Installation, engine: str, channel: str, kind: str, number: int, workers: int = 1) -> Row:
    filler = Filler(town, channel)
    keys = filler.put(number)
    with sink(kind) as taker:
        processes = [worker(environment(town, **{kind: taker}), "--until-empty") for _ in range(workers)]
        memory = max(int(process.communicate(timeout=600)[0]) for process in processes)
        seen = taker.seen()
    filler.close()
    moments = sorted(at for times in seen.values() for at in times)
    spent = moments[-1] - moments[0]
    return (
        f"Concord, {engine}" + (f", {workers} workers" if workers > 1 else ""),
        f"{channel}, all at once",
        str(number),
        f"{len(moments) / spent:,.0f}",
        "-",
        "-",
        f"{memory} MiB",
        *lost_and_twice(keys, seen),
    )


def _steadily(town: Installation, engine: str, channel: str, kind: str, seconds: int) -> Row:
    filler = Filler(town, channel)
    stored: dict[str, float] = {}

    with sink(kind) as taker:
        process = worker(environment(town, **{kind: taker}))
        filler.put(20)  # the worker is up when these have come
        wait_until(taker, 20)
        marks = paced(lambda: filler.put(5), seconds, every=0.05)
        for keys, at in marks:
            stored.update(dict.fromkeys(keys, at))
        wait_until(taker, 20 + len(stored))
        memory = peak(process.pid)
        process.kill()
        process.wait()
        seen = taker.seen()
    filler.close()
    spans = [seen[key][0] - at for key, at in stored.items() if key in seen]
    return (
        f"Concord, {engine}",
        f"{channel}, 100 a second",
        str(len(stored)),
        f"{len(stored) / seconds:,.0f}",
        ms(percentile(spans, 0.5)),
        ms(percentile(spans, 0.99)),
        f"{memory} MiB",
        *lost_and_twice(list(stored), seen),
    )


def paced(put: Callable[[], list[str]], seconds: int, every: float) -> list[tuple[list[str], float]]:
    """Call `put` at a steady pace; return what it stored and when it had."""
    found, start = [], time.monotonic()
    for number in range(int(seconds / every)):
        time.sleep(max(0.0, start + number * every - time.monotonic()))
        keys = put()
        found.append((keys, time.time()))
    return found


def wait_until(taker: Sink, number: int, seconds: float = 60) -> None:
    """Wait until a sink has taken so many messages, or no longer than this."""
    until = time.monotonic() + seconds
    while len(taker.seen()) < number and time.monotonic() < until:
        time.sleep(0.2)


def lost_and_twice(keys: list[str], seen: dict[str, list[float]]) -> tuple[str, str]:
    """How many were never taken, and how many copies too many."""
    lost = sum(key not in seen for key in keys)
    return str(lost), str(sum(len(seen.get(key, ())) - 1 for key in keys if key in seen))
