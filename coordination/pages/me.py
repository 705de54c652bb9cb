"""Me: language, letters, quiet hours, a shared phone, no more SMS. It holds for messages and for pages."""

from __future__ import annotations

from flask import Response
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from alerts.messages import CATALOGUES, LANGUAGES
from alerts.quiet import Quiet, country_quiet, quiet_of, weekend_of
from committees.people import ContactPoint, Person
from committees.places import Country, Locality, country_of
from coordination.frame import LANGUAGE_COOKIE
from foundation import journal
from foundation.errors import Refused
from foundation.web import words
from foundation.web.forms import Form
from foundation.web.page import SIGNED_IN, Visit, page
from foundation.web.words import gettext as _

SCRIPTS = ("own", "Latn")
WEEKDAYS = ("1", "2", "3", "4", "5", "6", "7")
LANGUAGE_YEAR = 31_536_000


@page("/me", roles=SIGNED_IN)
def me(visit: Visit) -> Response:
    """What a person decides for themselves."""
    person: Person = visit.get(Person, visit.person_id)
    if not visit.posted:
        return _show(visit, _values_of(person, _usual(visit)), {})
    form = Form(visit.form)
    language = form.choice("language", dict(_languages(visit)), _("Choose a language"))
    script = form.choice("script", SCRIPTS, _("Choose the letters of your messages"))
    quiet = [form.whole(name, 0, 23, _("Choose an hour")) for name in ("quiet_from", "quiet_to")]
    try:
        form.check()
    except Refused as refused:
        return _show(visit, visit.form, refused.fields)
    person.language, person.script = language, script
    person.quiet_from, person.quiet_to = quiet
    person.quiet_days = "".join(form.choices("quiet_days", WEEKDAYS))
    person.quiet_holidays = visit.form.get("quiet_holidays") == "yes"
    person.shared_phone = visit.form.get("shared_phone") == "yes"
    journal.record(visit.session, visit.now, "settings", "person", person.id)
    spoken = language in visit.config.locales  # pages speak fewer languages than messages
    if spoken:
        words.use(language)
    visit.say(_("Saved."))
    response = visit.go("/me")
    if spoken:
        response.set_cookie(
            LANGUAGE_COOKIE, language, max_age=LANGUAGE_YEAR, samesite="Lax", secure=visit.config.secure
        )
    return response


def _languages(visit: Visit) -> list[tuple[str, str]]:
    """The languages of messages: first those in which pages speak as well."""
    own = [(code, words.NAMES[code]) for code in visit.config.locales]
    return own + [(code, CATALOGUES[code].name) for code in LANGUAGES if code not in visit.config.locales]


@page("/me/sms", roles=SIGNED_IN)
def sms(visit: Visit) -> Response:
    """Stop all SMS to one's own phone, or take them again."""
    if visit.posted:
        stop = visit.form.get("want") == "stop"
        for point in _phones(visit):
            point.stopped_at = (point.stopped_at or visit.now) if stop else None
        journal.record(
            visit.session, visit.now, "sms:stop" if stop else "sms:start", "person", visit.person_id
        )
        visit.say(_("You get no SMS any more.") if stop else _("You get SMS again."))
    return visit.go("/me")


def _phones(visit: Visit) -> list[ContactPoint]:
    rows = select(ContactPoint).where(
        ContactPoint.person_id == visit.person_id, ContactPoint.channel == "sms"
    )
    return list(visit.session.scalars(rows.order_by(ContactPoint.position)))


def _country(visit: Visit) -> Country | None:
    """The country of the place where a person holds a role; None for one who holds none."""
    standing = next(iter(visit.principal.standings), None)
    if standing is None:
        return None
    return country_of(visit.session, visit.session.get_one(Locality, standing.locality_id))


def _usual(visit: Visit) -> Quiet:
    country = _country(visit)
    return country_quiet(country) if country else Quiet()


def _weekend(visit: Visit) -> str:
    """The days of rest of the person's country, in words."""
    country = _country(visit)
    return _(", ").join(words.weekday(day) for day in weekend_of(country)) if country else ""


def _values_of(person: Person, usual: Quiet) -> MultiDict[str, str]:
    quiet = quiet_of(person, usual)
    values: MultiDict[str, str] = MultiDict(
        {
            "language": person.language,
            "script": person.script,
            "quiet_from": str(quiet.start),
            "quiet_to": str(quiet.end),
        }
    )
    if person.shared_phone:
        values["shared_phone"] = "yes"
    if quiet.holidays:
        values["quiet_holidays"] = "yes"
    values.setlist("quiet_days", [str(day) for day in quiet.days])
    return values


def _show(visit: Visit, values: MultiDict[str, str], errors: dict[str, str]) -> Response:
    phones = _phones(visit)
    return visit.render(
        "me.html",
        422 if errors else 200,
        errors=errors,
        values=values,
        languages=_languages(visit),
        days=[(day, words.weekday(int(day))) for day in WEEKDAYS],
        weekend=_weekend(visit),
        hours=[(str(hour), f"{hour:02d}:00") for hour in range(24)],
        phones=[point.last_digits for point in phones],
        stopped=bool(phones) and all(point.stopped_at for point in phones),
    )
