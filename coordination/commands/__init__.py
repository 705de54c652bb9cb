"""The commands behind `concord`, a module each; coordination/cli.py puts them into one group."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from coordination.runtime import Runtime, build
from foundation.config import Config


def config() -> Config:
    """The settings of this installation: the environment, with a .env file of the working folder under it."""
    return Config.from_env({**_dotenv(), **dict(os.environ)})


def _dotenv(path: str = ".env") -> dict[str, str]:
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except FileNotFoundError:
        return {}
    pairs = (
        line.removeprefix("export ").partition("=") for line in lines if line and not line.startswith("#")
    )
    return {
        name.strip(): value.strip().strip("\"'")
        for name, _equals, value in pairs
        if name.strip().startswith("CONCORD_")
    }


@contextmanager
def opened(**changes: Any) -> Iterator[Runtime]:
    """A runtime for one command, closed at its end."""
    runtime = build(config(), **changes)
    try:
        yield runtime
    finally:
        runtime.close()


class Progress:
    """Shows how far long work has come, on a terminal only: one line that is written over."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = ""

    def __call__(self, name: str, done: int, total: int) -> None:
        """Say that `done` of `total` of this step are done."""
        line = f"{name}: {done:,} of {total:,}"
        if self._terminal and (done == total or done % 50 == 0) and line != self._last:
            click.echo(f"\r{line:<60}", nl=done == total, err=True)
            self._last = line
