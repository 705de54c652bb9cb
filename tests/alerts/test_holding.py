"""Whether a warning waits, and why: silences, the digest, other wards, the alert of the place above; and who of an office is on duty."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import duty, silences
from alerts.holding import COVERED, DIGEST, FIRST_TOLD, GROUP, SILENCE, Surroundings, hold_of, next_digest
from alerts.quiet import Quiet, morning_after, quiet_of
from alerts.receivers import Receiver
from alerts.routing import contacts_for

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
KARACHI, LONDON = ZoneInfo("Asia/Karachi"), ZoneInfo("Europe/London")
ME, OTHER, TOWN, SILENT = (uuid.UUID(int=n) for n in range(4))


def around(*, silent: bool = False, covered: bool = False, until: datetime = NOW) -> Surroundings:
    silence = (SILENT, NOW + timedelta(days=1)) if silent else None
    return Surroundings(silence, {ME: TOWN} if covered else {}, next_digest(NOW, KARACHI), until)


@given(
    st.integers(4, 5),
    st.integers(1, 4),
    st.sampled_from([*FIRST_TOLD, "no_answer", "passed_on"]),
    st.booleans(),
    st.timedeltas(timedelta(0), timedelta(minutes=10)),
)
def test_levels_4_and_5_wait_for_nothing_but_a_silence(
    level: int, revision: int, reason: str, covered: bool, wait: timedelta
) -> None:
    assert hold_of(level, revision, reason, ME, around(covered=covered, until=NOW + wait)) is None


@given(
    st.integers(1, 5),
    st.one_of(st.none(), st.just(5)),
    st.sampled_from([silences.ORDINARY, silences.HIGH, silences.NEVER]),
)
def test_no_silence_hides_severe_or_what_may_be_severe(level: int, proposed: int | None, most: int) -> None:
    hidden = silences.hides(level, proposed, most)
    assert hidden == (level <= min(most, 4) and level < 5 and proposed != 5)


def test_each_reason_to_wait_and_which_goes_first() -> None:
    everything = around(silent=True, covered=True, until=NOW + timedelta(minutes=5))
    assert hold_of(3, 1, "rule", ME, everything) is not None
    assert hold_of(3, 1, "rule", ME, everything).by == SILENCE  # type: ignore[union-attr]
    found = hold_of(3, 1, "rule", ME, around(covered=True))
    assert (found.by, found.until, found.which) == (COVERED, None, TOWN)  # type: ignore[union-attr]
    assert hold_of(3, 1, "rule", OTHER, around(covered=True)).by == GROUP  # type: ignore[union-attr]
    assert hold_of(2, 1, "rule", ME, around()).by == DIGEST  # type: ignore[union-attr]
    # A rise waits for no group; whoever is asked because nobody answered waits for nothing.
    assert hold_of(3, 2, "rule", ME, around(until=NOW + timedelta(minutes=5))) is None
    assert hold_of(2, 1, "no_answer", ME, around(covered=True)) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)))
def test_the_digest_goes_at_6pm_of_the_place_also_where_clocks_change(now: datetime) -> None:
    for zone in (KARACHI, LONDON):
        at = next_digest(now, zone)
        assert now < at <= now + timedelta(hours=25)
        assert at.astimezone(zone).strftime("%H:%M") == "18:00"


hours = st.integers(0, 23)
quiets = st.builds(
    Quiet, hours, hours, st.sets(st.integers(1, 7)).map(lambda days: tuple(sorted(days))), st.booleans()
)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)), quiets)
def test_what_waits_for_the_morning_comes_within_ten_days_and_outside_quiet_hours(
    now: datetime, quiet: Quiet
) -> None:
    for zone in (KARACHI, LONDON):
        at = morning_after(now, quiet, zone, lambda day: day.day == 1)
        assert now <= at < now + timedelta(days=10)
        local = at.astimezone(zone)
        resting = local.isoweekday() in quiet.days or (quiet.holidays and local.day == 1)
        assert not resting or at >= now + timedelta(days=7)
        if at > now:
            assert local.hour == quiet.end or local.hour == 0 or local.minute == 0


def test_quiet_hours_are_a_persons_own_or_else_the_countrys() -> None:
    nothing: Any = SimpleNamespace(quiet_from=None, quiet_to=None, quiet_days=None, quiet_holidays=None)
    usual = Quiet(21, 7, (5,), holidays=True)
    assert quiet_of(nothing, usual) == usual
    chosen: Any = SimpleNamespace(quiet_from=0, quiet_to=0, quiet_days="", quiet_holidays=False)
    assert quiet_of(chosen, usual) == Quiet(0, 0, (), holidays=False)
    friday = datetime(2026, 11, 27, 5, tzinfo=UTC)
    assert morning_after(friday, usual, KARACHI).astimezone(KARACHI).strftime("%a %H:%M") == "Sat 07:00"


def point(channel: str) -> Any:
    return SimpleNamespace(channel=channel)


def test_how_many_ways_by_level_and_by_step() -> None:
    sms, mail = point("sms"), point("email")
    assert contacts_for([sms, mail], 2) == contacts_for([sms, mail], 3) == [sms]
    assert contacts_for([sms, mail], 4) == [sms, mail]
    assert contacts_for([sms, mail], 4, ["email"]) == [mail]
    # A step that names a channel that somebody has not still reaches them.
    assert contacts_for([sms], 5, ["voice"]) == [sms]
    assert contacts_for([], 5) == []


def receiver(person: uuid.UUID, office: uuid.UUID | None, reason: str = "rule") -> Receiver:
    someone: Any = SimpleNamespace(id=person)
    return Receiver(someone, "city_officer", reason, office)


@pytest.mark.parametrize(
    ("on_duty", "asked"),
    [(ME, {ME}), (None, {ME, OTHER}), (SILENT, {ME, OTHER})],
    ids=["one is on duty", "a gap: everybody", "who is on duty may not be told: the others"],
)
def test_the_one_on_duty_is_asked_else_everybody_who_holds_the_office(
    on_duty: uuid.UUID | None, asked: set[uuid.UUID]
) -> None:
    office = uuid.uuid4()
    to = [receiver(ME, office), receiver(OTHER, office), receiver(TOWN, None)]
    assert {one.person.id for one in duty.chosen(to, {office: on_duty})} == {*asked, TOWN}
    for reason in duty.AGAIN:
        again = [receiver(OTHER, office, reason), receiver(ME, office)]
        assert {one.person.id for one in duty.chosen(again, {office: ME})} == {ME, OTHER}
