"""A report as received, and the incident it opens: every door of intake (form, API, SMS, CSV, walk-in) ends in `record()`.

A source is a random-looking handle within one committee. What a source said is never edited; an incident may be. Verification is
verification.py, scoring is alerts'.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees import call_backs, catalogue, ring_me
from committees.incidents import CREDIBILITY, Incident, IncidentGroup, IncidentPlace, IncidentText
from committees.places import Locality, town_of
from committees.ring_me import Ring
from foundation import errands, journal
from foundation.crypto import cipher
from foundation.db import Base, Keyed, insert_new
from foundation.errors import Conflict, Problem
from foundation.web.words import N_

KEEP_REPLY = timedelta(days=90)
REFERENCE_TRIES = 8
FOR_OVERSIGHT = "for_oversight"  # the errand that brings an incident to the oversight office, to nobody else
VOUCHED = "vouched"  # said by a focal person for somebody without an account (vouching.py)
WALK_IN = "walk_in"  # told to a person of the committee, face to face or in a call, who logs it
#: A sender can be forged (trust model, T5), and a focal person or whoever logs for others was told: by these doors nothing starts better
#: than "told".
NEVER_SEEN = ("sms", "email", VOUCHED, WALK_IN)
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


class Source(Keyed, Base):
    """A reporter's handle within one committee: known (enrolled, an office, vouched for) or unknown."""

    __tablename__ = "source"

    committee_id: Mapped[UUID | None]
    known: Mapped[bool]
    kind: Mapped[str] = mapped_column(default="member")
    first_at: Mapped[datetime]
    # vouching.py: whose voice this is, who speaks for them, and the mark of their number
    voice_id: Mapped[UUID | None]
    spoken_by: Mapped[UUID | None] = mapped_column(index=True)
    number_mark: Mapped[UUID | None] = mapped_column(index=True)


class Report(Keyed, Base):
    """What one source said on one channel. Its id is made by the client, so that sending it twice is sending it once."""

    __tablename__ = "report"
    __table_args__ = (Index("ix_report_recent", "locality_id", "received_at"),)

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), index=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    marking: Mapped[str] = mapped_column(default="AMBER+STRICT")
    sensitive: Mapped[bool] = mapped_column(default=False)
    withheld_from: Mapped[str] = mapped_column(default="")
    channel: Mapped[str]
    how_known: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(index=True)
    logged_for_other: Mapped[bool] = mapped_column(default=False)


class ReplyHandle(Base):
    """The way back to a reporter, kept until feedback is given, 90 days at most, and read by the feedback service only."""

    __tablename__ = "reply_handle"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.id"), primary_key=True)
    contact_point_id: Mapped[UUID | None]
    address_sealed: Mapped[str | None]
    channel: Mapped[str] = mapped_column(default="sms")
    language: Mapped[str] = mapped_column(default="en")
    script: Mapped[str] = mapped_column(default="own")
    delete_after: Mapped[datetime]


@dataclass(frozen=True)
class NewReport:
    """Everything that a door may bring in. `kind` is a key of the catalogue; text and spot are as typed."""

    id: UUID
    locality: Locality
    kind: str
    occurred_at: datetime
    how_known: str
    channel: str
    source: Source
    severity: int | None = None
    ongoing: str = "unknown"
    people: str = "unknown"
    part_of_day: str = ""
    text: str = ""
    spot: str = ""
    landmark: str = ""
    about: str = ""
    withheld_from: frozenset[str] = frozenset()
    contact_point_id: UUID | None = None
    reply_to: str | None = None
    reply_channel: str = "sms"
    ring: Ring | None = None
    language: str = "en"
    script: str = "own"
    logged_for_other: bool = False
    graded: bool = True
    origin: str = "live"
    known_at: datetime | None = None
    exact_at: datetime | None = None
    grade: str = ""  # an Admiralty grade that came with an imported row, such as "B2"; `graded` then holds


@dataclass(frozen=True)
class Recorded:
    """The incident a report stands under, and whether this call made it."""

    incident: Incident
    created: bool


def source_for(
    session: Session,
    now: datetime,
    *,
    group: UUID | None,
    person_id: UUID | None = None,
    number: str | None = None,
    kind: str = "member",
) -> Source:
    """The source behind a person of a committee or office, or behind an unknown number; made on the first report."""
    parts = (
        ("source", group, person_id) if person_id else ("number", group, cipher(session).index(number or ""))
    )
    key = cipher(session).handle(*parts)
    found = session.get(Source, key)
    if found is not None:
        return found
    source = Source(
        id=key,
        committee_id=group,
        known=person_id is not None,
        kind=kind if person_id else "unknown",
        first_at=now,
    )
    # The first report sent twice at once: the other one was first.
    return source if insert_new(session, source) else session.get_one(Source, key)


