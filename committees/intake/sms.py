"""From the reading of an SMS to a report: what a few words can say, and nothing that they do not.

A sender's number can be forged, so an SMS is "told" at best and its kind is a guess for the secretary. The
report's id is made from the provider's id of the message, so that reading it twice is recording it once.
Whoever acts on an SMS may import this.
"""

from __future__ import annotations

from datetime import datetime
from itertools import takewhile
from uuid import UUID, uuid5

from committees import catalogue
from committees.intake.kinds import kind_of
from committees.intake.normalise import tokens
from committees.intake.reading import Reading
from committees.places import Locality
from committees.reports import NewReport, Source

_SPACE = UUID("5f0c7f2e-6a53-4c3c-9d0d-3f6c3a1f3f57")
HOW_KNOWN = "told"


def report_id(provider_id: str) -> UUID:
    """The id of the report that one message makes: the same each time."""
    return uuid5(_SPACE, provider_id)


def claimed_id(provider_id: str) -> UUID:
    """The id of the report that such a message makes of the member whom it names, once a person says that it is theirs."""
    return report_id(f"{provider_id}:from")


def without_handle(raw: str, handle: str) -> str:
    """A message without the word for whom its sender speaks, which is kept nowhere."""
    found = tokens(raw)
    for at in range(1, len(found)):
        parts = [found[at], *takewhile(lambda token: token.glued, found[at + 1 :])]
        if "".join(part.word for part in parts) == handle:
            return f"{raw[: parts[0].start]}…{raw[parts[-1].end :]}"
    return raw


def new_report(
    reading: Reading,
    *,
    provider_id: str,
    received_at: datetime,
    locality: Locality,
    source: Source,
    contact_point_id: UUID | None = None,
    reply_to: str | None = None,
    reply_channel: str = "sms",
    language: str = "en",
    script: str = "own",
    channel: str = "sms",
) -> NewReport:
    """The report that a REPORT reading makes; `reply_to` is the way back to an unknown number."""
    text = reading.text or ""
    return NewReport(
        id=report_id(provider_id),
        locality=locality,
        kind=catalogue.default_kind(kind_of(text) or "other"),
        occurred_at=received_at,
        how_known=HOW_KNOWN,
        channel=channel,
        source=source,
        text=text,
        contact_point_id=contact_point_id,
        reply_to=reply_to,
        reply_channel=reply_channel,
        language=language,
        script=script,
    )
