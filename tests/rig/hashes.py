"""Passwords that are hashed quickly: two thousand sign-ins of the tests need not be slow to guess.

The way through a sign-in is the same; only the cost that a hash asks for is low. Programs that a test starts hash as the house does, and
test_rig.py holds the house's own cost to what OWASP asks. Only the tests' conftest loads this module.
"""

from __future__ import annotations

from argon2 import PasswordHasher

from committees import accounts

#: The hasher of the house itself.
HOUSE = accounts._hasher


def pytest_configure() -> None:
    """Hash quickly from now until this process ends, for names that nobody has too."""
    accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    accounts._NOBODY = accounts._hasher.hash("nobody has this password")
