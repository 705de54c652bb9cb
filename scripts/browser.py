"""Finds the Chromium that the browser tests drive, and installs one where it may.

`python -m scripts.browser` finds or installs; it is quick when there is nothing to do. The tests import
`find_chromium` and `HOW_TO_INSTALL`. Nothing else may import this module: Concord itself needs no browser.
"""

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SETTING = "CONCORD_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Playwright brings its own driver, which a bare Debian can only start with libatomic1.
PACKAGES = ("chromium", "fontconfig", "fonts-noto-core", "libatomic1")
# The scripts that the pages are written in. Fontconfig's fc-list knows them by language code.
LANGUAGES = ("ur", "dv", "bn", "hi", "si", "ta")

HOW_TO_INSTALL = (
    "The browser tests need Chromium. Install it with `sudo apt-get install " + " ".join(PACKAGES) + "`, "
    f"or with `.venv/bin/playwright install --with-deps chromium`, or set {SETTING} to the path of one."
)


def find_chromium(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of the first Chromium that starts, or None; CONCORD_CHROMIUM overrides the search."""
    named = environ.get(SETTING)
    candidates = [named] if named else list(_candidates())
    return next((path for path in candidates if _starts(path)), None)


def missing_languages() -> list[str]:
    """Return the language codes, of those that Concord speaks, for which this machine has no font."""
    if shutil.which("fc-list") is None:
        return list(LANGUAGES)
    return [code for code in LANGUAGES if not _output(["fc-list", f":lang={code}", "family"]).strip()]


def missing() -> list[str]:
    """Return what the browser tests still lack, each as words for a person; nothing where all is there."""
    lacking = [f"a font for the language {code}" for code in missing_languages()]
    if "Version" not in _output([sys.executable, "-m", "playwright", "--version"]):
        lacking.insert(0, "Playwright's driver, which does not start")
    if find_chromium() is None:
        lacking.insert(0, "Chromium")
    return lacking


def main() -> int:
    """Find or install what the browser tests need; return 0 where all is there, 1 with advice where not."""
    if missing():
        _install()
    lacking = missing()
    if lacking:
        print(f"Still missing: {', '.join(lacking)}. {HOW_TO_INSTALL}", file=sys.stderr)
    return 1 if lacking else 0


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, NAMES))
    cache = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", str(Path.home() / ".cache" / "ms-playwright"))
    yield from sorted(glob.glob(f"{cache}/chromium-*/chrome-linux*/chrome"), reverse=True)


def _starts(path: str) -> bool:
    """Ask it for its version: on some systems the command is only a stub that names another package."""
    return "Chrom" in _output([path, "--version"])


def _install() -> None:
    print("Installing Chromium and fonts for the browser tests ...", file=sys.stderr)
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") and (not prefix or shutil.which("sudo")):
        _run([*prefix, "apt-get", "update", "-qq"])
        _run([*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq",
              "--no-install-recommends", *PACKAGES])  # fmt: skip
    if find_chromium() is None:
        _run([sys.executable, "-m", "playwright", "install", "chromium"])


def _run(command: Sequence[str]) -> None:
    """Run one step of the installation; what it says is shown only if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        print(f"{' '.join(command)}: {error}", file=sys.stderr)
        return
    if done.returncode:
        print(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}", file=sys.stderr)


def _output(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


if __name__ == "__main__":
    sys.exit(main())
