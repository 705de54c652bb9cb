"""Who wrote: from a telephone number to a person, the place they speak for, its wards, and the codes that
their phone may answer.

A number is a hint, not a proof: what it may do is decided by the commands. Only sms_commands.py and its
parts import this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

import phonenumbers
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from committees import committee, people, places, reply_codes
from committees.committee import Committee
from committees.contact_addresses import SMS
from committees.people import ContactPoint, Person, Scope
from committees.places import Country, Locality
from committees.reply_codes import ReplyCode
from foundation.errors import NotFound
from foundation.policy import Standing


@dataclass
class Writer:
    """The sender of one message or call. Without a person the number is unknown; `place` says who reads it."""

    number: str
    place: Locality
    town: Locality
    country: Country
    zone: ZoneInfo
    #: By which channel an answer goes back.
    channel: str = "sms"
    person: Person | None = None
    contact: ContactPoint | None = None
    group: UUID | None = None
    #: The numbers by whose codes they may answer.
    phones: tuple[UUID, ...] = ()
    codes: list[ReplyCode] = field(default_factory=list)
    wards: dict[str, Locality] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether the number belongs to somebody who holds a seat or an office now."""
        return self.person is not None

    def where(self, ward: str | None) -> Locality:
        """The place that a message speaks of: the ward it names, else the writer's own."""
        return self.wards.get(ward or "", self.place)

    def ward_names(self) -> dict[str, str]:
        """Other ways to write each ward, to the number that stands for it."""
        return {str(name): number for number, ward in self.wards.items() for name in ward.names.values()}


#: Whose contact points a number may stand in, by the channel on which it came: who rings may have told us of SMS only.
KNOWN_BY = {"sms": ("sms",), "whatsapp": ("whatsapp",), "voice": ("sms", "voice"), "email": ("email",)}


def find(session: Session, number: str, text: str, channel: str = "sms", *, to: str = "") -> Writer:
    """The writer behind a number; the text may name a stranger's town, and who hides their number is taken to be near the number
    `to` that they rang. Raise NotFound before any seed."""
    found = people.find_contact(session, number, KNOWN_BY[channel])
    # The row is locked: two messages of one phone are read one after the other, so that each wrong code
    # counts.
    contact = session.get(ContactPoint, found.contact_point_id, with_for_update=True) if found else None
    standings = people.standings_of(session, contact.person_id) if contact and contact.verified_at else ()
    writer = (
        _member(session, number, contact, standings)
        if contact and standings
        else _stranger(session, number, text, to)
    )
    writer.channel = "sms" if channel == "voice" else channel
    return writer


def claimant(session: Session, borrowed_from: Writer, digits: str) -> UUID | None:
    """The member of the same committee or office whose number ends with these digits; None unless it can be only one."""
    group = borrowed_from.group
    here = select(Scope.person_id).where(
        Scope.active, or_(Scope.committee_id == group, Scope.office_id == group)
    )
    rows = select(ContactPoint).where(
        ContactPoint.channel == SMS,
        ContactPoint.last_digits == digits,
        ContactPoint.verified_at.is_not(None),
        ContactPoint.stopped_at.is_(None),
        ContactPoint.person_id.in_(here),
    )
    found = list({point.person_id for point in session.scalars(rows)})
    return found[0] if len(found) == 1 else None


def contact_of(session: Session, person_id: UUID) -> ContactPoint | None:
    """The number at which a member gets SMS."""
    points = people.contacts_of(session, person_id)
    return next((point for point in points if point.channel == SMS and point.verified_at), None)


def _member(session: Session, number: str, contact: ContactPoint, standings: tuple[Standing, ...]) -> Writer:
    standing = next((s for s in standings if s.committee_id), standings[0])
    home = session.get_one(Locality, standing.locality_id)
    ward_id = committee.ward_of(session, contact.person_id) if standing.committee_id else None
    writer = _at(session, number, session.get_one(Locality, ward_id) if ward_id else home)
    writer.person, writer.contact = session.get_one(Person, contact.person_id), contact
    writer.group = standing.committee_id or standing.office_id
    # A phone answers by the codes that it got. A code goes out with the SMS of a person, so their WhatsApp knows it too.
    phones = [contact] if contact.channel == "sms" else people.contacts_of(session, contact.person_id)
    writer.phones = tuple(phone.id for phone in phones)
    writer.codes = [code for phone in phones for code in reply_codes.open_on(session, phone.id)]
    return writer


def _at(session: Session, number: str, place: Locality) -> Writer:
    town = places.town_of(session, place)
    return Writer(
        number=number,
        place=place,
        town=town,
        country=places.country_of(session, place),
        zone=places.zone_of(session, place),
        wards=_wards(session, town),
    )


def _wards(session: Session, town: Locality) -> dict[str, Locality]:
    """The wards of a town by number; offices above a town have none: a bare number would not say whose."""
    rows = select(Locality).where(Locality.parent_id == town.id, Locality.number.is_not(None))
    return {str(ward.number): ward for ward in session.scalars(rows.order_by(Locality.code))}


def _stranger(session: Session, number: str, text: str, to: str) -> Writer:
    """An unknown number goes to the committee of the town that it names, else to the first of its country.

    Nobody's message is kept where nobody looks: some secretary always sees it.
    """
    bodies = list(session.scalars(select(Committee).order_by(Committee.code)))
    if not bodies:
        raise NotFound("There is no committee yet.", "Load a seed file first.")
    countries = countries_of(session, number or to)
    towns = [session.get_one(Locality, body.locality_id) for body in bodies]
    near = [town for town in towns if town.country_code in countries] or towns
    words = text.casefold()
    named = [town for town in near if any(str(name).casefold() in words for name in town.names.values())]
    return _at(session, number, (named or near)[0])


def countries_of(session: Session, number: str) -> frozenset[str]:
    """The countries of ours that a number's prefix belongs to; none for a short code or a foreign number."""
    try:
        prefix = phonenumbers.parse(number).country_code
    except phonenumbers.NumberParseException:
        return frozenset()
    ours = set(session.scalars(select(Country.code)))
    return frozenset(ours & set(phonenumbers.region_codes_for_country_code(prefix or 0)))
