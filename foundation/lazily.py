"""Large libraries that are loaded when something of them is first used, so that a process holds in memory only what it works with.

What lives here: the stand-in. Which modules stand in that way, each says where it would import them; what a sender must not load is
listed in tests/guards/test_dear_modules.py. Every room may import this module.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """A module that is not there yet. What was asked for once is its own and is found without asking."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)
        return value


def lazily(name: str) -> Any:
    """The module `name`, loaded when something of it is first used. Its types are known to a checker by an import beside it."""
    return _Later(name)
