"""The CAP messages of each alert, as rows that never change: one when it opens, one when what it says changes, one at its end, one per answer.

What lives here: the table and `publish`, which compares each alert with the last message of its chain and adds what is missing; it is
level-triggered, so that running it twice or late does no harm. What does not: the document (cap.py), who may read it (policy) and the
addresses where it is read (coordination/feeds.py).

Alerts from imported history and private matters are never published. A drill says Exercise. Whom a reporter excluded reads neither the
alert nor its messages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, defer, mapped_column

from alerts import cap, messages, routing
from alerts.alert import OPEN, Acknowledgement, Alert, AlertUpdate
from alerts.closing import BECAUSE
from committees.places import Locality, LocalityCode, country_of, zone_of
from foundation.db import Base, Keyed, new_id

#: How far before the newest message is looked again: what was written in a transaction that ended late is found all the same.
OVERLAP = timedelta(hours=1)
BATCH = 500


class CapMessage(Keyed, Base):
    """One published CAP message: `number` in its alert's chain, `effect_key` makes it once, `facts` is a digest of what it says."""

    __tablename__ = "cap_message"

    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    withheld_from: Mapped[str] = mapped_column(default="")
    number: Mapped[int]
    kind: Mapped[str]
    sender: Mapped[str]
    sent: Mapped[datetime] = mapped_column(index=True)
    title: Mapped[str]
    facts: Mapped[str]
    effect_key: Mapped[str] = mapped_column(unique=True)
    document: Mapped[str]


def publish(session: Session, now: datetime, *, sender: str, public_url: str, batch: int = BATCH) -> int:
    """Add the messages that alerts lack; return how many. `sender` is this installation's name in CAP."""
    alerts = _to_look_at(session, batch)
    if not alerts:
        return 0
    chains = _chains(session, [alert.id for alert in alerts])
    answers = _answers(session, [alert.id for alert in alerts])
    added = 0
    for alert in alerts:
        chain = _Chain(session, now, alert, chains[alert.id], sender, public_url)
        added += chain.tell_state() + sum(chain.tell_answer(answer) for answer in answers[alert.id])
    return added


def _to_look_at(session: Session, batch: int) -> list[Alert]:
    """Alerts with a line in their story that may have come after the newest message."""
    newest = session.scalar(select(func.max(CapMessage.sent)))
    rows = select(Alert).where(Alert.origin != "history", ~Alert.private)
    if newest:
        lines = select(AlertUpdate.alert_id).where(AlertUpdate.at >= newest - OVERLAP).distinct()
        known = select(CapMessage.alert_id).where(CapMessage.alert_id == Alert.id)
        # One that ended before this was first looked at was never published, and an end without a beginning says nothing.
        rows = rows.where(Alert.id.in_(lines), (Alert.state == OPEN) | known.exists())
    else:
        rows = rows.where(Alert.state == OPEN)
    return list(session.scalars(rows.order_by(Alert.opened_at, Alert.id).limit(batch)))


def _chains(session: Session, alert_ids: Sequence[UUID]) -> dict[UUID, list[CapMessage]]:
    found: dict[UUID, list[CapMessage]] = defaultdict(list)
    # What comes next is decided by what was said, never by the documents themselves, which are large.
    rows = select(CapMessage).where(CapMessage.alert_id.in_(alert_ids)).options(defer(CapMessage.document))
    for row in session.scalars(rows.order_by(CapMessage.number)):
        found[row.alert_id].append(row)
    return found


def _answers(session: Session, alert_ids: Sequence[UUID]) -> dict[UUID, list[Acknowledgement]]:
    found: dict[UUID, list[Acknowledgement]] = defaultdict(list)
    rows = select(Acknowledgement).where(Acknowledgement.alert_id.in_(alert_ids))
    for row in session.scalars(rows.order_by(Acknowledgement.at, Acknowledgement.id)):
        found[row.alert_id].append(row)
    return found