def record(session: Session, now: datetime, new: NewReport) -> Recorded:
    """Store a report and its incident, once per client id; raise Conflict where that id belongs to another source.

    The incident starts at AMBER+STRICT with the grade that its own answers give; an unknown source's is not scored until verified.
    """
    town_id = town_of(session, new.locality).id
    for _ in range(REFERENCE_TRIES):
        incident = _incident(now, new, town_id, _reference())
        if insert_new(session, incident):
            break
        # The same report before, or a reference that is taken in this town: look, then draw another.
        if found := _already(session, new):
            return found
    else:
        raise Conflict(
            N_("This report number belongs to another report."),
            N_("Open the form again and send it once more."),
        )
    session.add(_report(now, new))
    session.flush()
    _store_parts(session, now, new, incident, _marks(new))
    _open_tasks(session, now, new, incident)
    journal.record(session, now, "report", "incident", incident.id, locality_id=incident.locality_id)
    return Recorded(incident, True)


def _already(session: Session, new: NewReport) -> Recorded | None:
    report = session.get(Report, new.id)
    if report is None:
        return None
    incident = session.get(Incident, report.incident_id)
    if report.source_id != new.source.id or incident is None:
        raise Conflict(
            N_("This report number belongs to another report."),
            N_("Open the form again and send it once more."),
        )
    return Recorded(incident, False)


def record_many(session: Session, now: datetime, news: Sequence[NewReport]) -> list[Incident]:
    """Store many imported reports at once, the same rows as `record` makes; return the incidents that are new.

    Ids that are stored already change nothing. Only for history: no task is opened and nobody is told.
    """
    wanted = {new.id: new for new in news}
    known = set(session.scalars(select(Report.id).where(Report.id.in_(wanted))))
    fresh = [new for key, new in wanted.items() if key not in known]
    towns = [town_of(session, new.locality).id for new in fresh]
    references = _free_references(session, towns)
    incidents = [_incident(now, *row) for row in zip(fresh, towns, references, strict=True)]
    session.add_all(incidents)
    session.flush()
    session.add_all(_report(now, new) for new in fresh)
    session.flush()
    for new, incident in zip(fresh, incidents, strict=True):
        _store_parts(session, now, new, incident, _marks(new))
        journal.record(session, now, "report", "incident", incident.id, locality_id=incident.locality_id)
    session.flush()
    return incidents


def _marks(new: NewReport) -> dict[str, Any]:
    kind, words = catalogue.kind(new.kind), set(new.withheld_from)
    if kind.path == catalogue.OVERSIGHT_PATH:
        words.add(catalogue.COMMITTEE)  # a complaint is never read by those whom it may be about
    return {
        "locality_id": new.locality.id,
        "marking": "AMBER+STRICT",
        "sensitive": kind.sensitive,
        "withheld_from": " ".join(sorted(words)),
    }


def _incident(now: datetime, new: NewReport, town_id: UUID, reference: str) -> Incident:
    kind = catalogue.kind(new.kind)
    return Incident(
        id=new.id,
        reference=reference,
        town_id=town_id,
        source_id=new.source.id,
        kind=new.kind,
        severity=new.severity or kind.severity,
        occurred_at=new.occurred_at,
        part_of_day=new.part_of_day,
        how_known=new.how_known,
        ongoing=new.ongoing,
        people=new.people,
        # A private matter stays one whoever must not be told: its help lines and its call do not depend on that.
        path=catalogue.OVERSIGHT_PATH
        if new.withheld_from and kind.path != catalogue.SENSITIVE_PATH
        else kind.path,
        reliability=new.grade[:-1] or ("C" if new.source.known else "F"),
        credibility=int(new.grade[-1:] or _credibility(new)),
        graded=new.graded,
        known_source=new.source.known,
        threat=new.about or "unsorted",
        origin=new.origin,
        channel=new.channel,
        received_at=now,
        known_at=new.known_at or now,
        **_marks(new),
    )


def _report(now: datetime, new: NewReport) -> Report:
    return Report(
        id=new.id,
        incident_id=new.id,
        source_id=new.source.id,
        channel=new.channel,
        how_known=new.how_known,
        received_at=now,
        logged_for_other=new.logged_for_other,
        **_marks(new),
    )


