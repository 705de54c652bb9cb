"""Who is told when: one message at 6pm, several wards in one, a silence that ends, a lowered level by two persons, a correction to present phones.

Each journey ends by failing on any message that was not expected: `expect` names every message that left, with its template.
"""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from alerts import closing, news, releasing, routing, silences
from alerts.alert import Alert, note
from alerts.receivers import Receiver
from alerts.told import NOT_ASKED, OFF_DUTY, Delivery
from committees import actions, people, reply_codes, rosters
from committees.people import ContactPoint, Office, Person
from committees.places import Locality, by_code
from committees.reply_codes import ReplyCode
from coordination import closing_alerts, errands
from foundation.outbox import OutboxMessage
from tests.make import BY_THE_CALENDAR, Town

TOWN_CODE = "PK-KP-MARDAN"
CITY, CHAIR, SECRETARY = "city.mardan", "chair.mardan", "secretary.mardan"


def opened(session: Any, town: Town, code: str, level: int, **values: Any) -> Alert:
    """An open alert at a place, as raising makes it, without the reports behind it."""
    place = by_code(session, code)
    now = town.clock.now()
    top = place if place.level != "ward" else session.get_one(Locality, place.parent_id)
    number = (session.scalar(select(func.max(Alert.number)).where(Alert.town_id == top.id)) or 0) + 1
    alert = Alert(
        number=number,
        locality_id=place.id,
        town_id=top.id,
        threat="unsorted",
        rule="level_rise",
        what="angry_crowd",
        sure="not_confirmed",
        level=level,
        opened_at=now,
        ends_at=now + timedelta(days=3),
        evidence=[str(uuid.uuid4())],
        **values,
    )
    session.add(alert)
    session.flush()
    note(session, now, alert, "opened", level=level, rule="level_rise")
    return alert


def raised(
    town: Town, *places: tuple[str, int], roles: tuple[str, ...] = ("city_officer",)
) -> list[uuid.UUID]:
    """Alerts at these places, told in one pass of the engine."""
    keys = []
    with town.session("engine", write=True) as session:
        for code, level in places:
            alert = opened(session, town, code, level)
            routing.tell(session, town.clock.now(), town.runtime.rng, alert, roles, clock=240)
            keys.append(alert.id)
        releasing.release(session, town.clock.now(), town.runtime.rng)
    return keys


def ward(number: int) -> str:
    return f"{TOWN_CODE}-W{number}"


def sent(town: Town) -> list[tuple[str, str]]:
    """Every message that is written and not cancelled, but those that the calendar alone brings, as (person, template), in order."""
    rows = (
        select(Person.code, OutboxMessage.template)
        .join(ContactPoint, ContactPoint.id == OutboxMessage.contact_point_id)
        .join(Person, Person.id == ContactPoint.person_id)
        .where(OutboxMessage.state != "cancelled", OutboxMessage.template.not_in(BY_THE_CALENDAR))
    )
    with town.session() as session:
        return sorted(tuple(row) for row in session.execute(rows).all())  # type: ignore[misc]


def forms(town: Town, person: str = CITY) -> list[tuple[str | None, str, str]]:
    """How each alert reached a person: (why it waited, state, why not)."""
    rows = (
        select(Delivery.held_by, Delivery.state, Delivery.why_not)
        .join(Person, Person.id == Delivery.person_id)
        .join(Alert, Alert.id == Delivery.alert_id)
        .where(Person.code == person)
        .order_by(Delivery.at, Alert.number)
    )
    with town.session() as session:
        return [tuple(row) for row in session.execute(rows).all()]  # type: ignore[misc]


def only_office(town: Town) -> None:
    """No linked office besides: the journeys follow one office."""
    from alerts.receivers import LinkedContact

    with town.session(write=True) as session:
        for row in session.scalars(select(LinkedContact)):
            session.delete(row)


