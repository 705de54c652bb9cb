"""How SMS travel to each country: whether answers come back, who they come from, whether long ones are joined, and India's registry.

One row a country of the receiving number, written by an administrator; a country without one takes answers, joins long messages and
has no sender of its own. Beside it the country's emergency number and quiet hours are set, which hold whoever carries the SMS.
`alerts.composing` writes messages for a route; what the registry wants of a text is dlt.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import phonenumbers
from sqlalchemy import UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.messages import OneWay
from alerts.quiet import country_quiet
from alerts.slots import SLOTS, Language, SlotRefused
from committees.places import Country
from foundation import journal
from foundation.db import Base, Keyed
from foundation.errors import NotFound, Refused
from foundation.web.words import gettext as _

EMERGENCY = re.compile(r"[0-9]{2,4}")
#: The countries of the receiving numbers whose networks ask for registered texts.
REGISTERED_IN = ("IN",)
HEADER = re.compile(r"[A-Z]{6}")
ENTITY = re.compile(r"[0-9]{19}")


class SmsRoute(Base):
    """The settings of one country's networks."""

    __tablename__ = "sms_route"

    country: Mapped[str] = mapped_column(primary_key=True)
    two_way: Mapped[bool] = mapped_column(default=True)
    sender: Mapped[str] = mapped_column(default="")
    concat_ok: Mapped[bool] = mapped_column(default=True)
    answer_number: Mapped[str] = mapped_column(default="")
    registered: Mapped[bool] = mapped_column(default=False)
    entity: Mapped[str] = mapped_column(default="")
    brand: Mapped[str] = mapped_column(default="")
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime]


class DltText(Keyed, Base):
    """The id that India's registry gave to one text in one language, and to which words."""

    __tablename__ = "dlt_text"
    __table_args__ = (UniqueConstraint("template", "language"),)

    template: Mapped[str]
    language: Mapped[str]
    registry_id: Mapped[str]
    fingerprint: Mapped[str]
    entered_by: Mapped[UUID]
    entered_at: Mapped[datetime]


@dataclass(frozen=True)
class Route:
    """One country's way, as a message is written for it. `ids` are the registry's, by template and language."""

    country: str = ""
    two_way: bool = True
    sender: str = ""
    concat_ok: bool = True
    answer_number: str = ""
    registered: bool = False
    entity: str = ""
    brand: str = ""
    ids: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def one_way(self) -> OneWay | None:
        """How else to answer, where answers do not come back."""
        return None if self.two_way else OneWay(self.answer_number)


PLAIN = Route()


@dataclass(frozen=True)
class Usual:
    """What a country has whoever carries its SMS: the number that messages name in danger, and when ordinary ones wait."""

    emergency: str
    quiet_from: int
    quiet_to: int


def usual_of(country: Country) -> Usual:
    """What is set for a country now."""
    quiet = country_quiet(country)
    return Usual(country.emergency, quiet.start, quiet.end)


def country_of(address: str) -> str:
    """The country that a number in full (+92...) belongs to, or "" for what is no such number."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(address)) or ""
    except phonenumbers.NumberParseException:
        return ""


def all_routes(session: Session) -> dict[str, Route]:
    """Every route by its country, with the ids of registered texts; two statements."""
    rows = session.scalars(select(SmsRoute)).all()
    ids = _ids(session) if any(row.registered for row in rows) else {}
    return {row.country: _route(row, ids if row.registered else {}) for row in rows}


def _ids(session: Session) -> dict[tuple[str, str], str]:
    rows = session.execute(select(DltText.template, DltText.language, DltText.registry_id))
    return {(template, language): key for template, language, key in rows}


def route_for(session: Session, country: str) -> Route:
    """The route to one country; the plain one where nothing was set."""
    return all_routes(session).get(country, Route(country))


def _route(row: SmsRoute, ids: Mapping[tuple[str, str], str]) -> Route:
    return Route(
        row.country,
        row.two_way,
        row.sender,
        row.concat_ok,
        row.answer_number,
        row.registered,
        row.entity,
        row.brand,
        ids,
    )


def save(session: Session, now: datetime, route: Route, usual: Usual | None = None, *, by: UUID) -> None:
    """Store a country's settings; raise Refused with the words for each field that cannot be used."""
    country = session.get(Country, route.country)
    if country is None:
        raise NotFound(_("We know no country with this code."))
    errors = problems(route)
    if usual and usual != usual_of(country):
        errors |= _usual_problems(usual)
    if errors:
        raise Refused(errors)
    if usual:
        quiet = {**country.settings.get("quiet", {}), "from": usual.quiet_from, "to": usual.quiet_to}
        country.emergency, country.settings = usual.emergency, {**country.settings, "quiet": quiet}
    row = session.get(SmsRoute, route.country) or SmsRoute(country=route.country)
    row.two_way, row.sender, row.concat_ok = route.two_way, route.sender, route.concat_ok
    row.answer_number, row.registered = route.answer_number, route.registered
    row.entity, row.brand = route.entity, route.brand
    row.changed_by, row.changed_at = by, now
    session.add(row)
    journal.record(session, now, "sms_route:changed", "sms_route", None)


def problems(route: Route) -> dict[str, str]:
    """What cannot be used, by field, in words that say what to do."""
    errors: dict[str, str] = {}
    is_name = bool(re.search(r"[A-Za-z]", route.sender))
    if route.sender and not re.fullmatch(r"\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11}", route.sender, re.ASCII):
        errors["sender"] = _("Enter a number, a short code, or a name of at most 11 letters and digits")
    elif is_name and route.two_way:
        errors["two_way"] = _("Nobody can answer a sender that is a name. Choose no, or enter a number")
    if route.answer_number and not re.fullmatch(r"[0-9]{3,11}", route.answer_number, re.ASCII):
        errors["answer_number"] = _("Enter the number as people dial it at home, 3 to 11 digits")
    if route.registered:
        errors |= _registry_problems(route)
    return errors


def _usual_problems(usual: Usual) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not EMERGENCY.fullmatch(usual.emergency):
        errors["emergency"] = _("Enter the emergency number, 2 to 4 digits")
    for name in ("quiet_from", "quiet_to"):
        if not 0 <= getattr(usual, name) <= 23:
            errors[name] = _("Choose an hour")
    return errors


def _registry_problems(route: Route) -> dict[str, str]:
    errors: dict[str, str] = {}
    if route.country not in REGISTERED_IN:
        errors["registered"] = _("Only India's networks have this registry. Choose no")
    if not HEADER.fullmatch(route.sender):
        errors["sender"] = _("Enter the registered header: six capital letters")
    if not ENTITY.fullmatch(route.entity):
        errors["entity"] = _("Enter the number of the registered body: 19 digits")
    try:
        SLOTS["source"].fill("brand", route.brand, Language("en", True, {}))
    except SlotRefused:
        errors["brand"] = _("Enter the registered name in plain letters, at most 18")
    return errors
