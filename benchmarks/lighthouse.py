"""Lighthouse's points for a page on a phone, also for pages behind the sign-in. Only the benchmarks import this module.

Lighthouse is one fixed version from npm. It is installed once into the project's own cache folder where npm is there; where it is
not, the benchmark says so and goes on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PACKAGE = "lighthouse@12.8.2"
CACHE = Path.home() / ".cache" / "concord" / "lighthouse"
BUDGET = {"performance": 95, "accessibility": 100, "best-practices": 100}


def find() -> Path | None:
    """The program, installed now if need be; None where there is neither npm nor a network."""
    program = CACHE / PACKAGE / "node_modules" / ".bin" / "lighthouse"
    npm = shutil.which("npm")
    if not program.exists() and npm:
        program.parents[2].mkdir(parents=True, exist_ok=True)
        prefix = str(program.parents[2])
        subprocess.run(  # noqa: S603 -- a fixed package in a fixed version
            [npm, "install", "--no-fund", "--no-audit", "--silent", "--prefix", prefix, PACKAGE], check=False
        )
    return program if program.exists() else None


def points(program: Path, chromium: str, address: str, cookies: str) -> tuple[dict[str, int], list[str]]:
    """The points of one page by category, and what cost points outside the timings."""
    with tempfile.TemporaryDirectory() as folder:
        headers = Path(folder) / "headers.json"
        headers.write_text(json.dumps({"Cookie": cookies} if cookies else {}), encoding="utf-8")
        done = subprocess.run(  # noqa: S603 -- the program of our own cache, on an address of ours
            [
                str(program),
                address,
                "--quiet",
                "--output=json",
                "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
                f"--extra-headers={headers}",
                f"--only-categories={','.join(BUDGET)}",
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "CHROME_PATH": chromium},
        )
    if done.returncode or not done.stdout:
        raise RuntimeError(f"Lighthouse could not look at {address}: {done.stderr[-500:]}")
    report = json.loads(done.stdout)
    if report["finalDisplayedUrl"].split("?")[0] != address:
        raise RuntimeError(f"Lighthouse was led from {address} to {report['finalDisplayedUrl']}.")
    found = {key: round((report["categories"][key]["score"] or 0) * 100) for key in BUDGET}
    failed = [
        f"{ref['id']}"
        for key in ("accessibility", "best-practices")
        for ref in report["categories"][key]["auditRefs"]
        if ref["weight"] and report["audits"][ref["id"]]["score"] not in (1, None)
    ]
    return found, failed


def told(address: str, found: dict[str, int], failed: list[str]) -> str:
    """One line for the notes under the table."""
    said = ", ".join(f"{key} {found[key]}" for key in BUDGET)
    over = any(found[key] < least for key, least in BUDGET.items())
    lost = f" ({', '.join(failed)})" if failed else ""
    return f"Lighthouse, {address}: {said} (budget {', '.join(map(str, BUDGET.values()))}){': UNDER' if over else ''}{lost}"
