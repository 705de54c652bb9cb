"""The report form of the web, read: what was sent becomes one `Answers`, or the words for every wrong field.

Here are the closed lists of the form and their reading, which decides purely on (values, offer). What the
form looks like, who sends it and where it is stored is the work of coordination/pages/report.py and
private.py, the only callers besides tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from committees.catalogue import default_kind
from committees.contact_addresses import normal_number, numbers_meant
from committees.incidents import HOW_KNOWN, ONGOING, PEOPLE
from foundation.errors import Invalid
from foundation.web.forms import Form
from foundation.web.words import N_
from foundation.web.words import gettext as _

LONGEST_TEXT, LONGEST_SPOT, LONGEST_HELP, LONGEST_HANDLE = 500, 40, 200, 40
OTHER_WARD = "other"
MUST_SAY_IF_ONGOING = ("crowd", "fight", "damage")
WITHHOLD = ("police", "committee")
WHAT = {
    "rumour": (N_("Rumour or hate message"), N_("Spoken, printed or on the phone")),
    "threat": (N_("Threat"), N_("To a person, a family, a shop or a place of worship")),
    "crowd": (N_("Argument or crowd"), N_("People gathered, shouting, blocking")),
    "fight": (N_("Fight or injury"), N_("Someone was hit or hurt")),
    "damage": (N_("Damage"), N_("Stone throwing, fire, broken property")),
    "other": (N_("Something else that worries me"), N_("You can explain in question 5")),
}
DAYS = {"now": N_("Now"), "today": N_("Today"), "yesterday": N_("Yesterday"), "earlier": N_("Earlier")}
PARTS = {
    "morning": N_("Morning"),
    "afternoon": N_("Afternoon"),
    "evening": N_("Evening"),
    "night": N_("Night"),
}
GOING_ON = {"yes": N_("Yes"), "no": N_("No"), "unknown": N_("I do not know")}
HOW = {
    "saw": N_("I saw it"),
    "told": N_("Someone who was there told me"),
    "heard": N_("I heard people say it"),
    "media": N_("I saw it on a phone or on paper"),
}
CROWD = {
    "1-5": N_("1 to 5"),
    "6-20": N_("6 to 20"),
    "21-100": N_("21 to 100"),
    "100+": N_("More than 100"),
    "unknown": N_("I do not know"),
}
LANDMARKS = {
    "market": N_("market"),
    "bus_stand": N_("bus stand"),
    "school": N_("school"),
    "road": N_("road"),
    "bridge": N_("bridge"),
    "park": N_("park"),
    "clinic": N_("clinic"),
    "station": N_("station"),
    "office": N_("office"),
    "ground": N_("ground"),
    "well": N_("well"),
}
PRIVATE = {
    "harm_at_home": N_("Violence at home, or against a woman or girl"),
    "child_at_risk": N_("A child at risk, or child marriage"),
}
_HOURS = {"morning": 9, "afternoon": 14, "evening": 19, "night": 23}
_SMALL_HOURS = 2
_FIRST_YEAR = 2000
# Seven digits in one run, or nine with the marks that people put between them: eight may be a date.
_RUN, _SPREAD = re.compile(r"\d{7}"), re.compile(r"\d(?:[ .()/+-]{0,2}\d){8}")


@dataclass(frozen=True)
class Offer:
    """What the form of one visitor offers: codes of wards, keys of what it may be about, and two questions.

    `name` asks whether to keep the name sealed, `for_other` whether it is logged for somebody else, `vouch` for whom a focal person
    vouches.
    """

    wards: tuple[str, ...]
    about: tuple[str, ...]
    now: datetime
    zone: ZoneInfo
    name: bool = False
    for_other: bool = False
    vouch: bool = False


@dataclass(frozen=True)
class Vouched:
    """For whom a focal person speaks: a handle of their own choosing, and the number that may be told what happened, if any."""

    handle: str
    number: str


@dataclass(frozen=True)
class Answers:
    """A report form that was understood. `ward` is a code of the offer, `kind` a key of the catalogue."""

    what: str
    kind: str
    ward: str
    spot: str
    landmark: str
    occurred_at: datetime
    part_of_day: str
    ongoing: str
    how_known: str
    text: str
    people: str
    about: str
    withheld_from: frozenset[str]
    keep_name: bool
    for_other: bool
    vouched: Vouched | None = None


@dataclass(frozen=True)
class PrivateMatter:
    """A private matter for the services: which of the two kinds, the ward, where and when to ring, and what help is needed."""

    kind: str
    ward: str
    number: str
    safe_time: str
    help: str
    woman: bool


def read(values: MultiDict[str, str], offer: Offer) -> Answers:
    """Read a sent report form; raise Refused with the words for each field."""
    form = Form(values)
    what = form.choice("what", WHAT, _("Choose what happened"))
    ward = _ward(form, offer)
    spot, landmark = _spot(form)
    occurred_at, part = _when(form, offer)
    needed = what in MUST_SAY_IF_ONGOING
    ongoing = form.choice("ongoing", ONGOING, _("Choose if it is still going on"), needed=needed)
    how = form.choice("how", HOW_KNOWN, _("Choose how you know"))
    text = form.text("text", LONGEST_TEXT, _("Make it shorter. You have used %(used)d of %(most)d letters"))
    _numbers(form, text)
    people = form.choice("people", PEOPLE, _("Choose how many people"), needed=False) or "unknown"
    about = form.choice("about", offer.about, _("Choose what it is about"), needed=False)
    withheld = frozenset(form.choices("withheld", WITHHOLD))
    for_other = offer.for_other and values.get("for_other") == "yes"
    vouched = _vouched(form) if offer.vouch and values.get("vouch") == "yes" else None
    if vouched and for_other:
        form.errors.setdefault("vouch", _("Choose one: for somebody else, or for somebody you vouch for"))
    form.check()
    return Answers(
        what=what,
        kind=default_kind(what, people),
        ward=ward,
        spot=spot,
        landmark=landmark,
        occurred_at=occurred_at,
        part_of_day=part,
        ongoing=ongoing or "unknown",
        how_known=how,
        text=text,
        people=people,
        about=about,
        withheld_from=withheld,
        # A name that is sealed is the sender's own, so never that of a person at the desk.
        keep_name=offer.name and not for_other and not vouched and values.get("name") == "sealed",
        for_other=for_other,
        vouched=vouched,
    )


def read_private(values: MultiDict[str, str], wards: tuple[str, ...], country: str) -> PrivateMatter:
    """Read the form for a private matter, with a number as people of `country` write it; raise Refused with the words for each field."""
    form = Form(values)
    kind = form.choice("kind", PRIVATE, _("Choose what it is about"))
    ward = form.choice("ward", wards, _("Choose the ward"))
    too_long = _("Make it shorter. You have used %(used)d of %(most)d letters")
    number = _number(form, "number", country, needed=_("Type the number that we may ring"))
    safe_time = form.text("safe_time", LONGEST_SPOT, too_long)
    needed = form.text("help", LONGEST_HELP, too_long)
    form.check()
    return PrivateMatter(kind, ward, number, safe_time, needed, values.get("woman") == "yes")


def defaults(offer: Offer, ward: str | None) -> MultiDict[str, str]:
    """What an empty form starts with: my ward, today, this part of the day."""
    values = MultiDict({"day": "today", "part": part_at(offer.now.astimezone(offer.zone)), "name": "none"})
    if ward:
        values["ward"] = ward
    return values


def part_at(local: datetime) -> str:
    """The part of the day of a local time."""
    if 5 <= local.hour < 12:
        return "morning"
    if 12 <= local.hour < 17:
        return "afternoon"
    return "evening" if 17 <= local.hour < 21 else "night"


def looks_like_number(text: str) -> bool:
    """Whether a text holds what may be a phone or identity number, in any script's digits."""
    return bool(_RUN.search(text) or _SPREAD.search(text))