def test_levels_1_and_2_are_one_message_at_6pm_and_a_rise_leaves_it_at_once(town: Town) -> None:
    only_office(town)
    first, second = raised(town, (ward(1), 2), (ward(2), 2))
    assert sent(town) == []
    with town.session("engine", write=True) as session:
        alert = session.get_one(Alert, first)
        assert alert.next_step_at is None  # a digest asks nobody
        alert.level, alert.revision = 3, 2
        routing.tell(session, town.clock.now(), town.runtime.rng, alert, ("city_officer",), clock=240)
    assert sent(town) == [(CITY, "alert")]
    third = raised(town, (ward(3), 1))[0]
    town.clock.move(hours=4, minutes=1)  # 18:01 in Mardan
    for _ in range(2):
        with town.session("engine", write=True) as session:
            releasing.release(session, town.clock.now(), town.runtime.rng)
    assert sent(town) == [(CITY, "alert"), (CITY, "digest")]
    with town.session() as session:
        slots = session.scalars(select(OutboxMessage.slots).where(OutboxMessage.template == "digest")).one()
        assert (slots["count"], slots["watch"]) == (2, 2)
        shared = session.scalars(
            select(Delivery.outbox_id).where(Delivery.alert_id.in_([second, third]))
        ).all()
        assert len(set(shared)) == 1
    assert ("digest", "cancelled", "rose") in forms(town)


def test_wards_that_rise_together_are_one_message_with_one_code_and_a_later_one_joins(town: Town) -> None:
    only_office(town)
    raised(town, (ward(1), 3), (ward(2), 3), (ward(3), 3))
    assert sent(town) == [(CITY, "alert_group")]
    with town.session() as session:
        message = session.scalars(select(OutboxMessage)).one()
        assert (message.slots["count"], message.slots["wards"]) == (3, [1, 2, 3])
        codes = session.scalars(select(ReplyCode).where(ReplyCode.code == message.slots["code"])).all()
        assert len({code.subject_id for code in codes}) == 3
    town.clock.move(minutes=4)
    raised(town, (ward(4), 3), (ward(5), 4))
    # Level 4 waits for nobody; level 3 waits for the rest of ten minutes, and is then alone.
    now_sent = [template for _who, template in sent(town)]
    assert now_sent.count("alert_group") == 1
    assert now_sent.count("alert") == len(now_sent) - 1
    before = len(now_sent)
    town.clock.move(minutes=6)
    with town.session("engine", write=True) as session:
        releasing.release(session, town.clock.now(), town.runtime.rng)
    assert len(sent(town)) == before + 1


def test_one_code_answers_all_wards_and_a_raised_one_gets_its_own(town: Town) -> None:
    only_office(town)
    keys = raised(town, (ward(1), 3), (ward(2), 3))
    with town.session("engine", write=True) as session:
        shared = session.scalars(select(OutboxMessage.slots)).one()["code"]
        alert = session.get_one(Alert, keys[0])
        alert.level, alert.revision = 4, 2
        routing.tell(session, town.clock.now(), town.runtime.rng, alert, ("city_officer",), clock=30)
        rows = session.scalars(select(ReplyCode).where(ReplyCode.code == shared)).all()
        assert [row.subject_id for row in rows] == [keys[1]]
        phone = rows[0].contact_point_id
        own = [row.code for row in reply_codes.open_on(session, phone) if row.subject_id == keys[0]]
        assert len(own[0]) == 3


def test_the_alert_of_the_town_covers_its_wards_until_it_ends(town: Town) -> None:
    only_office(town)
    (above,) = raised(town, (TOWN_CODE, 3))
    with town.session("sender", write=True) as session:
        for row in session.scalars(select(Delivery)):
            row.state = "delivered"
    town.clock.move(hours=1)
    (below,) = raised(town, (ward(1), 3))
    assert sent(town) == [(CITY, "alert")]
    assert forms(town)[-1][:2] == ("covered", "held")
    with town.session("engine", write=True) as session:
        from alerts import closing

        assert session.get_one(Alert, below).next_step_at is None
        closing.close(
            session,
            town.clock.now(),
            session.get_one(Alert, above),
            outcome="settled",
            reason="",
            person_id=None,
        )
        releasing.release(session, town.clock.now(), town.runtime.rng)
        assert session.get_one(Alert, below).next_step_at is not None
    assert sent(town) == [(CITY, "alert"), (CITY, "alert")]


def test_a_graver_ward_is_never_covered(town: Town) -> None:
    only_office(town)
    raised(town, (TOWN_CODE, 3))
    town.clock.move(hours=1)
    raised(town, (ward(1), 4))
    assert {form[0] for form in forms(town)} == {None, "group"}


