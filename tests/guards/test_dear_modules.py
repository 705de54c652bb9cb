"""What a sender and a worker must not load before they use it: a process has 150 MiB, and idle libraries would take a third of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from foundation.lazily import lazily

SUMS = ("numpy", "cel_expr_python.cel", "holidays", "lxml.etree")
#: What only a schema that is not up to date needs, and what paints tracebacks.
SELDOM = ("alembic", "alembic.config", "mako", "rich", "pygments")
PAGES = ("flask", "apiflask", "pydantic", "jinja2", "coordination.app")
#: What begins a process -> what is not there then.
BEGINNINGS = {
    "coordination.runtime": (*SUMS, *SELDOM, *PAGES),
    "coordination.commands.run": (*SUMS, *SELDOM, *PAGES),
    "coordination.app": ("numpy", "cel_expr_python.cel", "holidays", *SELDOM),
}


@pytest.mark.parametrize("begins", BEGINNINGS)
def test_no_process_begins_with_what_it_may_never_need(begins: str) -> None:
    code = f"import sys, {begins}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert set(BEGINNINGS[begins]) & set(loaded.stdout.split()) == set()


def test_what_is_loaded_lazily_is_the_module_itself() -> None:
    later = lazily("json.tool")
    assert "json.tool" not in sys.modules or later.__name__ == "json.tool"
    import json.tool

    assert later.main is json.tool.main
    with pytest.raises(AttributeError):
        _ = later.no_such_name
