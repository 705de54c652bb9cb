"""What every channel promises, tried on each alike over real sockets: one message is one copy, and every failure is one of two."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from alerts.channels import CHANNELS, Webhook
from alerts.channels.base import Channel, DeliveryFailed, OutcomeUnknown
from committees import contact_addresses
from tests.alerts.benches import BENCHES, TEXT, Bench

#: The console has no far side that could refuse or lose anything.
WIRED = [kind.key for kind in CHANNELS if kind.key != "console"]
LOOKED_UP = [kind.key for kind in CHANNELS if kind.key in WIRED and kind.can_look_up]


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with BENCHES[request.param]() as found:
        yield found
        found.channel.close()


wired = pytest.mark.parametrize("bench", WIRED, indirect=True)


def test_the_channels_are_one_closed_list() -> None:
    keys = [kind.key for kind in CHANNELS]
    assert set(keys) == set(BENCHES)
    assert set(keys) - {Webhook.key} == set(contact_addresses.CHANNELS), "a program is nobody's contact"
    assert len(set(keys)) == len(keys)
    assert all(kind.label for kind in CHANNELS)


@wired
def test_one_message_is_one_copy(bench: Bench) -> None:
    handed = bench.channel.send(bench.message())
    assert handed.provider_id
    assert handed.state in ("sent", "delivered")
    (arrived,) = bench.arrived()
    assert TEXT in arrived


@wired
@pytest.mark.parametrize("permanent", [True, False])
def test_a_refusal_says_whether_it_is_for_good_and_nothing_was_taken(bench: Bench, permanent: bool) -> None:
    bench.refuse(permanent=permanent)
    with pytest.raises(DeliveryFailed) as failed:
        bench.channel.send(bench.message())
    assert failed.value.permanent is permanent
    assert failed.value.message
    assert bench.arrived() == []


@wired
def test_a_lost_answer_is_unknown_and_nothing_else(bench: Bench) -> None:
    bench.lose_the_answer()
    with pytest.raises(OutcomeUnknown) as lost:
        bench.channel.send(bench.message())
    assert lost.value.message
    assert len(bench.arrived()) == 1


@pytest.mark.parametrize("bench", LOOKED_UP, indirect=True)
def test_a_look_up_finds_the_copy_that_was_taken_and_only_that(bench: Bench) -> None:
    message = bench.message()
    assert bench.channel.look_up(message) is None
    bench.lose_the_answer()
    with pytest.raises(OutcomeUnknown):
        bench.channel.send(message)
    found = bench.channel.look_up(message)
    assert found is not None
    taken = bench.message()
    bench.more["taken_ids"] = frozenset({found.provider_id})
    assert bench.channel.look_up(bench.message()) is None, "a copy belongs to one message only"
    assert bench.channel.look_up(taken) == found
    assert len(bench.arrived()) == 1


@wired
def test_a_far_side_that_is_gone_took_nothing_and_is_tried_again(bench: Bench) -> None:
    bench.go_away()
    with pytest.raises(DeliveryFailed) as failed:
        bench.channel.send(bench.message())
    assert not failed.value.permanent
    if bench.channel.key == Webhook.key:
        return  # each program is another host: there is no one provider that could be asked
    with pytest.raises((DeliveryFailed, OutcomeUnknown)):
        bench.channel.check()


@wired
def test_no_failure_and_no_log_says_to_whom_or_what(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []
    with caplog.at_level(logging.DEBUG):
        bench.channel.send(bench.message())
        bench.lose_the_answer()
        said.append(str(_failure(bench)))
        bench.refuse(permanent=True)
        said.append(str(_failure(bench)))
    ours = [
        record.getMessage() for record in caplog.records if record.name != "mail.log"
    ]  # the far side's own
    for words in (*said, *ours):
        assert bench.address not in words
        assert "Ward 7" not in words


def _failure(bench: Bench) -> Exception:
    try:
        bench.channel.send(bench.message())
    except (DeliveryFailed, OutcomeUnknown) as failure:
        return failure
    raise AssertionError("the far side was to fail")


@wired
def test_an_address_that_is_none_is_refused_for_good(bench: Bench) -> None:
    bench.address = "nobody at all\r\nTo: everybody"
    with pytest.raises(DeliveryFailed) as failed:
        bench.channel.send(bench.message())
    assert failed.value.permanent
    assert bench.arrived() == []


@pytest.mark.parametrize("bench", sorted(BENCHES), indirect=True)
def test_it_may_be_closed_twice_and_used_again(bench: Bench) -> None:
    channel: Channel = bench.channel
    channel.check()
    channel.close()
    channel.close()
    channel.check()
    assert channel.send(bench.message()).provider_id
