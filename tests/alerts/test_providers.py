"""Providers of one channel share its messages by weight, which errors shift and time brings back; and when a number is given up."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from alerts import providers, reachable
from alerts.channels.twilio_codes import STOPPED
from alerts.providers import DRIFT_EVERY, LEAST, REST, SHIFT_EVERY, choose, shifted
from committees.people import ContactPoint
from tests.make import Town

KEYS = st.sampled_from(["first", "second", "third"])
WEIGHTS = st.dictionaries(KEYS, st.integers(LEAST, REST), min_size=1)
ADDRESSES = [f"+92300{number:07d}" for number in range(2000)]


@given(WEIGHTS, st.sampled_from(ADDRESSES))
def test_an_address_keeps_its_provider_until_it_is_left_out(weights: dict[str, int], address: str) -> None:
    chosen = choose(weights, address)
    assert chosen == choose(dict(reversed(weights.items())), address)
    others = {key: weight for key, weight in weights.items() if key != chosen}
    assert choose(weights, address, {chosen or ""}) == choose(others, address)
    assert choose(weights, address, set(weights)) is None


def test_messages_are_shared_by_weight_and_a_shift_moves_only_as_many_as_it_must() -> None:
    before = {address: choose({"first": 100, "second": 100}, address) for address in ADDRESSES}
    after = {address: choose({"first": 20, "second": 100}, address) for address in ADDRESSES}
    assert 900 < Counter(before.values())["first"] < 1100
    assert 250 < Counter(after.values())["first"] < 420  # a sixth
    assert not [one for one in ADDRESSES if before[one] == "second" and after[one] == "first"]


@given(st.integers(LEAST, REST), st.integers(0, 600), st.integers(0, 50), st.integers(0, 50))
def test_a_weight_moves_a_step_at_a_time_and_never_to_nothing(
    weight: int, seconds: int, failed: int, handed: int
) -> None:
    since = timedelta(seconds=seconds)
    after = shifted(weight, REST, since, failed, handed)
    assert LEAST <= after <= REST
    if failed * 10 > failed + handed:
        assert after == (max(LEAST, weight - providers.STEP) if since >= SHIFT_EVERY else weight)
    else:
        assert after >= weight
        assert after == weight or since >= DRIFT_EVERY


def test_errors_shift_a_row_once_in_ten_seconds_and_it_comes_back(town: Town) -> None:
    def weight() -> int:
        with town.session("sender", write=True) as session:
            return providers.weights_of(session, town.clock.now(), "sms", ["first"])["first"]

    def tell(failed: int, handed: int) -> None:
        with town.session("sender", write=True) as session:
            providers.count(session, town.clock.now(), "sms", "first", failed=failed, handed=handed)

    assert weight() == REST
    town.clock.move(seconds=10)
    for _ in range(5):
        tell(5, 5)
    assert weight() == REST - providers.STEP, "one bad second is one step"
    town.clock.move(seconds=10)
    tell(5, 5)
    assert weight() == REST - 2 * providers.STEP
    town.clock.move(minutes=2)
    assert weight() == REST


def test_the_third_failure_in_a_row_ends_sending_and_stop_does_at_once(town: Town) -> None:
    def point(key: uuid.UUID) -> ContactPoint:
        with town.session() as session:
            return session.get_one(ContactPoint, key)

    with town.session("sender", write=True) as session:
        one, other = session.scalars(select(ContactPoint.id).order_by(ContactPoint.id).limit(2)).all()
        for _ in range(2):
            reachable.failed(session, town.clock.now(), one, "No such number.", "21614")
        reachable.worked(session, [one])
        for _ in range(2):
            reachable.failed(session, town.clock.now(), one, "No such number.", "21614")
        reachable.failed(session, town.clock.now(), other, "They said STOP.", STOPPED)
    assert point(one).failing_since is None, "a message that arrived begins the count anew"
    assert (point(other).failing_since, point(other).failing_why) == (town.clock.now(), "They said STOP.")
    with town.session("sender", write=True) as session:
        reachable.failed(session, town.clock.now(), one, "No such number.", "21614")
    assert point(one).failing_why == "No such number."
