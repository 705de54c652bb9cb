"""Answers to alerts from a phone: OK is seen, GO with its code is acting, NO with its code passes it on, a
missed call is seen.

The number alone proves nothing, so whatever stops a ladder needs the random code of that alert on that
phone. Five wrong codes close SMS answers for 15 minutes; the pages stay open.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from alerts import acknowledging
from alerts.acknowledging import said_of
from alerts.alert import ACTING, CANNOT, OPEN, SEEN, Alert
from alerts.outlook import outlook_of
from committees import reply_codes
from committees.call_backs import CallBack
from committees.intake.reading import Command
from committees.places import Locality
from committees.reply_codes import ReplyCode
from coordination.sms import asides
from coordination.sms.talk import Talk, place_slot
from foundation.db import insert_new, new_id
from foundation.errors import Conflict

SUBJECT = "alert"
ANSWER_OF = {Command.OK: SEEN, Command.GO: ACTING, Command.NO: CANNOT}
RECEIPTS = {SEEN: "receipt_ok", ACTING: "receipt_acting", CANNOT: "receipt_cannot"}
#: The roles that the message templates have words for.
SAID = frozenset(
    (
        "member",
        "secretary",
        "chair",
        "city_officer",
        "district_administration",
        "police_liaison",
        "national_contact",
        "services_focal_person",
    )
)
CALL_WITHIN = timedelta(minutes=30)
URGENT_WITHIN = timedelta(minutes=5)


def answer(talk: Talk) -> None:
    """Act on OK, GO or NO: with its code, else for the one alert that is open on this phone."""
    if talk.reading.code is None:
        _without_code(talk, talk.reading.command)
        return
    reply_codes.hold_all(talk.session, talk.writer.codes)
    if (aside := asides.code_of(talk)) is not None:
        asides.answer(talk, aside)
        return
    code = next((c for c in _usable(talk) if c.code == talk.reading.code), None)
    if code is None and reply_codes.has_closed(talk.session, talk.writer.phones, talk.reading.code):
        _code_of_the_past(talk)  # that alert has ended: no guess
    elif code is None:
        _wrong_code(talk)
    else:
        _record(talk, code, ANSWER_OF[talk.reading.command])


def missed_call(talk: Talk) -> None:
    """A call that was not taken: seen where exactly one alert is open on this phone, else somebody rings back."""
    usable = _usable(talk)
    if len(usable) == 1:
        _record(talk, usable[0], SEEN)
    else:
        call_back(talk)


def call_back(talk: Talk) -> None:
    """Ask for a person to ring this phone, put the number on the desk, and say so."""
    ask_to_ring(talk)
    talk.reply("call_back_receipt", **talk.emergency)


def ask_to_ring(talk: Talk) -> None:
    """Ask for a person to ring this phone, and put the number on the desk."""
    within = URGENT_WITHIN if talk.reading.urgent else CALL_WITHIN
    # The same message may be read as a call a second time, by a person: one call is enough.
    insert_new(
        talk.session,
        CallBack(
            id=new_id(),
            locality_id=talk.writer.place.id,
            why="asked" if talk.writer.known else "unknown_source",
            asked_at=talk.now,
            due_at=talk.now + within,
            effect_key=f"inbound:{talk.row.id}",
            inbound_id=talk.row.id,
        ),
    )
    talk.keep_for_a_person()


def list_open(talk: Talk) -> None:
    """Say which codes are open on this phone; with fewer than two there is nothing to choose."""
    usable = list({code.code: code for code in _usable(talk)}.values())
    if len(usable) < 2:
        talk.reply("code_wrong" if usable or _is_locked(talk) else "nothing_open")
        return
    one, two = usable[:2]
    talk.reply(
        "which_alert",
        count=len(usable),
        code=one.code,
        place=_place(talk, _alert(talk, one)),
        code2=two.code,
        place2=_place(talk, _alert(talk, two)),
    )


def _usable(talk: Talk) -> list[ReplyCode]:
    """The open codes of alerts on this phone that are not locked, newest first. A message that was written before a code
    was given, and reached us late, does not answer it."""
    return [
        code
        for code in talk.writer.codes
        if code.kind == SUBJECT
        and not (code.locked_until and code.locked_until > talk.now)
        and not (talk.row.details.get("late") and code.given_at > talk.row.received_at)
    ]


def _without_code(talk: Talk, command: Command) -> None:
    usable = _usable(talk)
    if len({code.code for code in usable}) == 1:
        code = usable[0]
        # Acting stops the ladder, so it needs the code; seen does no harm.
        if command is Command.GO:
            if _acknowledge(talk, code, SEEN):
                talk.reply("need_code", place=_place(talk, _alert(talk, code)))
        else:
            _record(talk, code, ANSWER_OF[command])
    elif usable:
        list_open(talk)
    elif _is_locked(talk):
        talk.keep_for_a_person()
        talk.reply("code_wrong")
    else:
        _nothing_open(talk)


def _nothing_open(talk: Talk) -> None:
    """Say that no open alert waits for this answer. Many write OK to news; who says that they go, or cannot, is read by a person."""
    if talk.reading.command is not Command.OK:
        talk.keep_for_a_person()
    talk.reply("nothing_open")


def _code_of_the_past(talk: Talk) -> None:
    """Of many codes that a phone had, a mistyped one is easily an old one: while an alert is open here, nobody reads that none waits."""
    if _usable(talk) or _is_locked(talk):
        talk.keep_for_a_person()
        talk.reply("code_wrong")
    else:
        _nothing_open(talk)


def _is_locked(talk: Talk) -> bool:
    return any(one.locked_until and one.locked_until > talk.now for one in talk.writer.codes)


def _wrong_code(talk: Talk) -> None:
    """A code that fits nothing open here counts against every alert that is open on this phone."""
    alerts = [code for code in talk.writer.codes if code.kind == SUBJECT]
    locked = reply_codes.wrong_try(talk.now, alerts) if alerts else False
    talk.note(wrong_code=True, locked=locked)
    talk.keep_for_a_person()
    talk.reply("code_wrong")


def _record(talk: Talk, code: ReplyCode, given: str) -> None:
    if not _acknowledge(talk, code, given):
        return
    alert = _alert(talk, code)
    slots = {"clock": talk.local(), "place": _place(talk, alert), "code": code.code, **talk.emergency}
    others = {"also": also(talk, alert)}
    wanted = {
        SEEN: ("clock", "place", "code"),
        ACTING: ("clock", "place", "code", "emergency"),
        CANNOT: ("place", "code"),
    }
    chosen = {name: slots[name] for name in wanted[given]}
    follows = next_slots(talk, alert) if given == SEEN else None
    if follows:
        talk.reply("receipt_seen", **chosen, **others, **follows)
    else:
        talk.reply(RECEIPTS[given], **chosen, **(others if given == SEEN else {}))


def next_slots(talk: Talk, alert: Alert) -> dict[str, Any] | None:
    """Who is asked next and at what time of the place, where the messages have words for them; else nothing is said of it."""
    steps = outlook_of(talk.session, talk.now, alert).next
    roles = [role for role in steps[0].roles if role in SAID] if steps else []
    return {"next": roles[:2], "by": talk.local(steps[0].at)} if roles else None


def _acknowledge(talk: Talk, code: ReplyCode, given: str) -> bool:
    """Record the answer for everything that this code answers; False, with words, where that has ended meanwhile."""
    alike = [one for one in _usable(talk) if one.code == code.code and one.id != code.id]
    for other in alike:
        _answer_too(talk, other, given)
    person = talk.writer.person
    assert person is not None
    alert = _alert(talk, code)
    talk.note(alert=str(alert.id), answer=given)
    try:
        acknowledging.acknowledge(talk.session, talk.now, alert, person.id, given, talk.door)
    except Conflict:
        _nothing_open(talk)
        return False
    code.wrong = 0
    return True


def _answer_too(talk: Talk, code: ReplyCode, given: str) -> None:
    """Another ward of the same message: answered with it, and nothing is said of one that has ended."""
    assert talk.writer.person is not None
    alert = _alert(talk, code)
    if alert.state == OPEN:
        acknowledging.acknowledge(talk.session, talk.now, alert, talk.writer.person.id, given, "sms")


def _alert(talk: Talk, code: ReplyCode) -> Alert:
    return talk.session.get_one(Alert, code.subject_id)


def _place(talk: Talk, alert: Alert) -> dict[str, object]:
    place = talk.session.get_one(Locality, alert.locality_id)
    return place_slot(place, talk.session.get_one(Locality, alert.town_id))


def also(talk: Talk, alert: Alert) -> list[str]:
    """The roles of at most two others who have seen it or are acting now, first come first named."""
    person = talk.writer.person
    others = [one for one in said_of(alert) if person and one.person_id != person.id and one.answer != CANNOT]
    return list(dict.fromkeys(one.role for one in others if one.role in SAID))[:2]
