"""The runtime of the process that answers this request: for the few pages that ask the worker's side of the house."""

from __future__ import annotations

from flask import current_app

from coordination.runtime import Runtime


def here() -> Runtime:
    """Return the runtime that create_app put into the application."""
    runtime = current_app.extensions["concord"]
    assert isinstance(runtime, Runtime)
    return runtime
