"""Every test begins in English, whatever page the one before it opened in the same thread. A plugin that tests/conftest.py names."""

from __future__ import annotations

import pytest

from foundation.web import words


@pytest.fixture(autouse=True)
def _english() -> None:
    words.use("en")