class _Chain:
    """The messages of one alert so far, and what is added to them."""

    def __init__(
        self,
        session: Session,
        now: datetime,
        alert: Alert,
        rows: list[CapMessage],
        sender: str,
        public_url: str,
    ) -> None:
        self.session, self.alert, self.rows = session, alert, rows
        self.sender, self.public_url = sender, public_url
        self.place = session.get_one(Locality, alert.locality_id)
        self.town = session.get_one(Locality, alert.town_id)
        self.zone = zone_of(session, self.place)
        self.now = now.astimezone(self.zone)
        self.known = {row.effect_key for row in rows}

    def tell_state(self) -> int:
        """Add a message where the alert says something else than the last one did."""
        last = next((row for row in reversed(self.rows) if row.kind != cap.ACK), None)
        facts = self._facts()
        if last and last.facts == facts:
            return 0
        over = self.alert.state != OPEN
        untrue = over and self.alert.outcome == "not_true"
        kind = cap.CANCEL if untrue else cap.UPDATE if last else cap.ALERT
        note = "What was reported was checked and is not true." if untrue else ""
        self._add(kind, f"cap:{self.alert.id}:{len(self.rows)}", facts, note=note, over=over)
        return 1

    def tell_answer(self, answer: Acknowledgement) -> int:
        """Add an Ack for an answer, once: by role, never by name."""
        key = f"cap:{answer.id}"
        if key in self.known:
            return 0
        note = f"{answer.role.replace('_', ' ')}: {answer.answer}"
        self._add(cap.ACK, key, "", note=note, at=answer.at.astimezone(self.zone))
        return 1

    def _facts(self) -> str:
        alert = self.alert
        said = (
            alert.level,
            alert.what,
            alert.sure,
            alert.ends_at,
            alert.state,
            alert.outcome,
            alert.revision,
        )
        return sha256(repr(said).encode()).hexdigest()

    def _add(
        self, kind: str, key: str, facts: str, *, note: str, over: bool = False, at: datetime | None = None
    ) -> None:
        row_id = new_id()
        said = _warning(self, str(row_id), kind, note, over, at or self.now)
        row = CapMessage(
            id=row_id,
            alert_id=self.alert.id,
            locality_id=self.alert.locality_id,
            withheld_from=self.alert.withheld_from,
            number=len(self.rows) + 1,
            kind=kind,
            sender=self.sender,
            sent=said.sent,
            title=said.words[0].headline if said.words else note,
            facts=facts,
            effect_key=key,
            document=cap.document(said).decode(),
        )
        self.session.add(row)
        self.session.flush()
        self.rows.append(row)

    def references(self, kind: str) -> tuple[tuple[str, str, datetime], ...]:
        """What a message answers: an Ack the last message, any other all before it."""
        before = [row for row in self.rows if row.kind != cap.ACK]
        wanted = before[-1:] if kind == cap.ACK else before
        return tuple((row.sender, str(row.id), row.sent.astimezone(self.zone)) for row in wanted)


def _warning(chain: _Chain, identifier: str, kind: str, note: str, over: bool, sent: datetime) -> cap.Warning:
    alert, town = chain.alert, chain.town
    said: dict[str, Any] = {
        "sender": chain.sender,
        "identifier": identifier,
        "sent": sent.replace(microsecond=0),
        "kind": kind,
        "exercise": alert.origin == "drill",
        "incident": f"{town.code}-{alert.number}",
        "town": town.name(),
        "note": note,
        "references": chain.references(kind),
    }
    if kind == cap.ACK:
        return cap.Warning(**said)
    bare = cap.Warning(**said, **_content(chain, over))
    because = BECAUSE[alert.outcome or "nothing_more"] if over else ""
    each = tuple(
        cap.words_for(
            language, messages.catalogue(language).language.words, bare, town.name(language), because
        )
        for language in _languages(chain.session, town)
    )
    return cap.Warning(**{**bare.__dict__, "words": each})


def _content(chain: _Chain, over: bool) -> dict[str, Any]:
    alert, town = chain.alert, chain.town
    codes = chain.session.execute(
        select(LocalityCode.scheme, LocalityCode.code)
        .where(LocalityCode.locality_id == town.id)
        .order_by(LocalityCode.scheme, LocalityCode.code)
    )
    located = town.latitude is not None and town.longitude is not None
    return {
        "level": alert.level,
        "what": alert.what,
        "sure": alert.sure,
        "action": routing.action_of(alert),
        "threat": alert.threat,
        "over": over,
        "onset": _local(alert.happened_at, chain.zone),
        "expires": _local(alert.closed_at if over else alert.ends_at, chain.zone),
        "sender_name": routing.sender_of(chain.session, alert.locality_id),
        "web": f"{chain.public_url}/a/{alert.id}" if chain.public_url else "",
        "point": (town.latitude, town.longitude) if located else None,
        "codes": (("concord:locality", town.code), *((scheme, code) for scheme, code in codes)),
    }


def _local(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    return at.astimezone(zone) if at else None


def _languages(session: Session, town: Locality) -> list[str]:
    """English first, then the languages of the country that have words of their own."""
    own = [str(language) for language in country_of(session, town).languages]
    return ["en", *(key for key in dict.fromkeys(own) if key != "en" and key in messages.CATALOGUES)]