def silence(town: Town, by: str, place: str, level: int = 3, hours: int = 24) -> uuid.UUID:
    with town.session() as session:
        person = town.person(session, by)
        principal = people.principal_of(session, person)
    role = principal.standings[0].role
    with town.runtime.web.open(principal, write=True) as session:
        row, _asked = silences.make(
            session,
            town.clock.now(),
            key=uuid.uuid4(),
            locality_id=by_code(session, place).id,
            threat="*",
            ends_at=town.clock.now() + timedelta(hours=hours),
            reason="Repairs of the road, people gather every day.",
            person_id=person.id,
            role=role,
            max_level=level,
        )
        session.commit()
        return row.id


def test_a_silence_holds_up_to_raised_says_so_and_sends_what_is_left_at_its_end(town: Town) -> None:
    only_office(town)
    silence(town, SECRETARY, TOWN_CODE)
    low, _high = raised(town, (ward(1), 3), (ward(2), 4))
    assert {template for _who, template in sent(town)} == {"alert"}
    assert forms(town)[0][:2] == ("silence", "held")
    before = len(sent(town))
    secretary = town.browser(SECRETARY)
    assert "Repairs of the road" in secretary.open(f"/a/{low}")
    police = town.browser("police.mardan")
    assert "Repairs of the road" in police.open(f"/place/{TOWN_CODE}/silences")
    town.clock.move(hours=23)
    with town.session("engine", write=True) as session:
        releasing.release(session, town.clock.now(), town.runtime.rng)
    assert len(sent(town)) == before
    town.clock.move(hours=1)
    with town.session("engine", write=True) as session:
        releasing.release(session, town.clock.now(), town.runtime.rng)
    assert len(sent(town)) == before + 1


def test_high_is_silenced_only_by_two_persons_and_severe_never(town: Town) -> None:
    only_office(town)
    key = silence(town, SECRETARY, TOWN_CODE, level=4)
    secretary = town.browser(SECRETARY)
    secretary.open(f"/place/{TOWN_CODE}/silences")
    secretary.send(f"/silences/{key}/decide", decision="agree")
    assert secretary.status == 403
    city = town.browser(CITY)
    city.open(f"/place/{TOWN_CODE}/silences")
    city.send(f"/silences/{key}/decide", decision="agree")
    assert "up to High" in city.page
    raised(town, (ward(1), 4))
    assert sent(town) == []
    with town.session("engine", write=True) as session:
        alert = opened(session, town, ward(2), 4, proposed=5)
        routing.tell(session, town.clock.now(), town.runtime.rng, alert, ("city_officer",), clock=10)
    assert sent(town) != []


def test_high_is_lowered_by_two_persons_and_the_same_people_hear_it(town: Town) -> None:
    only_office(town)
    (key,) = raised(town, (ward(1), 4))
    town.work()
    told = sent(town)
    city, chair = town.browser(CITY), town.browser(CHAIR)
    city.open(f"/a/{key}")
    city.send(f"/a/{key}/lower", to="2", reason="The road is empty since noon.")
    assert "A second person" in city.page
    chair.open(f"/a/{key}")
    chair.send(f"/a/{key}/lower/decide", decision="keep", why=" ")
    assert "Write in one sentence how you know" in chair.page
    chair.send(f"/a/{key}/lower/decide", decision="keep", why="Shots were heard again.")
    assert "Shots were heard again." in city.open(f"/a/{key}")
    with town.session() as session:
        assert session.get_one(Alert, key).level == 4
    city.send(f"/a/{key}/lower", to="2", reason="The road is empty since noon.")
    chair.open(f"/a/{key}")
    chair.send(f"/a/{key}/lower/decide", decision="confirm")
    town.work()
    with town.session() as session:
        assert session.get_one(Alert, key).level == 2
    assert sorted(set(sent(town)) - set(told)) == [(CITY, "level_lowered")]


