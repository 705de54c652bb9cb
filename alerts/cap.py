"""An alert as a CAP 1.2 document (OASIS Common Alerting Protocol): typed values in, XML out. Pure.

What lives here: the mapping of Concord's closed lists to CAP's, and the document. What does not: which messages there are and how they refer
to each other (cap_messages.py), and reading documents of others (committees/intake/cap.py). Coordination may import it.

One document is made for every reader, so it says no more than an office from outside may read: the town, the hour, a closed word for what
happened, the level. Never a ward, a name, a number or a text that somebody wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from committees.catalogue import KINDS
from foundation.lazily import lazily

if TYPE_CHECKING:
    import lxml.builder as builder
    from lxml import etree
else:
    builder, etree = lazily("lxml.builder"), lazily("lxml.etree")

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
ALERT, UPDATE, CANCEL, ACK = "Alert", "Update", "Cancel", "Ack"
MARKING = "TLP:AMBER"

SEVERITY = {5: "Extreme", 4: "Severe", 3: "Moderate", 2: "Minor", 1: "Minor"}
URGENCY = {5: "Immediate", 4: "Immediate", 3: "Expected", 2: "Future", 1: "Future"}
CERTAINTY = {"confirmed": "Observed", "several": "Likely", "not_confirmed": "Possible"}
RESPONSE = {
    "keep_away": "Avoid",
    "check": "Assess",
    "listen": "Monitor",
    "prepare": "Prepare",
    "none": "None",
    "stop_rumours": "Execute",
    "meet": "Execute",
    "elders": "Execute",
    "visit": "Execute",
}
#: CAP names languages as RFC 3066 does; a Roman script is named as such.
LANGUAGE = {"en": "en", "ur": "ur-PK", "bn": "bn-BD", "si": "si-LK", "ta": "ta", "hi": "hi-IN", "dv": "dv-MV"}


class _Maker:
    """Makes CAP's elements by their names; lxml is loaded with the first one."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_elements(), name)


@cache
def _elements() -> builder.ElementMaker:
    return builder.ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})


_CAP: Any = _Maker()


@dataclass(frozen=True)
class Words:
    """The words of one language for one alert."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str
    area: str


@dataclass(frozen=True)
class Warning:
    """What one message says. Times carry the zone of the place; `references` are (sender, identifier, sent) of earlier messages."""

    sender: str
    identifier: str
    sent: datetime
    kind: str
    exercise: bool
    incident: str
    town: str
    note: str = ""
    references: tuple[tuple[str, str, datetime], ...] = ()
    level: int = 0
    what: str = ""
    sure: str = ""
    action: str = ""
    threat: str = ""
    over: bool = False
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    web: str = ""
    point: tuple[float, float] | None = None
    codes: tuple[tuple[str, str], ...] = ()
    words: tuple[Words, ...] = ()


def document(warning: Warning) -> bytes:
    """The message as CAP 1.2 XML, in UTF-8. An Ack carries no info blocks."""
    said = [_CAP.info(*_info(warning, words)) for words in warning.words]
    root = _CAP.alert(*_head(warning), *said)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def moment(at: datetime) -> str:
    """A time as CAP writes it: whole seconds and a numeric zone, -00:00 for UTC."""
    text = at.replace(microsecond=0).isoformat()
    return text.removesuffix("+00:00") + "-00:00" if at.utcoffset() == timedelta(0) else text


def _head(warning: Warning) -> Iterator[Any]:
    yield _CAP.identifier(warning.identifier)
    yield _CAP.sender(warning.sender)
    yield _CAP.sent(moment(warning.sent))
    yield _CAP.status("Exercise" if warning.exercise else "Actual")
    yield _CAP.msgType(warning.kind)
    yield _CAP.scope("Restricted")
    yield _CAP.restriction(f"The committee and the linked offices of {warning.town}. Not for publication.")
    yield _CAP.code(MARKING)
    if warning.note:
        yield _CAP.note(warning.note)
    if warning.references:
        yield _CAP.references(
            " ".join(",".join((sender, key, moment(sent))) for sender, key, sent in warning.references)
        )
    yield _CAP.incidents(warning.incident)


def _info(warning: Warning, words: Words) -> Iterator[Any]:
    kind = KINDS.get(warning.what)
    yield _CAP.language(LANGUAGE.get(words.language, words.language))
    yield _CAP.category(kind.cap if kind else "Security")
    yield _CAP.event(words.event)
    yield _CAP.responseType("AllClear" if warning.over else RESPONSE.get(warning.action, "Assess"))
    yield _CAP.urgency("Past" if warning.over else URGENCY.get(warning.level, "Unknown"))
    yield _CAP.severity(SEVERITY.get(warning.level, "Unknown"))
    yield _CAP.certainty(
        "Unlikely" if warning.kind == CANCEL else CERTAINTY.get(warning.sure, "Unknown"),
    )
    yield from _named(_CAP.eventCode, (("concord:what", warning.what),))
    yield _CAP.effective(moment(warning.sent))
    if warning.onset:
        yield _CAP.onset(moment(to_the_hour(warning.onset)))
    if warning.expires:
        yield _CAP.expires(moment(warning.expires))
    yield _CAP.senderName(warning.sender_name)
    yield _CAP.headline(words.headline)
    yield _CAP.description(words.description)
    if words.instruction and not warning.over:
        yield _CAP.instruction(words.instruction)
    if warning.web:
        yield _CAP.web(warning.web)
    said = (
        ("concord:level", str(warning.level)),
        ("concord:threat", warning.threat),
        ("concord:sure", warning.sure),
    )
    yield from _named(_CAP.parameter, said)
    yield _CAP.area(*_area(warning, words))


def _area(warning: Warning, words: Words) -> Iterator[Any]:
    yield _CAP.areaDesc(words.area)
    if warning.point:
        # A circle without a radius: the town as a point, never the spot of what happened.
        yield _CAP.circle(f"{warning.point[0]:.4f},{warning.point[1]:.4f} 0")
    yield from _named(_CAP.geocode, warning.codes)


def _named(element: Any, pairs: Iterable[tuple[str, str]]) -> Iterator[Any]:
    for name, value in pairs:
        yield element(_CAP.valueName(name), _CAP.value(value))


def to_the_hour(at: datetime) -> datetime:
    """The hour that a time lies in: the minute stays with the committee."""
    return at.replace(minute=0, second=0, microsecond=0)


def words_for(
    language: str, words: Mapping[str, Mapping[str, str]], warning: Warning, town: str, because: str = ""
) -> Words:
    """What a warning says in one language; `words` are the tables of that language's messages, `because` a key of why it is over."""
    kinds = words["kind"]
    event = kinds.get(warning.what) or kinds.get("unsorted") or kinds["several"]
    level = words["level"][str(warning.level)]
    return Words(
        language,
        event,
        f"{level} {warning.level}/5, {town}: {event}",
        words["because"][because] if because else words["sure"].get(warning.sure, event),
        words["action"].get(warning.action, ""),
        town,
    )
