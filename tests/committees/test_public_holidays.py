"""Public holidays of the five countries: from the library, in its languages, once, and never over what a person said."""

import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import cache

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from committees import flashpoints, public_holidays
from committees.flashpoints import LIBRARY, Flashpoint
from committees.holiday_lists import EVERYWHERE, SHARED, TONGUES, Holiday
from committees.places import by_code
from committees.public_holidays import holidays_of, lists_of
from coordination.jobs import JOBS, run_job
from tests.make import START, Town, dates_between, make_town

SPANS = {"festival": (10, 3)}


def named(country: str, year: int) -> dict[str, Holiday]:
    return {one.names["en"]: one for one in holidays_of(country, None, year)}


@pytest.mark.parametrize("country", TONGUES)
def test_every_country_has_holidays_each_with_a_key_of_its_own(country: str) -> None:
    found = holidays_of(country, None, 2026)
    assert len(found) > 10
    assert len({one.key for one in found}) == len(found)
    for one in found:
        assert one.key.startswith(f"{country}/2026/")
        assert one.starts <= one.ends
        assert one.starts.year == 2026
        assert "estimated" not in " ".join(one.names.values())


def test_days_in_a_row_are_one_date_also_where_another_holiday_falls_on_one_of_them() -> None:
    found = named("PK", 2026)
    assert (found["Eid-ul-Adha"].starts, found["Eid-ul-Adha"].ends) == (date(2026, 5, 26), date(2026, 5, 28))
    assert found["Youm-e-Takbeer"].starts == date(2026, 5, 28)
    assert found["Eid-ul-Adha"].names["ur"] == "عید الاضحی"
    assert found["Youm-e-Takbeer"].names["ur"] == "یوم تکبیر"


def test_names_come_in_the_languages_of_the_country() -> None:
    own = [one for one in holidays_of("LK", None, 2026) if one.series != "LK/holi"]
    vesak = next(one for one in own if one.names["en"].startswith("Vesak"))
    assert set(vesak.names) == {"en", "si", "ta"}
    assert set(named("BD", 2026)["Victory Day"].names) == {"en", "bn"}
    assert set(named("MV", 2026)["Republic Day"].names) == {"en", "dv"}


def test_what_the_library_estimates_is_about_and_a_fixed_day_never_is() -> None:
    found = named("PK", 2027)
    assert found["Eid-ul-Fitr"].about
    assert found["Ashura"].about
    assert not found["Pakistan Day"].about
    assert named("MV", 2026)["Eid al-Fitr"].about


def test_no_calendar_is_one_communitys_only() -> None:
    for country in EVERYWHERE:
        calendar = holidays_of(country, None, 2026)
        for _source, name, known_as in SHARED:
            alike = [one for one in calendar if re.fullmatch(known_as, one.names["en"].lower())]
            assert len(alike) == 1, (country, name)


def test_a_process_that_asks_does_not_hold_the_library() -> None:
    code = "import sys; from committees.public_holidays import holidays_of; print(len(holidays_of('PK', None, 2026)), 'holidays' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.split() == [str(len(holidays_of("PK", None, 2026))), "False"]


def test_where_the_library_cannot_be_asked_no_day_is_a_holiday_and_no_date_is_withdrawn(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_holidays.sys, "executable", "/no/such/python")
    public_holidays.lists_of.cache_clear()
    assert holidays_of("PK", None, 2026) == ()
    with town.session(write=True) as session, pytest.raises(OSError, match="No such file"):
        public_holidays.enter(session, START)


def test_a_state_adds_its_own_days_only() -> None:
    assert {"DL", "WB", "TN"} <= set(lists_of("IN", 2026))
    national = {(one.starts, one.names["en"]) for one in holidays_of("IN", None, 2026)}
    bengal = holidays_of("IN", "WB", 2026)
    assert bengal
    assert not {(one.starts, one.names["en"]) for one in bengal} & national


