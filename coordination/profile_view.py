"""The local picture as the page shows it: each line with where it comes from and what it stands over, and its versions. Reads only.

pages/profile.py shows it; what one version changes is alerts/profile_words.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.labels import kind_label, level_word, role_name
from alerts.profile_words import field_label, percent, strength_label, timescale_label, version_state
from alerts.risk import peace_terms
from alerts.risk.numbers import coefficients_of
from committees import profiles
from committees.changes import Change, settings
from committees.intake.form import LANDMARKS
from committees.places import Locality, Neighbour, in_codes, local_day, zone_of
from committees.profiles import Layer, Profile
from foundation.web import words
from foundation.web.words import gettext as _
from foundation.web.words import ngettext


@dataclass(frozen=True)
class Line:
    """One line of the picture: its words, a smaller line, and where it comes from."""

    text: str
    meta: str = ""
    origin: str = ""


class Picture:
    """The local picture of one place at a time, or with one version's words in place of what holds."""

    def __init__(
        self,
        session: Session,
        now: datetime,
        place: Locality,
        layers: Sequence[Layer],
        document: Mapping[str, Any],
    ) -> None:
        self.session, self.place, self.layers, self.document = session, place, layers, document
        self.today = local_day(now, zone_of(session, place))
        ids = [layer.locality_id for layer in layers if layer.locality_id]
        rows = session.scalars(select(Locality).where(Locality.id.in_(ids)))
        self.names = {row.id: _name(row) for row in rows}
        # Links hold for the place that wrote them and are not handed down.
        own = next((layer.document for layer in layers if layer.locality_id == place.id), {})
        self.linked = [row for row in own.get("neighbours", ()) if "weight" in row]
        watched = [row["ward"] for row in document.get("places_to_watch", ())]
        linked = [row["key"] for row in self.linked]
        self.places = in_codes(session, [*watched, *linked])

    def who(self, layer: Layer) -> str:
        """Who set something, as words: a place with its version, or the starter."""
        if layer.locality_id is None:
            return _("the starter")
        version = layer.version.rpartition("/")[2]
        return _("%(place)s, version %(n)s", place=self.names.get(layer.locality_id, ""), n=version)

    def origin(self, *path: str) -> str:
        """Where an item comes from, and what it stands over; nothing where it is the starter's alone, as most lines are."""
        found = settings(self.layers, path)
        if not found or found[0].layer.locality_id is None:
            return ""
        said = _("From %(who)s.", who=self.who(found[0].layer))
        if len(found) > 1:
            said += " " + _("It stands over %(who)s.", who=self.who(found[1].layer))
        return said

    def set_before(self, change: Change) -> str:
        """Who had set what a change replaces; empty where nothing was said."""
        found = settings(self.layers, change.path)
        return self.who(found[0].layer) if found and not change.added else ""

    def lines_of_tension(self) -> list[Line]:
        """The lines that are listened for, without the heap of what is not sorted yet."""
        return [
            Line(_(row["label"]), self._counts(row), self.origin("threats", row["key"]))
            for row in self.document["threats"]
            if row["key"] != "unsorted"
        ]

    def _counts(self, row: Mapping[str, Any]) -> str:
        counts = (
            _("Reports count %(how)s.", how=timescale_label(row["timescale"]))
            if row.get("scored", True)
            else _("Not counted in the level: people are helped, not scored.")
        )
        return " ".join(part for part in (row.get("note", ""), counts) if part)

    def triggers(self) -> list[Line]:
        """What can set things off, with the days of watchfulness."""
        return [
            Line(
                _(row["label"]),
                _("Watched from %(before)d days before to %(after)d days after.", before=row["days"][0], after=row["days"][1]),
                self.origin("triggers", row["key"]),
            )
            for row in self.document["triggers"]
        ]  # fmt: skip

    def watched(self) -> list[Line]:
        """Places to watch: a kind of landmark and a ward, never a name."""
        return [
            Line(
                _("%(what)s, %(place)s", what=_(LANDMARKS[row["kind"]]), place=self._place(row["ward"])),
                " ".join(part for part in (row["why"], row.get("when", "")) if part),
                self.origin("places_to_watch", row["key"]),
            )
            for row in self.document.get("places_to_watch", ())
        ]

    def _place(self, code: str) -> str:
        place = self.places.get(code)
        return _name(place) if place else code

    def holds_peace(self) -> list[Line]:
        """What holds peace together, in the committee's words, and until when it lowers the score."""
        return [
            Line(
                row["label"],
                " · ".join(filter(None, (row.get("who", ""), self._holds(row)))),
                self.origin("holds_peace", row["key"]),
            )
            for row in self.document.get("holds_peace", ())
        ]

    def _holds(self, row: Mapping[str, Any]) -> str:
        """How well a thing holds, and whether it counts."""
        if not row.get("strength"):
            return ""
        days, seen = self.document["soft"]["holds_peace_days"], day_of(row["last_seen"])
        how = strength_label(row["strength"])
        if peace_terms.counts(row, days, self.today):
            until = words.day_and_year(peace_terms.until_of(row, days))
            return _(
                "Said on %(seen)s: %(how)s. It lowers the score until %(until)s.",
                seen=seen,
                how=how,
                until=until,
            )
        return _("Said on %(seen)s: %(how)s. That is too long ago to count.", seen=seen, how=how)

    def signs(self) -> list[Line]:
        """The signs of peace that members are asked for in the weekly check-in."""
        return [
            Line(_(row["label"]), "", self.origin("indicators", row["key"]))
            for row in self.document["indicators"]
        ]

    def past(self) -> list[Line]:
        """What happened before, in the committee's words."""
        return [
            Line(
                _("%(when)s: %(what)s", when=row["when"], what=row["what"]),
                _("What helped: %(what)s", what=row["helped"]) if row.get("helped") else "",
                self.origin("past_events", row["key"]),
            )
            for row in self.document.get("past_events", ())
        ]

    def notes(self) -> list[Line]:
        """What the committee wrote under the headings of a template."""
        return [
            Line(_(row["heading"]), row["text"], self.origin("notes", row["key"]))
            for row in self.document.get("notes", ())
            if row.get("text")
        ]

    def links(self) -> list[Line]:
        """The places next door and what this picture says of them; links across a border say so."""
        rows = select(Locality, Neighbour.weight).join(Neighbour, Neighbour.neighbour_id == Locality.id)
        near = {
            other.code: (other, weight)
            for other, weight in self.session.execute(
                rows.where(Neighbour.locality_id == self.place.id)
            ).all()
        }
        said = {row["key"]: row for row in self.linked}
        found = []
        for code in sorted({*near, *said}):
            other = near[code][0] if code in near else self.places.get(code)
            if other is None:
                continue
            row = said.get(code, {})
            weight = row.get("weight", near[code][1] if code in near else 1.0)
            parts = [_("Not counted.") if not weight else _("Weight %(n)s.", n=f"{weight:g}")]
            if other.country_code != self.place.country_code:
                parts.append(_("Across the border."))
            parts.append(row.get("why", ""))
            origin = self.origin("neighbours", code)
            found.append(Line(_name(other), " ".join(filter(None, parts)), origin))
        return found

    def numbers(self) -> list[tuple[str, str, str]]:
        """The numbers of scoring that analysts ask for: what, how much, from where."""
        d = self.document
        rows = [
            (
                _("%(level)s begins at", level=level_word(level)),
                percent(boundary),
                self.origin("boundaries"),
            )
            for level, boundary in enumerate(d["boundaries"], 2)
        ]
        rows.append((_("A level falls below"), percent(d.get("step_down", 0.8)), self.origin("step_down")))
        c = coefficients_of(d)
        for name in ("half_life_fast", "half_life_slow"):
            rows.append((field_label(name), f"{getattr(c, name):g}", self.origin("coefficients", name)))
        for kind, weight in d.get("multipliers", {}).items():
            what = _("Weight of “%(what)s”", what=kind_label(kind))
            rows.append((what, f"{weight:g}", self.origin("multipliers", kind)))
        for kind, scale in d.get("timescales", {}).items():
            what = _("“%(what)s” counts", what=kind_label(kind))
            rows.append((what, timescale_label(scale), self.origin("timescales", kind)))
        return rows

    def off(self) -> list[str]:
        """What a place above sets and this picture leaves out."""
        found: dict[tuple[str, str], str] = {}
        for layer in self.layers:
            for part in ("threats", "triggers", "indicators"):
                for row in layer.document.get(part, ()):
                    if row.get("label"):
                        found.setdefault((part, row["key"]), row["label"])
        kept = {
            (part, row["key"])
            for part in ("threats", "triggers", "indicators")
            for row in self.document[part]
        }
        return [_(label) for which, label in found.items() if which not in kept]