def test_a_correction_goes_to_the_person_by_the_phone_they_have_now(town: Town) -> None:
    only_office(town)
    (key,) = raised(town, (ward(1), 3))
    town.work()
    with town.session(write=True) as session:
        person = town.person(session, CITY)
        for point in people.contacts_of(session, person.id):
            point.stopped_at = town.clock.now()
        new = people.add_contact(
            session,
            person,
            "sms",
            "+923009998877",
            locality_id=by_code(session, TOWN_CODE).id,
            verified_at=town.clock.now(),
        ).id
    with town.session(write=True) as session:
        closing_alerts.end(
            session,
            town.clock.now(),
            session.get_one(Alert, key),
            outcome="not_true",
            reason="Nobody was there.",
            person_id=town.person(session, CITY).id,
            role="city_officer",
            key=uuid.uuid4(),
        )
    for _ in range(2):
        town.work()
    with town.session() as session:
        rows = select(OutboxMessage).where(OutboxMessage.template == "correction")
        assert [row.contact_point_id for row in session.scalars(rows)] == [new]
    assert [template for _who, template in sent(town)] == ["alert", "correction"]


def test_the_one_on_duty_is_asked_and_in_a_gap_everybody(town: Town) -> None:
    only_office(town)
    with town.session(write=True) as session:
        office = session.scalars(select(Office).where(Office.code == "MARDAN-CITY")).one()
        other = town.person(session, "member1.mardan")
        people.begin_term(session, office, other, town.clock.now())
        session.flush()
        layers = [{"persons": [str(other.id)], "starts": "2026-11-23", "from": "09:00", "to": "18:00"}]
        rosters.write(session, town.clock.now(), office, layers)
    (key,) = raised(town, (ward(1), 3))
    assert sent(town) == [("member1.mardan", "alert")]
    with town.session() as session:
        row = session.scalars(select(Delivery).where(Delivery.state == NOT_ASKED)).one()
        assert (row.why_not, row.outbox_id, row.reason) == (OFF_DUTY, None, "rule")
    page = town.browser(CHAIR).open(f"/a/{key}")
    not_asked = page.rsplit("Not asked, or asked later", 1)[1].partition("</table>")[0]
    assert "City officer, Lurina" in not_asked
    assert "This person is off duty" in not_asked
    page = town.browser(CITY).open("/duty")
    assert "Nobody from" in page
    town.clock.move(hours=6)  # 20:00: nobody is on duty
    raised(town, (ward(2), 3))
    assert sent(town) == [(CITY, "alert"), ("member1.mardan", "alert"), ("member1.mardan", "alert")]


def release(town: Town, **later: float) -> None:
    """Move the clock and let what waits go out."""
    town.clock.move(**later)
    with town.session("engine", write=True) as session:
        releasing.release(session, town.clock.now(), town.runtime.rng)


def arrived(town: Town) -> None:
    """Everything that is due went out and arrived."""
    with town.session(write=True) as session:
        for message in session.scalars(select(OutboxMessage).where(OutboxMessage.state == "due")):
            message.state = "delivered"
        for row in session.scalars(select(Delivery).where(Delivery.state == "due")):
            row.state = "delivered"


def ended(town: Town, key: uuid.UUID, outcome: str = "settled") -> None:
    """An alert ends, and the worker tells."""
    with town.session("engine", write=True) as session:
        alert = session.get_one(Alert, key)
        closing.close(session, town.clock.now(), alert, outcome=outcome, reason="", person_id=None)
        closing.tell_ended(session, town.clock.now(), town.runtime.rng, alert)


def test_who_read_only_a_digest_hears_of_the_end_at_the_same_hour_in_one_message(town: Town) -> None:
    only_office(town)
    keys = raised(town, (ward(1), 2), (ward(2), 2), (ward(3), 2))
    release(town, hours=4, minutes=1)
    arrived(town)
    ended(town, keys[0])
    ended(town, keys[1])
    ended(town, keys[2], "not_true")
    assert sent(town) == [(CITY, "correction"), (CITY, "digest")], "what was not true is said at once"
    release(town, hours=23)
    assert ("later", "held", "") in forms(town)
    release(town, hours=1)
    release(town, minutes=1)
    assert sent(town) == [(CITY, "correction"), (CITY, "digest"), (CITY, "lowered_group")]
    with town.session() as session:
        rows = select(OutboxMessage.slots).where(OutboxMessage.template == "lowered_group")
        slots = session.scalars(rows).one()
        assert (slots["count"], slots["level"]) == (2, 0)


