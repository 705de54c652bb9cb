"""For residents who give no name, where a chair has opened the door: report, receipt, follow up, take back.

No cookie, no session, no address kept, no script needed. The form carries a signed token: when it was shown, and the receipt that its
report will have, so that sending twice is sending once. Rules are committees/unnamed.py; the desk's side is desk_tell.py.
"""

from __future__ import annotations

import json
import struct
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response
from werkzeug.datastructures import MultiDict

from committees import places, unnamed
from committees.intake import form
from committees.intake.form import Answers, Offer
from committees.places import Country, Locality
from committees.unnamed import UnnamedCase, UnnamedDoor
from coordination import reach
from coordination.frame import UNNAMED, real_clock
from coordination.pages.private import help_lines
from foundation.crypto import cipher
from foundation.errors import Invalid, NotFound, Refused
from foundation.web import words
from foundation.web.page import PUBLIC, Visit, page
from foundation.web.words import gettext as _

# A person needs longer to answer six questions; a program that does not wait has to.
FASTEST, SLOWEST = timedelta(seconds=4), timedelta(hours=24)
PURPOSE = "tell"
# The button that chooses another language: the form comes back in it as it was filled in, and nothing is sent.
SPEAK = "speak"


class Here:
    """One town whose door is open: the place, its wards, its country, its zone."""

    def __init__(self, visit: Visit, code: str) -> None:
        try:
            self.town: Locality = places.by_code(visit.session, code)
        except NotFound:
            raise NotFound() from None
        door = unnamed.door_of(visit.session, self.town.id)
        if door is None or not door.open:
            raise NotFound()
        self.door: UnnamedDoor = door
        self.country: Country = places.country_of(visit.session, self.town)
        self.zone = places.zone_of(visit.session, self.town)
        self.wards = reach.wards_below(visit.session, [self.town.id]) or [self.town]

    @property
    def path(self) -> str:
        """The address of this town's form."""
        return f"{UNNAMED}/{self.town.code}"

    def shown(self, visit: Visit) -> dict[str, Any]:
        """What every page of this door shows."""
        return {
            "here": self.path,
            "town": self.town.name(words.current().language),
            "emergency": self.country.emergency,
            "lines": help_lines(self.country),
        }

    def offer(self, now: datetime) -> Offer:
        """What the form offers: nothing about who sends it."""
        return Offer(wards=tuple(ward.code for ward in self.wards), about=(), now=now, zone=self.zone)


@page(UNNAMED, roles=PUBLIC)
def doors(visit: Visit) -> Response:
    """The towns where one can report without a name."""
    language = words.current().language
    towns = [visit.session.get_one(Locality, door.locality_id) for door in unnamed.open_doors(visit.session)]
    shown = sorted((town.name(language), f"{UNNAMED}/{town.code}?language={language}") for town in towns)
    return visit.render("tell_doors.html", towns=[{"name": name, "href": href} for name, href in shown])


@page(f"{UNNAMED}/<town>", roles=PUBLIC)
def tell(visit: Visit, town: str) -> Response:
    """The form, and the receipt."""
    here = Here(visit, town)
    if not visit.posted:
        start = form.defaults(here.offer(visit.now), None)
        return _show(visit, here, start, new_token(visit), {})
    token = visit.form.get("form", "")
    if SPEAK in visit.form:
        return _show(visit, here, visit.form, token, {})
    found = read_token(visit, token)
    if found is None:
        again = _("This page stood open for too long. Nothing was sent. Please send it once more.")
        return _show(visit, here, visit.form, new_token(visit), {"what": again})
    shown_at, receipt = found
    try:
        answers = form.read(visit.form, here.offer(visit.now))
    except Refused as refused:
        return _show(visit, here, visit.form, token, refused.fields)
    if real_clock.now() - shown_at < FASTEST:
        slowly = _("That was very quick. Please look at it once more, then send it.")
        return _show(visit, here, visit.form, token, {"what": slowly})
    return _store(visit, here, token, receipt, answers)


