"""The provider's hooks: store what came in, answer, and wake the reader."""

from __future__ import annotations

from flask import Flask

from coordination.runtime import Runtime


def register(app: Flask, runtime: Runtime) -> None:
    """Put the hooks on the map."""