def test_a_country_that_the_library_does_not_know_of_here_has_none() -> None:
    assert holidays_of("XA", None, 2026) == ()
    assert not lists_of("XA", 2026)


@pytest.fixture
def own_town(town: Town) -> Iterator[Town]:
    """The town with the real calendar switched on."""
    again = make_town(
        town.runtime.config.database_url, town.runtime.config.data, clock=town.clock, public_holidays=True
    )
    yield again
    again.runtime.close()


def rows(session: Session) -> int:
    return (
        session.scalar(select(func.count()).select_from(Flashpoint).where(Flashpoint.source == LIBRARY)) or 0
    )


def test_the_job_enters_them_once_and_only_where_they_are_wanted(town: Town, own_town: Town) -> None:
    job = next(job for job in JOBS if job.name == "public_holidays")
    assert run_job(town.runtime, job) == 0
    town.clock.move(days=1)
    with ThreadPoolExecutor(2) as two:  # two schedulers at one moment
        entered = sum(two.map(lambda runtime: run_job(runtime, job), [own_town.runtime, own_town.runtime]))
    with town.session() as session:
        assert rows(session) == entered > 150
        years = {row.starts.year for row in session.scalars(select(Flashpoint))}
        assert years == {2026, 2027}
    assert run_job(own_town.runtime, job) == 0  # another scheduler, the same day
    town.clock.move(days=1)
    assert run_job(own_town.runtime, job) == 0  # the next day finds nothing to do
    with town.session() as session:
        assert rows(session) == entered
        tripura = by_code(session, "IN-TR")
        states = session.scalars(select(Flashpoint).where(Flashpoint.locality_id == tripura.id)).all()
        assert states


def test_what_a_person_said_survives_the_library(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    with town.session(write=True) as session:
        public_holidays.enter(session, START)
        mardan = by_code(session, "PK-KP-MARDAN")
        before = eid(session, mardan.id)
        assert before.about
        by = uuid.uuid4()
        flashpoints.remark(
            session,
            START,
            mardan,
            before,
            by=by,
            starts=date(2027, 3, 9),
            ends=date(2027, 3, 11),
            about=False,
        )
    real = public_holidays.lists_of

    @cache
    def moved(country: str, year: int) -> dict[str, tuple[Holiday, ...]]:
        """The library as its next release may have it: Eid two days later, and no Iqbal Day."""
        day = timedelta(days=2)
        return {
            state: tuple(
                Holiday(h.key, h.series, h.names, h.starts + day, h.ends + day, False)
                if h.key == before.key
                else h
                for h in found
                if h.names["en"] != "Iqbal Day"
            )
            for state, found in real(country, year).items()
        }

    monkeypatch.setattr(public_holidays, "lists_of", moved)
    later = START + timedelta(days=20)
    with town.session(write=True) as session:
        assert public_holidays.enter(session, later) == 3  # one version, one holiday gone in two years
        assert public_holidays.enter(session, later) == 0
        here, elsewhere = eid(session, mardan.id), eid(session, by_code(session, "PK-BA").id)
        assert (here.starts, here.about) == (date(2027, 3, 9), False)
        assert (elsewhere.starts, elsewhere.about) == (date(2027, 3, 12), False)
        then = eid(session, by_code(session, "PK-BA").id, at=START)
        assert (then.starts, then.about) == (date(2027, 3, 10), True)
        november = dates_between(session, mardan.id, date(2027, 11, 1), date(2027, 11, 30), SPANS)
        assert [one.cancelled for one in november if one.series == "PK/iqbal-day"] == [
            public_holidays.WITHDRAWN
        ]


def eid(session: Session, place_id: uuid.UUID, at: object = None) -> flashpoints.DateHere:
    spring = dates_between(
        session,
        place_id,
        date(2027, 3, 1),
        date(2027, 3, 31),
        SPANS,
        at,  # type: ignore[arg-type]
    )
    return next(one for one in spring if one.series == "PK/eid-ul-fitr")