def picture(session: Session, place: Locality, at: datetime) -> Picture:
    """The picture that holds at a place at a time."""
    layers = profiles.layers(session, place.id, at)
    return Picture(session, at, place, layers, profiles.document_of(layers))


def head(session: Session, now: datetime, place: Locality, row: Profile | None) -> list[tuple[str, str]]:
    """Facts about a version: since when, who wrote and approved it in which role, why, who was consulted."""
    if row is None:
        return [(_("Version"), _("None of its own. It uses the picture of the place above."))]
    zone = zone_of(session, place)
    facts = [
        (_("Version"), f"{row.version} · {version_state(row.state)}"),
        (_("Written by"), _("%(role)s, %(when)s", role=role_name(row.author_role), when=words.when(row.created_at, zone, now))),
        (_("Why"), row.reason),
        (_("Who was consulted"), consulted(row.consulted)),
    ]  # fmt: skip
    if row.valid_from:
        facts.append((_("Holds from"), words.day_and_year(row.valid_from, zone)))
    if row.approved_at:
        said = _(
            "%(role)s, %(when)s",
            role=role_name(row.approved_role),
            when=words.when(row.approved_at, zone, now),
        )
        facts.append((_("Approved by"), f"{said}: {row.answer}" if row.answer else said))
    if row.refused_at and row.answer:
        facts.append((_("Why it was refused"), row.answer))
    return facts