def _store(visit: Visit, here: Here, token: str, receipt: str, answers: Answers) -> Response:
    handle = unnamed.handle_of(visit.session, here.town.id, receipt)
    assert handle is not None
    said = unnamed.said_id(visit.session, handle, _typed(visit.form))
    if (again := _known(visit, handle)) and again.said == said:
        return _receipt(visit, here, receipt, again)
    if until := unnamed.may_come(visit.session, real_clock.now(), here.door):
        return _show(visit, here, visit.form, token, {"what": too_many(here, until)}, 429)
    visit.session.commit()  # the place in the bucket is taken, whatever comes of the report
    visit.session.info["principal"] = unnamed.reporter(handle)
    kept = {
        "ward": answers.ward,
        "kind": answers.kind,
        "occurred_at": answers.occurred_at.isoformat(),
        "how_known": answers.how_known,
        "ongoing": answers.ongoing,
        "people": answers.people,
        "part_of_day": answers.part_of_day,
        "text": answers.text,
        "spot": answers.spot,
        "landmark": answers.landmark,
    }
    told: dict[str, Any] = {
        "answers": json.dumps(kept, ensure_ascii=False),
        "withheld_from": " ".join(sorted(answers.withheld_from)),
        "said": said,
    }
    case, new = unnamed.store(
        visit.session,
        visit.now,
        handle=handle,
        locality_id=here.town.id,
        language=words.current().language,
        **told,
    )
    if not new:
        unnamed.change(visit.session, visit.now, case, in_words=_in_words(visit.form, here), **told)
    return _receipt(visit, here, receipt, case)


def _typed(values: MultiDict[str, str]) -> str:
    """What was typed and chosen, as one text; the marks of the form itself are left out."""
    return json.dumps(
        sorted((k, v) for k, v in values.items(multi=True) if k not in ("form", "language") and v)
    )


def _in_words(values: MultiDict[str, str], here: Here) -> str:
    """The answers of a form as a person reads them, a line each: how a changed one is told to the desk."""
    language = words.current().language
    choices = {
        "what": {name: text for name, (text, _hint) in form.WHAT.items()},
        "ward": {ward.code: ward.name(language) for ward in here.wards},
        "day": form.DAYS,
        "part": form.PARTS,
        "ongoing": form.GOING_ON,
        "how": form.HOW,
        "people": form.CROWD,
    }
    labels = {
        "what": _("What happened?"),
        "ward": _("Where?"),
        "day": _("Which day?"),
        "part": _("Which part of the day?"),
        "ongoing": _("Is it still going on?"),
        "how": _("How do you know?"),
        "people": _("How many people?"),
    }
    lines = [
        f"{labels[name]} {_(of[values[name]])}" for name, of in choices.items() if values.get(name) in of
    ]
    date = " ".join(values.get(f"date_{part}", "") for part in ("day", "month", "year")).strip()
    return "\n".join(line for line in (values.get("text", "").strip(), *lines, date) if line)


def _known(visit: Visit, handle: UUID) -> UnnamedCase | None:
    """The case of a form that was sent before."""
    visit.session.commit()
    was, visit.session.info["principal"] = visit.principal, unnamed.reporter(handle)
    found = unnamed.case_of(visit.session, handle)
    visit.session.commit()
    visit.session.info["principal"] = was
    return found


def _receipt(visit: Visit, here: Here, receipt: str, case: UnnamedCase) -> Response:
    return visit.render(
        "tell_receipt.html",
        receipt=unnamed.grouped(receipt),
        ongoing=visit.form.get("ongoing") == "yes",
        for_oversight="committee" in case.withheld_from.split(),
        **here.shown(visit),
    )


def too_many(here: Here, until: datetime) -> str:
    """When to come again; the numbers to ring stand beside it."""
    at = words.clock(until + timedelta(minutes=1), here.zone)
    return _("Many reports came at once. Yours was not sent. Please send it again after %(time)s.", time=at)


def _show(
    visit: Visit,
    here: Here,
    values: MultiDict[str, str],
    token: str,
    errors: dict[str, str],
    status: int = 422,
) -> Response:
    language = words.current().language
    return visit.render(
        "tell.html",
        status if errors else 200,
        errors=errors,
        values=values,
        token=token,
        full=status == 429,
        what=[
            (name, _(text), _(hint) if name != "other" else "") for name, (text, hint) in form.WHAT.items()
        ],
        wards=[(ward.code, ward.name(language)) for ward in here.wards],
        days=_options(form.DAYS),
        parts=_options(form.PARTS),
        going_on=_options(form.GOING_ON),
        how=_options(form.HOW),
        crowd=_options(form.CROWD),
        warned=visit.posted and form.looks_like_number(f"{values.get('text', '')}\n{values.get('spot', '')}"),
        **here.shown(visit),
    )


