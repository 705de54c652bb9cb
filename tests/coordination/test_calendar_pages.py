"""The calendar as people use it, on both databases: a month, adding, confirming, what a date means, cancelling, a shock elsewhere."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from alerts.alert import Alert
from committees import public_holidays
from committees.flashpoints import ELSEWHERE, Flashpoint, Remark, ToVisit
from committees.places import by_code
from coordination.calendar_view import Month, first_weekday, month_of
from tests.make import START, WARD, Browser, Town

TOWN = "PK-KP-MARDAN"
CALENDAR = f"/calendar/{TOWN}"
NEW = {
    "name": "Procession from the old market",
    "trigger": "procession",
    "starts_day": "10",
    "starts_month": "12",
    "starts_year": "2026",
}
BLAMED = f"{TOWN}-W3"


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def add(town: Town, who: str = "secretary.mardan", code: str = TOWN, **changes: object) -> Browser:
    browser = town.browser(who)
    browser.open(f"/calendar/{code}/add")
    browser.send(f"/calendar/{code}/add", **{**NEW, **changes})
    return browser


def one(town: Town) -> Flashpoint:
    with town.session() as session:
        return session.scalars(select(Flashpoint)).one()


def test_a_date_that_is_added_is_seen_with_its_window_by_the_whole_town(town: Town) -> None:
    browser = add(town, sure=["difficult"], note="The route past the school worked")
    assert browser.status == 200, browser.page
    assert browser.path == f"{CALENDAR}/date/{one(town).id}"
    member = town.browser("member1.mardan")
    page = words(member.open(f"{CALENDAR}?month=2026-12"))
    assert "Procession from the old market" in page
    assert "Thu 10 Dec · Watch from Mon 30 Nov to Sat 12 Dec · Difficult last time" in page
    # Its window opens in November already.
    assert "Procession from the old market" in words(member.open(f"{CALENDAR}?month=2026-11"))
    assert "No date in this month" in words(member.open(f"{CALENDAR}?month=2027-02"))
    for path in (f"/place/{WARD}", "/today", f"/place/{TOWN}"):
        town.clock.at = START + timedelta(days=5)
        found = words(member.open(path))
        assert "Procession from the old market" in found, path
        assert "Mon 30 Nov to Sat 12 Dec" in found, path
    page = words(member.open(f"{CALENDAR}/date/{one(town).id}"))
    assert "The route past the school worked" in page
    assert "Confirm" not in page
    officer = words(town.browser("city.mardan").open("/city"))
    assert "Procession from the old market" in officer


def test_what_cannot_be_taken_is_said_and_nothing_typed_is_lost(town: Town) -> None:
    browser = add(town, name="", trigger="comet", starts_day="31", starts_month="2", note="Ask the elders")
    assert browser.status == 422
    for said in ("Give the date a name", "Choose what kind of date it is", "Enter a real date"):
        assert said in browser.page
    assert "Ask the elders" in browser.page
    assert 'value="31"' in browser.page
    browser = add(town, ends_day="9", ends_month="12", ends_year="2026")
    assert "The last day must not lie before the first day" in browser.page
    with town.session() as session:
        assert session.scalars(select(Flashpoint)).first() is None


def test_sending_a_form_twice_makes_one_date(town: Town) -> None:
    browser = town.browser("secretary.mardan")
    browser.open(f"{CALENDAR}/add")
    fields = {**browser.hidden(f"{CALENDAR}/add"), **NEW}
    for _time in range(2):
        assert browser.client.post(f"{CALENDAR}/add", data=fields).status_code == 303
    assert one(town).names == {"en": NEW["name"]}


@pytest.mark.parametrize("who", ["member1.mardan", "police.mardan", "auditor"])
def test_others_cannot_add_or_change(town: Town, who: str) -> None:
    add(town)
    with town.session() as session:
        known = session.scalars(select(Remark)).all()
    browser = town.browser(who)
    browser.open(f"{CALENDAR}/add")
    assert browser.status == 404
    path = f"{CALENDAR}/date/{one(town).id}"
    browser.open(path)
    browser.send(
        path, act="cancel", reason="No more", csrf_token=browser.hidden("/sign-out").get("csrf_token", "")
    )
    assert browser.status in (403, 404)
    with town.session() as session:
        assert session.scalars(select(Remark)).all() == known == []


def test_a_committee_speaks_for_its_own_place_only(town: Town) -> None:
    browser = town.browser("secretary.mardan")
    browser.open("/calendar/PK-KP/add")
    assert browser.status == 404
    browser.open("/calendar/LK/add")
    assert browser.status == 404
    national = town.browser("national.pk")
    national.open(f"{CALENDAR}/add")
    assert national.status == 403
    add(town, "national.pk", "PK", name="Election of the assembly", trigger="election_or_change")
    assert "Election of the assembly" in town.browser("member1.mardan").open(f"{CALENDAR}?month=2026-12")


def test_an_about_date_is_confirmed_for_the_place_and_nowhere_else(town: Town) -> None:
    with town.session(write=True) as session:
        public_holidays.enter(session, START)
        row = session.scalars(select(Flashpoint).where(Flashpoint.key == "PK/2027/eid-ul-fitr")).one()
    browser, path = town.browser("secretary.mardan"), f"{CALENDAR}/date/{row.id}"
    assert "not confirmed yet" in browser.open(path)
    browser.send(
        path, act="confirm", starts_day="9", starts_month="3", starts_year="2027",
        ends_day="11", ends_month="3", ends_year="2027",
    )  # fmt: skip
    assert "Tue 9 Mar to Thu 11 Mar" in words(browser.page)
    assert "not confirmed yet" not in browser.page
    elsewhere = town.browser("national.pk").open(f"/calendar/PK/date/{row.id}")
    assert "Wed 10 Mar to Fri 12 Mar" in words(elsewhere)
    assert "not confirmed yet" in elsewhere
    browser.open(path)
    browser.send(path, act="confirm", starts_day="2", starts_month="5", starts_year="2027")
    assert browser.status == 200
    browser.send(path, act="confirm", starts_day="2", starts_month="6", starts_year="2027")
    assert browser.status == 422  # counted from the day that was entered, not from the last move
    assert "moves by 60 days at most" in browser.page


def test_what_a_date_means_here_is_kept_and_shown_the_next_year_too(town: Town) -> None:
    with town.session(write=True) as session:
        public_holidays.enter(session, START)
        rows = session.scalars(
            select(Flashpoint).where(Flashpoint.series == "PK/iqbal-day").order_by(Flashpoint.starts)
        )
        first, second = [row.id for row in rows]
    browser = town.browser("secretary.mardan")
    path = f"{CALENDAR}/date/{first}"
    browser.open(path)
    browser.send(path, act="means", difficult="yes", weight="0.00", note="Close the bazaar road early")
    assert browser.status == 200, browser.page
    with town.session() as session:
        said = session.scalars(select(Remark)).one()
        assert (said.difficult, said.term, said.starts) == (True, 0.0, None)
    assert "Close the bazaar road early" in town.browser("member1.mardan").open(f"{CALENDAR}/date/{second}")
    assert "Close the bazaar road early" not in town.browser("national.pk").open(
        f"/calendar/PK/date/{second}"
    )
    browser.open(path)
    browser.send(path, act="means", difficult="no", weight="9")
    assert browser.status == 422


def test_a_cancelled_date_stays_with_its_reason_and_can_come_back(town: Town) -> None:
    browser = add(town)
    path = browser.path
    browser.open(path)
    browser.send(path, act="cancel", reason="")
    assert "Say why it does not take place" in browser.page
    browser.send(path, act="cancel", reason="The organisers put it off")
    assert "Cancelled: The organisers put it off" in words(browser.open(f"{CALENDAR}?month=2026-12"))
    assert NEW["name"] not in browser.open(f"/place/{TOWN}")
    browser.open(path)
    browser.send(path, act="restore")
    assert "Cancelled" not in words(browser.open(f"{CALENDAR}?month=2026-12"))
    with town.session() as session:
        assert [row.cancelled for row in session.scalars(select(Remark).order_by(Remark.created_at))][0] != ""


def test_a_ward_date_shows_in_its_town_and_is_changed_where_it_was_entered(town: Town) -> None:
    add(town, code=WARD)
    browser = town.browser("secretary.mardan")
    page = browser.open(f"{CALENDAR}?month=2026-12")
    assert "Ward 7" in words(page)
    path = f"{CALENDAR}/date/{one(town).id}"
    assert path in page
    browser.open(path)
    browser.send(path, act="cancel", reason="Rain")
    assert browser.status == 200, browser.page
    with town.session() as session:
        assert session.scalars(select(Remark)).one().locality_id == by_code(session, WARD).id
    assert NEW["name"] not in town.browser("member1.mardan").open(f"/calendar/{TOWN}-W2?month=2026-12")


def tell(town: Town, who: str, code: str, *places: str) -> Browser:
    browser = town.browser(who)
    browser.open(f"/calendar/{code}/elsewhere")
    browser.send(f"/calendar/{code}/elsewhere", places=list(places))
    return browser


def test_where_people_may_be_blamed_is_read_by_secretary_and_chair_only(town: Town) -> None:
    told = tell(town, "city.mardan", TOWN, BLAMED)
    assert told.status == 200, told.page
    assert "Something happened elsewhere" in told.page
    row = one(town)
    assert row.trigger == ELSEWHERE
    path = f"{CALENDAR}/date/{row.id}"
    for who in ("secretary.mardan", "chair.mardan"):
        assert "Please visit those who may be blamed: Ward 3" in words(town.browser(who).open(path)), who
    # Not even who ticked it, nor a member, nor an office: neither here nor by a level or an alert of the ward.
    town.later(minutes=1)
    for who in ("city.mardan", "member1.mardan", "police.mardan", "national.pk"):
        browser = town.browser(who)
        assert "may be blamed" not in browser.open(path), who
        assert "Ward 3" not in words(browser.open(f"{CALENDAR}?month=2026-11")), who
    with town.session() as session:
        (alert,) = session.scalars(select(Alert)).all()
        assert (alert.rule, alert.locality_id) == ("shock_elsewhere", by_code(session, TOWN).id)
        assert session.scalars(select(ToVisit.locality_id)).all() == [by_code(session, BLAMED).id]
    reasons = [words(town.browser("city.mardan").open(f"/place/{code}")) for code in (BLAMED, WARD)]
    assert all("A date is near: Something happened elsewhere" in page for page in reasons)


def test_the_national_contact_ticks_towns_and_each_town_gets_its_own_date(town: Town) -> None:
    browser = tell(town, "national.pk", "PK", TOWN, "PK-KP-NOWSHERA")
    assert browser.status == 200, browser.page
    with town.session() as session:
        rows = session.scalars(select(Flashpoint)).all()
        assert len({row.locality_id for row in rows}) == 2 == len(rows)
    assert "Tick at least one place" in tell(town, "national.pk", "PK").page
    assert town.browser("member1.mardan").open("/calendar/PK/elsewhere")
    nosy = town.browser("secretary.mardan")
    nosy.open(f"{CALENDAR}/elsewhere")
    assert nosy.status == 404


def test_weeks_begin_as_in_the_country(town: Town) -> None:
    assert [first_weekday(code) for code in ("PK", "LK", "BD", "IN", "MV", "XA")] == [6, 0, 6, 6, 4, 0]
    page = town.browser("member1.mardan").open(f"{CALENDAR}?month=2026-11&view=month")
    assert re.findall(r'<abbr title="(\w+)">', page)[:2] == ["Sunday", "Monday"]
    body = page[page.index("<tbody>") :]
    weeks = re.findall(r"<tr>(.*?)</tr>", body[: body.index("</tbody>")], re.S)
    assert all(week.count("<td") == 7 for week in weeks)
    assert 'aria-current="date">24<' in page


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "٢٠٢٦-١١", "2026-1x", "1-1", "9999-01", "-", "2026-11-01"]
)
def test_a_month_that_is_none_is_this_month(text: str) -> None:
    assert month_of(text, date(2026, 11, 24)) == Month(2026, 11)


def test_months_end_where_the_calendar_does() -> None:
    assert month_of("2026-12", date(2026, 1, 1)).beside(1) == Month(2027, 1)
    assert month_of("2026-01", date(2026, 1, 1)).beside(-1) == Month(2025, 12)
    assert Month(2000, 1).beside(-1) is None
    assert Month(2099, 12).beside(1) is None


def test_a_day_outside_the_calendar_is_refused_in_words(town: Town) -> None:
    """Its window would begin before the first day that there is: the page of such a date could never be shown."""
    for year in ("1", "9999"):
        browser = add(town, starts_year=year)
        assert browser.status == 422, year
        assert "Enter a real date, like 27 11 2026" in browser.page
    with town.session() as session:
        assert session.scalars(select(Flashpoint)).first() is None