def _ward(form: Form, offer: Offer) -> str:
    ward = form.choice("ward", (*offer.wards, OTHER_WARD), _("Choose the ward"))
    if ward == OTHER_WARD:
        return form.choice("other_ward", offer.wards, _("Choose the ward"))
    return ward


def _spot(form: Form) -> tuple[str, str]:
    """The words for the place, or the key of the landmark that these words are: never both."""
    spot = form.text("spot", LONGEST_SPOT, _("Make it shorter. You have used %(used)d of %(most)d letters"))
    if looks_like_number(spot) and form.values.get("keep") != "yes":
        form.errors.setdefault(
            "spot", _("This looks like a phone number. Please take it out, or choose Keep it")
        )
    known: Mapping[str, str] = {_(words).casefold(): key for key, words in LANDMARKS.items()}
    landmark = known.get(spot.casefold(), "")
    return ("", landmark) if landmark else (spot, "")


def _vouched(form: Form) -> Vouched:
    too_long = _("Make it shorter. You have used %(used)d of %(most)d letters")
    handle = form.text(
        "handle", LONGEST_HANDLE, too_long, needed=_("Write a word that only you know this person by")
    )
    if looks_like_number(handle):
        form.errors.setdefault("handle", _("Choose a word, not a number"))
    return Vouched(handle, _number(form, "their_number"))


def _number(form: Form, name: str, country: str | None = None, *, needed: str = "") -> str:
    """A telephone number as E.164, written as at home in `country` or with its code; empty where none is typed or none can be read."""
    typed = form.text(
        name, LONGEST_HANDLE, _("Make it shorter. You have used %(used)d of %(most)d letters"), needed=needed
    )
    try:
        return typed and (numbers_meant(typed, [country])[0] if country else normal_number(typed))
    except Invalid as wrong:
        form.errors.setdefault(name, f"{_(wrong.message)} {_(wrong.hint)}")
        return ""


def _numbers(form: Form, text: str) -> None:
    if looks_like_number(text) and form.values.get("keep") != "yes":
        form.errors.setdefault(
            "text", _("This looks like a phone number. Please take it out, or choose Keep it")
        )


def _when(form: Form, offer: Offer) -> tuple[datetime, str]:
    day = form.choice("day", DAYS, _("Choose when it was"))
    part = form.choice("part", PARTS, _("Choose the part of the day"), needed=False)
    local = offer.now.astimezone(offer.zone)
    if day == "now":
        return offer.now, part_at(local)
    if day == "earlier":
        found = _earlier(form, local.date())
        return moment_of(found or local.date(), part, local), part
    back = timedelta(days=1 if day == "yesterday" else 0)
    return moment_of(local.date() - back, part, local), part


def _earlier(form: Form, today: date) -> date | None:
    not_real = _("Enter a real date, like 27 11 2024")
    found = form.date_parts("date", not_real)
    if found is not None and found > today:
        form.errors.setdefault("date", _("The date must be today or earlier"))
        return None
    if found is not None and found.year < _FIRST_YEAR:
        form.errors.setdefault("date", not_real)
        return None
    return found


def moment_of(day: date, part: str, now: datetime) -> datetime:
    """A moment in a part of a local day, noon where none is known; never later than `now` (local, aware)."""
    zone = now.tzinfo
    moment = datetime.combine(day, time(_HOURS.get(part, 12)), zone)
    if part == "night" and moment > now:
        # "Tonight" that has not come yet is the night that has just passed.
        moment = moment.replace(hour=_SMALL_HOURS)
    return min(moment, now)