def named(session: Session, document: Mapping[str, Any]) -> dict[str, Any]:
    """A document with the names of places in place of their codes, and without what is only for the program."""
    rows = document.get("places_to_watch", ())
    links = document.get("neighbours", ())
    places = in_codes(
        session, {*(row["ward"] for row in rows if "ward" in row), *(row["key"] for row in links)}
    )
    names = {code: _name(place) for code, place in places.items()}
    shown = {
        **document,
        "places_to_watch": [
            {**row, "ward": names.get(row["ward"], row["ward"]), "kind": _(LANDMARKS[row["kind"]])}
            for row in rows
        ],
        "neighbours": [{**row, "label": names.get(row["key"], row["key"])} for row in links],
        "review": {name: day for name, day in document.get("review", {}).items() if name != "template"},
    }
    return {name: part for name, part in shown.items() if name in document}


def consulted(lines: Iterable[Any]) -> str:
    """Who was consulted, in one line."""
    return _(", ").join(str(line) for line in lines) or _("Nobody is named.")


def reviewed(document: Mapping[str, Any], now: datetime, place: Locality, session: Session) -> list[str]:
    """When the picture was last looked at and when it should be again."""
    review, today = document.get("review", {}), now.astimezone(zone_of(session, place)).date().isoformat()
    found = []
    if review.get("last"):
        found.append(_("Last looked at: %(day)s.", day=day_of(review["last"])))
    if by := review.get("by"):
        found.append(_("To be looked at by %(day)s.", day=day_of(by)))
        if by < today:
            found.append(_("That day has passed. Please look at it at the next meeting."))
    return found or [_("Nobody has noted when it was looked at.")]


def day_of(text: str) -> str:
    """A day of a document in words."""
    return words.day_and_year(datetime.fromisoformat(text).date())


def version_rows(
    session: Session, now: datetime, place: Locality, rows: Iterable[Profile]
) -> list[dict[str, Any]]:
    """The versions of a place as rows to press, the newest first."""
    zone = zone_of(session, place)
    return [
        {
            "href": f"/place/{place.code}/profile/{row.version}",
            "name": _("Version %(n)s", n=row.version),
            "status": version_state(row.state),
            "meta": " · ".join(
                filter(None, (role_name(row.author_role), words.when(row.created_at, zone, now), row.reason))
            ),
        }
        for row in rows
    ]


def waiting(rows: Iterable[Profile]) -> str:
    """How many versions wait for a second person, as a sentence, or nothing."""
    count = sum(row.state == profiles.PROPOSED for row in rows)
    return (
        ngettext(
            "%(num)d version waits for a second person of another organisation.",
            "%(num)d versions wait for a second person of another organisation.",
            count,
        )
        if count
        else ""
    )


def _name(place: Locality) -> str:
    return place.name(words.current().language)