def _store_parts(
    session: Session, now: datetime, new: NewReport, incident: Incident, marks: dict[str, Any]
) -> None:
    seal = cipher(session).seal
    if new.spot or new.landmark or new.exact_at:
        spot = seal("incident_place.spot", incident.id, new.spot) if new.spot else None
        session.add(
            IncidentPlace(
                incident_id=incident.id,
                spot_sealed=spot,
                landmark=new.landmark,
                exact_at=new.exact_at,
                **marks,
            )
        )
    if new.text:
        session.add(
            IncidentText(
                incident_id=incident.id,
                text_sealed=seal("incident_text.text", incident.id, new.text),
                **marks,
            )
        )
    if new.about:
        session.add(IncidentGroup(incident_id=incident.id, about=new.about, **marks))
    if new.contact_point_id or new.reply_to:
        sealed = seal("reply_handle.address", new.id, new.reply_to) if new.reply_to else None
        session.add(
            ReplyHandle(
                report_id=new.id,
                contact_point_id=new.contact_point_id,
                address_sealed=sealed,
                channel=new.reply_channel,
                language=new.language,
                script=new.script,
                delete_after=now + KEEP_REPLY,
            )
        )


def _credibility(new: NewReport) -> int:
    if not new.source.known:
        return 4
    best = 3 if new.channel in NEVER_SEEN else 1
    return max(best, CREDIBILITY[new.how_known])


def _reference() -> str:
    return f"{secrets.choice(LETTERS)}{secrets.randbelow(10_000):04d}"


def _free_references(session: Session, towns: Sequence[UUID]) -> list[str]:
    """Draw a reference for each of these towns, different from those given there before."""
    drawn: dict[tuple[UUID, str], int] = {}
    waiting = list(range(len(towns)))
    for _ in range(5 * REFERENCE_TRIES):
        tries = {position: (towns[position], _reference()) for position in waiting}
        rows = select(Incident.town_id, Incident.reference).where(
            Incident.town_id.in_(set(towns)),
            Incident.reference.in_({reference for _, reference in tries.values()}),
        )
        taken = {(town, reference) for town, reference in session.execute(rows).all()}
        for position, pair in tries.items():
            if pair not in taken:
                drawn.setdefault(pair, position)
        waiting = sorted(set(range(len(towns))) - set(drawn.values()))
        if not waiting:
            return [reference for _, reference in sorted(drawn, key=lambda pair: drawn[pair])]
    raise Conflict(
        "A place in this file has no report numbers left.",
        "Report numbers are a letter and four digits per town: import into smaller places.",
    )


def _open_tasks(session: Session, now: datetime, new: NewReport, incident: Incident) -> None:
    """Open the call-back that a path asks for: unknown sources and private matters are people's work, not the score's.

    What nobody but the oversight office may learn of is brought to it by the worker.
    """
    if new.origin != "live":
        return
    if catalogue.only_for_oversight(incident.kind, incident.withheld_from):
        errands.ask(session, now, FOR_OVERSIGHT, incident.id)
    why = (
        "private_matter"
        if incident.path == "private_matter"
        else ""
        if new.source.known
        or new.source.kind in ("unnamed", VOUCHED)  # nobody can ring somebody without a name
        or new.channel == WALK_IN  # the secretary has just spoken with them
        or (new.channel == "voice" and not new.reply_to)  # whoever rang hides their number
        else "unknown_source"
    )
    if why:
        within = timedelta(minutes=30 if why == "unknown_source" else 60)
        call = call_backs.open_for(session, now, incident, why, within)
        ring_me.leave(session, call, new.ring, new.language)


def withdraw(session: Session, now: datetime, incident: Incident) -> None:
    """The source takes a report back; its weight leaves the score, its row stays, and nobody is rung about it any more."""
    from committees.incidents import WITHDRAWN, touch

    if incident.state != "reported":
        raise Problem(
            N_("The secretary has already checked this report."),
            N_("Ask the secretary if something in it is wrong."),
            409,
        )
    incident.state = WITHDRAWN
    touch(incident)
    journal.record(session, now, "withdraw", "incident", incident.id, locality_id=incident.locality_id)
    # Whoever reports may ask for a call, and not read the list of calls.
    errands.ask(session, now, ring_me.TAKEN_BACK, incident.id)


def of_source(session: Session, handles: tuple[UUID, ...]) -> list[tuple[Report, Incident]]:
    """A reporter's own reports with their incidents, newest first."""
    rows = select(Report, Incident).join(Incident, Incident.id == Report.incident_id)
    rows = rows.where(Report.source_id.in_(handles)).order_by(Report.received_at.desc())
    return [(report, incident) for report, incident in session.execute(rows).all()]