def test_an_end_is_said_after_a_lowering_and_replaces_one_that_waits(town: Town) -> None:
    only_office(town)
    plain, digest = raised(town, (ward(1), 3), (ward(2), 2))
    release(town, hours=4, minutes=1)
    arrived(town)
    with town.session("engine", write=True) as session:
        for key, to in ((plain, 2), (digest, 1)):
            alert = session.get_one(Alert, key)
            was = alert.level
            closing_alerts._lower(session, town.clock.now(), alert, to, "chair")
            closing.tell_lowered(session, town.clock.now(), town.runtime.rng, alert, was)
    arrived(town)
    assert sent(town) == [(CITY, "alert"), (CITY, "digest"), (CITY, "level_lowered")]
    ended(town, plain)
    ended(town, digest)
    assert sent(town).count((CITY, "level_lowered")) == 2, "of the lowering and of the end, each once"
    release(town, hours=24)
    assert sent(town).count((CITY, "level_lowered")) == 3, "who read a digest hears one thing: the end"
    assert ("later", "cancelled", "ended") in forms(town)


def test_who_was_on_the_way_to_be_told_hears_of_the_end(town: Town) -> None:
    only_office(town)
    key = raised(town, (ward(1), 3))[0]
    with town.session(write=True) as session:
        session.scalars(select(OutboxMessage)).one().state = "sending"
    ended(town, key)
    assert sent(town) == [(CITY, "alert"), (CITY, "level_lowered")]


def test_who_was_asked_by_a_later_step_is_not_told_the_same_when_a_silence_ends(town: Town) -> None:
    only_office(town)
    silence(town, CITY, ward(1))
    key = raised(town, (ward(1), 3), roles=("city_officer", "chair"))[0]
    with town.session("engine", write=True) as session:
        alert = session.get_one(Alert, key)
        for person, step in ((CITY, 1), (CITY, 2), (CHAIR, 1)):
            to = [Receiver(town.person(session, person), "city_officer", "no_answer")]
            routing.send(session, town.clock.now(), town.runtime.rng, alert, to, template="alert", step=step)
    release(town, hours=25)
    assert sent(town) == [(CHAIR, "alert"), (CITY, "alert")]
    assert ("silence", "cancelled", "told") in forms(town)


def test_ten_actions_done_in_one_evening_make_few_messages(town: Town) -> None:
    only_office(town)
    first, second = raised(town, (ward(1), 3), (ward(2), 4), roles=("city_officer", "chair"))
    release(town, minutes=11)
    arrived(town)
    before = Counter(sent(town))
    at, due = town.clock.now(), town.clock.now().date()
    with town.session("seed", write=True) as session:
        for n in range(10):
            key = first if n % 2 else second
            place = session.get_one(Alert, key).locality_id
            actions.add(
                session, at, place, "Meet", "chair", due, alert_id=key, person_id=None, key=uuid.UUID(int=n)
            )
    chair = town.browser(CHAIR)
    for n in range(2):
        path = f"/a/{first if n % 2 else second}"
        chair.open(path)
        chair.send(f"{path}/actions/{uuid.UUID(int=n)}", state="done")
        assert "The action was changed" in chair.page
    with town.session("seed", write=True) as session:
        who = town.person(session, CHAIR).id
        for n in range(2, 10):
            action = session.get_one(actions.Action, uuid.UUID(int=n))
            actions.settle(session, at, action, "done", "")
            news.action_done(
                session, at, session.get_one(Alert, action.alert_id), person_id=who, role="chair"
            )
    errands.work(town.runtime)
    release(town, minutes=14)
    assert Counter(sent(town)) == before, "they wait for each other"
    release(town, minutes=1)
    new = Counter(sent(town)) - before
    assert new == {(CITY, "actions_done"): 1}, "one message for both wards, none to who did it"
    with town.session() as session:
        rows = select(OutboxMessage.slots).where(OutboxMessage.template == "actions_done")
        slots = session.scalars(rows).one()
        assert (slots["done"], slots["count"]) == (10, 10)
    release(town, hours=9)
    assert Counter(sent(town)) - before == new
