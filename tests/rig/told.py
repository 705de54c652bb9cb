"""What each journey tells whom: written down once beside it, and compared at its end, so that a message that nobody expected fails it.

The lists are in tests/journeys/told, one file for each file of journeys. `pytest tests/journeys --write-told` writes them anew; whoever does
that reads what changed. A line is a channel, a person of the seed (or a number that is nobody's), a message, and how many copies came.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import select

from committees import people
from committees.people import ContactPoint, Person
from foundation.crypto import cipher
from foundation.outbox import OutboxMessage
from tests.make import BY_THE_CALENDAR

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tests.make import Town

JOURNEYS = Path(__file__).parent.parent / "journeys"
PASSED = pytest.StashKey[bool]()
NOT_GONE = ("due", "cancelled")
NOT_OURS = "a message that is none of ours"
_ENGINE = re.compile(r"(?<=\[)(sqlite|postgresql)-?|-(sqlite|postgresql)(?=\])")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that writes the lists."""
    parser.addoption("--write-told", action="store_true", help="Write down what each journey tells whom.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Keep whether a test itself passed: where it did not, what it told says nothing."""
    report = yield
    if call.when == "call":
        item.stash[PASSED] = call.excinfo is None
    return report


def compare(request: pytest.FixtureRequest, town: Town, copies: Sequence[UUID] | None = None) -> None:
    """Fail a journey that told somebody something that its list does not have, or did not tell what it has.

    `copies`: the messages that the network and the post office took, where this town has them, each as often as it came.
    """
    item = request.node
    if item.path.parent != JOURNEYS or not item.stash.get(PASSED, False):
        return
    written = JOURNEYS / "told" / f"{item.path.stem}.toml"
    name = _ENGINE.sub("", item.name).removesuffix("[]")
    found = told(town, copies)
    known = tomllib.loads(written.read_text(encoding="utf-8")) if written.exists() else {}
    if request.config.getoption("--write-told"):
        written.parent.mkdir(exist_ok=True)
        written.write_text(_as_toml(known | {name: found}), encoding="utf-8")
        return
    assert name in known, (
        f"What {name} tells is not written down: run pytest {item.path} --write-told, and read it."
    )
    more, less = Counter(found) - Counter(known[name]), Counter(known[name]) - Counter(found)
    wrong = [f"told, and not expected: {line}" for line in sorted(more)]
    wrong += [f"expected, and not told: {line}" for line in sorted(less)]
    assert not wrong


def told(town: Town, copies: Sequence[UUID] | None) -> list[str]:
    """Every copy that left this town, counted; without `copies` as the outbox says, with what waits or was called off."""
    with town.session() as session:
        rows = {row.id: row for row in session.scalars(select(OutboxMessage))}
        keys = [row.id for row in rows.values() if not _waits_for_its_hour(row)] if copies is None else copies
        numbers = Counter(_line(session, rows[key]) if key in rows else NOT_OURS for key in keys)
    return sorted(line + (f" x{number}" if number > 1 else "") for line, number in numbers.items())


def _waits_for_its_hour(row: OutboxMessage) -> bool:
    return row.state == "due" and row.template in BY_THE_CALENDAR


def _line(session: Session, row: OutboxMessage) -> str:
    fate = f" ({row.state})" if row.state in NOT_GONE else ""
    return f"{row.channel} {_receiver(session, row)}: {row.template}{fate}"


def _receiver(session: Session, row: OutboxMessage) -> str:
    if row.channel == "webhook":
        return "a program"
    point = session.get(ContactPoint, row.contact_point_id) if row.contact_point_id else None
    if point is None:
        return cipher(session).open("outbox.address", row.id, row.address_sealed or "")
    return session.get_one(Person, point.person_id).code or people.address_of(session, point)


def _as_toml(lists: dict[str, list[str]]) -> str:
    parts = ["# Written by pytest --write-told: what each journey tells whom, and in how many copies.\n"]
    for name in sorted(lists):
        lines = "".join(f"    {json.dumps(line, ensure_ascii=False)},\n" for line in lists[name])
        parts.append(
            f"{json.dumps(name, ensure_ascii=False)} = [\n{lines}]\n"
            if lines
            else f"{json.dumps(name)} = []\n"
        )
    return "\n".join(parts)
