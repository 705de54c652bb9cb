"""Prometheus Alertmanager as the peer: started from Debian's package with a configuration for one sink, fed over its own API.

What lives here: running it and reading what it did. Only benchmarks/sending.py and benchmarks/fault_peer.py import this module.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

from benchmarks.installation import free_port, stop, wait_for
from benchmarks.load import percentile
from benchmarks.memory import peak
from benchmarks.outboxes import Sink, sink
from benchmarks.tables import ms

BINARY = "prometheus-alertmanager"
KEY = r"key-([0-9]+)-"
HOOK_KEY = r'"key":"(\d+)"'
_CONFIG = """
global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: 'am@example.org', smtp_require_tls: false}}
route: {{receiver: sink, group_by: ['key'], group_wait: {wait}, group_interval: 5m, repeat_interval: 12h}}
receivers:
- name: sink
  {receiver}
"""
_MAIL = "email_configs: [{to: 'p@example.org', headers: {Subject: 'key-{{ .GroupLabels.key }}-'}, html: '', text: 'Attention 4/5, Ward 7'}]"
_HOOK = "webhook_configs: [{{url: 'http://127.0.0.1:{port}/hook', send_resolved: false}}]"


def installed() -> bool:
    """Whether there is one on this machine."""
    return shutil.which(BINARY) is not None


@contextmanager
def running(taker: Sink, kind: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run one that tells this sink; yield the process and its port."""
    configure(folder, kind, taker.port)
    process, port = start(folder)
    try:
        yield process, port
    finally:
        stop([process])


def configure(folder: Path, kind: str, port: int, wait: str = "0s") -> None:
    """Write its configuration: it tells whatever listens at this port, one notification for each alert, so long after it came."""
    receiver = _MAIL if kind == "smtp" else _HOOK.format(port=port)
    (folder / "am.yml").write_text(_CONFIG.format(port=port, receiver=receiver, wait=wait), encoding="utf-8")


def start(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start one on the configuration and the storage of this folder."""
    port = free_port()
    words = [
        BINARY, f"--config.file={folder / 'am.yml'}", f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=error",
    ]  # fmt: skip
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(f"http://127.0.0.1:{port}/-/ready")
    return process, port


def post(port: int, first: int, number: int) -> None:
    """Post alerts of which each is one notification, and which go on for a day, so that none ends before it was told."""
    ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    alerts = [
        {"labels": {"alertname": "a", "key": str(n)}, "endsAt": ends} for n in range(first, first + number)
    ]
    body = json.dumps(alerts).encode()
    request = Request(f"http://127.0.0.1:{port}/api/v2/alerts", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        answer.read()


def rows(number: int, seconds: int) -> list[tuple[str, ...]]:
    """The rows of the table: all at once in posts of 100, and 100 a second."""
    found: list[tuple[str, ...]] = []
    for kind, what in (("smtp", "email"), ("sms", "webhook")):
        with (
            tempfile.TemporaryDirectory() as made,
            sink(kind, "--key", KEY if kind == "smtp" else HOOK_KEY) as taker,
            running(taker, kind, Path(made)) as (process, port),
        ):
            began = time.time()
            for first in range(0, number, 100):
                post(port, first, 100)
            _wait(taker, number)
            seen, memory = taker.seen(), peak(process.pid)
            last = max(times[0] for times in seen.values())
            spent = last - min(times[0] for times in seen.values())
            rate = len(seen) / max(spent, 0.001)
            lost = number - len(seen)
            found.append(
                ("Alertmanager", f"{what}, all at once", str(number), f"{rate:,.0f}", "-", "-",
                 f"{memory} MiB", str(lost), str(sum(map(len, seen.values())) - len(seen)))
            )  # fmt: skip
            assert last > began
            found.append(_steadily(taker, port, process.pid, what, number, seconds))
    return found


def _steadily(taker: Sink, port: int, process: int, what: str, first: int, seconds: int) -> tuple[str, ...]:
    accepted: dict[str, float] = {}
    start_at = time.monotonic()
    for number in range(seconds * 20):
        time.sleep(max(0.0, start_at + number / 20 - time.monotonic()))
        post(port, first + number * 5, 5)
        accepted.update({str(first + number * 5 + n): time.time() for n in range(5)})
    _wait(taker, first + len(accepted))
    seen = taker.seen()
    spans = [seen[key][0] - at for key, at in accepted.items() if key in seen]
    lost = sum(key not in seen for key in accepted)
    return ("Alertmanager", f"{what}, 100 a second", str(len(accepted)), f"{len(accepted) / seconds:,.0f}",
            ms(max(0.0, percentile(spans, 0.5))), ms(max(0.0, percentile(spans, 0.99))),
            f"{peak(process)} MiB", str(lost), "0")  # fmt: skip


def _wait(taker: Sink, number: int) -> None:
    until = time.monotonic() + 60
    while len(taker.seen()) < number and time.monotonic() < until:
        time.sleep(0.2)
