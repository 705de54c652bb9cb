"""Keeps the tests on this machine: every connection or look-up that would leave it is refused.

An audit hook hears every socket that Python opens, in whatever library; it hears neither the programs that a
test starts nor libraries that open sockets in C. Only the tests' conftest loads this module.
"""

import sys
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

_CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_refused: list[str] = []


class NetworkRefused(RuntimeError):
    """A test tried to reach another machine."""


def is_home(host: str | bytes | None) -> bool:
    """Say whether a host, as a name or an address, is this machine."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not name or name == "localhost":
        return True
    try:
        return ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def pytest_configure() -> None:
    """Refuse, from now until this process ends, whatever would leave this machine."""
    sys.addaudithook(_hear)


@pytest.fixture
def refused_connections() -> list[str]:
    """Return the hosts refused so far in this test; a test that tries on purpose empties the list."""
    return _refused


@pytest.fixture(autouse=True)
def _network_closed() -> Iterator[None]:
    """Fail a test that tried to leave this machine, even if its code swallowed the refusal."""
    _refused.clear()
    yield
    tried, _refused[:] = list(_refused), []
    assert not tried, f"This test tried to reach {', '.join(tried)}; tests may only reach 127.0.0.1."


def _hear(event: str, details: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        _refuse_unless_home(details[0])
    elif event in _CONNECTING and isinstance(
        details[1], tuple
    ):  # A socket in the file system has a plain path.
        _refuse_unless_home(details[1][0])


def _refuse_unless_home(host: str | bytes | None) -> None:
    # The name 0.0.0.0 and AF_NETLINK's numbers never leave the machine either.
    if isinstance(host, int) or host in ("0.0.0.0", "::") or is_home(host):
        return
    _refused.append(str(host))
    raise NetworkRefused(f"Tests may only reach 127.0.0.1, and this one tried {host!s}.")
