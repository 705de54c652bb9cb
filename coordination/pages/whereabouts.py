"""Where a visitor belongs: the body they speak for, their ward, the wards that their forms offer.

Pages of members share it; it decides nothing and stores nothing. Only coordination/pages imports it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from committees import places, reports
from committees.committee import ward_of
from committees.places import Country, Locality
from committees.reports import Source
from foundation.errors import NotFound
from foundation.policy import Standing
from foundation.web import words
from foundation.web.page import Visit
from foundation.web.words import gettext as _

REPORTERS = ("member", "touch_point", "secretary", "chair")
NEAR = 5


@dataclass(frozen=True)
class Home:
    """One visitor's place: the standing they report under, its area, their ward if they sit for one."""

    standing: Standing
    area: Locality
    ward: Locality | None
    wards: tuple[Locality, ...]
    near: tuple[Locality, ...]
    zone: ZoneInfo

    @property
    def group(self) -> UUID:
        """The committee or office in whose name this visitor speaks."""
        found = self.standing.committee_id or self.standing.office_id
        assert found is not None
        return found

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of all wards that a form may name."""
        return tuple(ward.code for ward in self.wards)

    @property
    def place(self) -> Locality:
        """The ward, or the whole area of somebody who sits for no ward."""
        return self.ward or self.area

    def by_code(self, code: str) -> Locality:
        """The ward of the offer with this code; raise NotFound for any other."""
        for ward in self.wards:
            if ward.code == code:
                return ward
        raise NotFound()


def home_of(visit: Visit) -> Home:
    """Where this visitor belongs; raise NotFound where no role of theirs reports."""
    session = visit.session
    for role in REPORTERS:
        for standing in visit.principal.standings:
            if standing.role == role and (standing.committee_id or standing.office_id):
                area = places.upwards(session, standing.locality_id)[0]
                below = places.descendants(session, area.id)
                key = ward_of(session, visit.person_id)
                ward = session.get(Locality, key) if key else None
                wards = _leaves(area, below)
                near = _near(ward, wards, places.neighbours(session, ward.id) if ward else ())
                return Home(standing, area, ward, wards, near, places.zone_of(session, area))
    raise NotFound()


def _leaves(area: Locality, below: list[Locality]) -> tuple[Locality, ...]:
    parents = {place.parent_id for place in below}
    leaves = [place for place in below if place.id not in parents]
    return tuple(sorted(leaves, key=_by_number)) or (area,)


def _by_number(place: Locality) -> tuple[int, str]:
    number = place.number or ""
    return (int(number) if number.isdigit() else 0, place.code)


def _near(
    ward: Locality | None, wards: tuple[Locality, ...], touching: Iterable[Locality]
) -> tuple[Locality, ...]:
    if ward is None:
        return wards[: NEAR + 1]
    known = {place.id for place in wards}
    return (ward, *[place for place in touching if place.id in known and place.id != ward.id][:NEAR])


def source_of(visit: Visit, home: Home) -> Source:
    """The handle under which this visitor speaks for their committee or office."""
    kind = "member" if home.standing.committee_id else "office"
    return reports.source_for(
        visit.session, visit.now, group=home.group, person_id=visit.person_id, kind=kind
    )


def country_of(visit: Visit, home: Home) -> Country:
    """The country of this visitor's place."""
    return places.country_of(visit.session, home.area)


def name_of(place: Locality) -> str:
    """A place's name in the language of the page."""
    return place.name(words.current().language)


def near_options(home: Home) -> list[tuple[str, str, str]]:
    """The nearest wards as rows to choose from, one's own first and said to be so."""
    return [(place.code, name_of(place), _("My ward") if place is home.ward else "") for place in home.near]


def far_options(home: Home) -> list[tuple[str, str]]:
    """The wards that are not among the nearest."""
    return [(place.code, name_of(place)) for place in home.wards if place not in home.near]