def _options(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(key, _(text)) for key, text in texts.items()]


def new_token(visit: Visit) -> str:
    """A token of the form that is shown now, with the receipt of what it will send."""
    payload = struct.pack(">QQ", int(real_clock.now().timestamp()), int(unnamed.new_receipt()))
    return cipher(visit.session).sign(PURPOSE, payload)


def read_token(visit: Visit, token: str) -> tuple[datetime, str] | None:
    """When a form was shown and its receipt; None for a token that is not ours or too old."""
    payload = cipher(visit.session).signed(PURPOSE, token)
    if payload is None or len(payload) != struct.calcsize(">QQ"):
        return None
    stamp, receipt = struct.unpack(">QQ", payload)
    now = real_clock.now()
    shown_at = datetime.fromtimestamp(stamp, tz=now.tzinfo)
    if not timedelta(0) <= now - shown_at < SLOWEST:
        return None
    return shown_at, f"{receipt:0{unnamed.RECEIPT_DIGITS}d}"


@page(f"{UNNAMED}/<town>/follow", roles=PUBLIC)
def follow(visit: Visit, town: str) -> Response:
    """What became of a report: the receipt opens it, each time anew."""
    here = Here(visit, town)
    if not visit.posted or (SPEAK in visit.form and "do" not in visit.form):
        return _box(visit, here)
    if until := unnamed.may_look(visit.session, real_clock.now(), here.door):
        at = words.clock(until + timedelta(minutes=1), here.zone)
        return _box(
            visit, here, 429, _("Many people look at once. Please try again after %(time)s.", time=at)
        )
    typed = visit.form.get("receipt", "")
    handle = unnamed.handle_of(visit.session, here.town.id, typed)
    visit.session.commit()
    visit.session.info["principal"] = unnamed.reporter(handle) if handle else visit.principal
    case = unnamed.case_of(visit.session, handle) if handle else None
    if case is None:
        wrong = _("This code opens nothing. Check the sixteen digits. What was taken back is gone.")
        return _box(visit, here, 403, wrong)
    return _act(visit, here, case, typed)


def _box(visit: Visit, here: Here, status: int = 200, error: str = "") -> Response:
    """The box for a receipt code, with the code and the words that were typed already."""
    typed = {name: visit.form.get(name, "") for name in ("receipt", "text", "key")}
    return visit.render(
        "tell_follow.html", status, errors={"receipt": error} if error else {}, **typed, **here.shown(visit)
    )


def _act(visit: Visit, here: Here, case: UnnamedCase, typed: str) -> Response:
    act, errors, said = "" if SPEAK in visit.form else visit.form.get("do", ""), {}, False
    if act == "erase" and visit.form.get("sure") == "yes":
        unnamed.ask_to_erase(visit.session, visit.now, case)
        return visit.render("tell_erased.html", **here.shown(visit))
    if act == "erase":
        errors = {"sure": _("Tick the box if you are sure.")}
    if act == "say":
        try:
            said = unnamed.say(
                visit.session,
                visit.now,
                case,
                visit.form.get("text", ""),
                from_reporter=True,
                key=visit.uuid("key"),
            )
        except Invalid as wrong:
            errors = {"text": f"{_(wrong.message)} {_(wrong.hint) if wrong.hint else ''}".strip()}
    return visit.render(
        "tell_case.html",
        422 if errors else 200,
        errors=errors,
        receipt=typed,
        said=said,
        text=visit.form.get("text", "") if not said else "",
        taken=case.taken_at is not None,
        when=words.when(case.received_at, here.zone, visit.now),
        talk=[
            (row.from_reporter, row.words(visit.session), words.when(row.at, here.zone, visit.now))
            for row in unnamed.talk(visit.session, case)
        ],
        **here.shown(visit),
    )
