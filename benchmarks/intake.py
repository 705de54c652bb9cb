"""Reports through HTTP: the API and the form, against the same server that commits one bare row per request.

No jobs run meanwhile: what scoring costs is measured elsewhere. Several clients send as fast as they are
answered, each over one connection.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from benchmarks.installation import Installation, free_port, installations, serving, stop, wait_for
from benchmarks.latency import KINDS, report
from benchmarks.load import Request, closely, percentile
from benchmarks.tables import Table, ms
from tests.make import PASSWORD

REQUESTS, QUICK_REQUESTS = 1500, 300
CLIENTS = 4
FORM = {"content-type": "application/x-www-form-urlencoded"}


def over_api(town: Installation, count: int) -> list[Request]:
    """So many reports, from all reporters in turn."""
    rng = random.Random(11)
    wards = town.wards
    found = []
    for number in range(count):
        ward = wards[number % len(wards)]
        found.append(report(ward, rng.choice(town.reporters[ward]), rng.choice(KINDS), "told"))
    return found


def over_form(town: Installation, port: int, count: int) -> list[Request]:
    """So many forms, each as the page of its reporter would send it, from a dozen signed-in browsers."""
    rng = random.Random(12)
    people = sorted({r.code: ward for ward in town.wards for r in town.reporters[ward]}.items())
    browsers = [_browser(port, code) for code, _ in rng.sample(people, 12)]
    found = []
    for number in range(count):
        cookie, token, ward = browsers[number % len(browsers)]
        fields = {
            "csrf_token": token,
            "report_id": str(uuid.uuid4()),
            "what": "crowd",
            "ward": ward,
            "day": "now",
            "ongoing": "no",
            "how": "told",
            "people": "6-20",
        }
        headers = {**FORM, "Cookie": cookie}
        found.append(Request("/report", urlencode(fields).encode(), headers, name=fields["report_id"]))
    return found


def _browser(port: int, code: str) -> tuple[str, str, str]:
    """Sign in as a person; return the cookie, the form token and the first ward of their report form."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/sign-in")
    token = _field(connection.getresponse().read().decode(), "csrf_token")
    body = urlencode({"csrf_token": token, "sign_in": code, "password": PASSWORD})
    connection.request("POST", "/sign-in", body, FORM)
    answer = connection.getresponse()
    answer.read()
    cookies = (answer.headers.get_all("Set-Cookie") or []) if answer.status in (302, 303) else []
    cookie = "; ".join(line.partition(";")[0] for line in cookies if line.startswith("concord_session="))
    connection.request("GET", "/report", headers={"Cookie": cookie})
    page = connection.getresponse().read().decode()
    connection.close()
    ward = re.search(r'name="ward"[^>]*value="([^"]+)"', page) or re.search(
        r'value="([A-Z]{2}-[^"]+-W\d+)"', page
    )
    if not cookie or ward is None:
        raise RuntimeError(f"{code} could not sign in or has no ward to report for.")
    return cookie, _field(page, "csrf_token"), ward[1]


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    if found is None:
        raise RuntimeError(f"The page has no field {name}.")
    return found[1]


def bare(town: Installation, url: str, count: int) -> tuple[list[Request], float]:
    """The peer: so many bare rows, one commit each, on the same number of processes and threads."""
    port = free_port()
    shape = ("1", "8") if town.engine == "SQLite" else ("2", "4")
    words = [sys.executable, "-m", "benchmarks.bare_server", url, str(port), *shape]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        body = json.dumps({"kind": "angry_crowd", "how_known": "told"}).encode()
        headers = {"Content-Type": "application/json"}
        closely(port, [Request("/row", body, headers) for _ in range(50)], CLIENTS)
        rows = [Request("/row", body, headers) for _ in range(count)]
        return rows, closely(port, rows, CLIENTS)
    finally:
        stop([process])


def measure(engine: str, count: int) -> dict[str, tuple[list[Request], float]]:
    """The requests and the seconds they took, by way of intake; `bare` is the peer."""
    with installations(engine) as make, TemporaryDirectory() as folder:
        town = make()
        url = f"sqlite:///{Path(folder) / 'bare.db'}" if engine == "SQLite" else town.url
        found = {"bare": bare(town, url, count)}
        with serving(town, jobs=False) as port:
            ways: dict[str, Callable[[int], list[Request]]] = {
                "API": lambda n: over_api(town, n),
                "form": lambda n: over_form(town, port, n),
            }
            for name, requests in ways.items():
                closely(port, requests(50), CLIENTS)
                sent = requests(count)
                found[name] = sent, closely(port, sent, CLIENTS)
        return found


def table(engines: tuple[str, ...], quick: bool) -> Table:
    """One row per engine and way, each beside the bare row of the same run."""
    rows: list[tuple[str, ...]] = []
    for engine in engines:
        found = measure(engine, QUICK_REQUESTS if quick else REQUESTS)
        peer = percentile([r.answered - r.sent for r in found["bare"][0]], 0.95)
        for name, (sent, seconds) in found.items():
            spans = [r.answered - r.sent for r in sent]
            bad = sum(r.status not in (201, 303, 302) for r in sent)
            p50, p95 = percentile(spans, 0.5), percentile(spans, 0.95)
            rate = f"{len(sent) / seconds:.0f}"
            rows.append((engine, name, rate, ms(p50), ms(p95), f"{p95 / peer:.1f}", str(bad)))
    columns = ("database", "way", "per second", "p50", "p95", "p95 / bare", "refused")
    return Table(f"Intake through HTTP, {CLIENTS} clients at once", columns, rows)
