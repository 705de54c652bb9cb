"""The small commands: help, stop and start, pause, language, the level now, and everything that a person
must read.
"""

from __future__ import annotations

from datetime import timedelta

from alerts.standing import Standing, standing
from committees import checkins, contact_stops
from committees.intake.reading import Why
from coordination.sms import answers
from coordination.sms.talk import Talk, place_slot, source_slot
from foundation import journal

PAUSE_DAYS, LONGEST_PAUSE = 1, 30
TENSE = 2.5
NEAR_DATE = frozenset({"date_ahead", "rumour_before_date"})


def help_(talk: Talk) -> None:
    """Say what can be sent."""
    talk.reply("help", **talk.emergency)


def stop(talk: Talk) -> None:
    """Write to this number no more, say so once, and let the secretary know that somebody is missing."""
    contact = talk.writer.contact
    assert contact is not None
    if contact_stops.stop(talk.session, talk.now, contact):
        talk.reply("stop", source=source_slot(talk), place=place_slot(talk.writer.place, talk.writer.town))
    talk.keep_for_a_person()


def stop_number(talk: Talk) -> None:
    """Write no more to a number without an account, and say nothing more either; nobody has to ring it."""
    contact_stops.stop_number(talk.session, talk.now, talk.row)


def start(talk: Talk) -> None:
    """Write to this number again, at once."""
    contact, person = talk.writer.contact, talk.writer.person
    assert contact is not None
    assert person is not None
    if contact.stopped_at is not None:
        journal.record(
            talk.session, talk.now, "start", "contact_point", contact.id, locality_id=contact.locality_id
        )
    contact.stopped_at = person.paused_until = None
    talk.reply("start", source=source_slot(talk))


def pause(talk: Talk) -> None:
    """Hold everything below level 4 back for some days (one if not said)."""
    person = talk.writer.person
    assert person is not None
    days = min(talk.reading.days or PAUSE_DAYS, LONGEST_PAUSE)
    person.paused_until = talk.now + timedelta(days=days)
    talk.reply("paused", days=days)


def language(talk: Talk) -> None:
    """Write to this person in another language or other letters from now on, beginning with this answer."""
    person = talk.writer.person
    assert person is not None
    chosen, _, script = (talk.reading.language or "en").partition("-")
    person.language, person.script = chosen, script or "own"
    talk.chosen = (person.language, person.script)
    talk.reply("language_set")


def status(talk: Talk) -> None:
    """Say how the place stands, as everybody may know it."""
    place = talk.where
    now = standing(talk.session, place, talk.now)
    # Who knows and who is next is said of an alert that this phone was told of, and of no other.
    told = {code.subject_id for code in talk.writer.codes if code.kind == answers.SUBJECT}
    alert = next((one for one in now.open_alerts if one.id in told), None)
    follows = answers.next_slots(talk, alert) if alert else None
    if alert and follows:
        where = {"place": place_slot(place, talk.writer.town), "level": now.level}
        talk.reply("status_alert", **where, seen=answers.also(talk, alert), **follows)
        return
    talk.reply(
        "status",
        place=place_slot(place, talk.writer.town),
        level=now.level,
        since=(now.since or talk.now).astimezone(talk.writer.zone).date().isoformat(),
        because=_because(talk, now),
    )


def _because(talk: Talk, now: Standing) -> str:
    """The closed word that comes nearest to why a place stands as it does."""
    if now.level == 0:
        return "no_news"
    if now.open_alerts:
        rule = now.open_alerts[0].rule
        return (
            "date_near" if rule in NEAR_DATE else "neighbours" if rule == "shock_elsewhere" else "new_reports"
        )
    said = checkins.voices(talk.session, talk.now, talk.where.id)
    if now.level == 1:
        return "checkins_good" if said.by_button == 1 else "fewer_reports"
    return "checkins_worse" if said.median is not None and said.median >= TENSE else "new_reports"


def ask_for_numbers(talk: Talk) -> None:
    """Ask for the five digits of a check-in again."""
    talk.reply("checkin_ask")


def for_a_person(talk: Talk) -> None:
    """Keep what could not be read for the secretary, and tell its sender that nothing is lost."""
    talk.keep_for_a_person()
    if talk.reading.stop_hint:
        talk.reply("stop_hint")
    elif talk.reading.reason is Why.CODE_NOT_OPEN:
        answers.list_open(talk)
    else:
        talk.reply("not_understood")
