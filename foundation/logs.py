"""Structured logs with an allow-list of fields: an address, a number, a name or a text can never reach them by accident."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

# structlog would load it to paint tracebacks, of which we log none: 6 MiB of every process that has it.
if "rich" in sys.modules:
    import structlog
else:
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog

    del sys.modules["rich"]

ALLOWED = frozenset(
    (
        "event", "level", "timestamp", "method", "route", "status", "ms", "job", "rows", "outbox_id",
        "alert_id", "incident_id", "channel", "state", "code", "attempts", "reference", "error_type",
        "version", "url", "port", "locality", "count",
    )
)  # fmt: skip


def only_allowed(_logger: Any, _name: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not on the list; an exception leaves its type only."""
    kept = {key: value for key, value in fields.items() if key in ALLOWED}
    if info := fields.get("exc_info"):
        kind = sys.exc_info()[0] if info is True else type(info)
        kept["error_type"] = getattr(kind, "__name__", "unknown")
    return kept


def set_up(log_format: str) -> None:
    """Make every logger of the process write one line an event, as text or JSON, to standard error."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    # Libraries that log requests or SQL would log people's words: they may only warn.
    for name in ("werkzeug", "sqlalchemy", "twilio", "twilio.http_client", "urllib3", "apscheduler"):
        logging.getLogger(name).setLevel(logging.ERROR)


def log() -> Any:
    """The logger."""
    return structlog.get_logger()
