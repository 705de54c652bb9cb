"""Reads a CAP 1.2 message of another system: strictly, with every refusal saying what to do. Pure.

What lives here: from bytes to plain values. What does not: which place of ours is meant and what becomes of the message
(coordination/cap_intake.py), and writing CAP (alerts/cap.py). Entities, DOCTYPEs, depth and size are bounded: the document is a stranger's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import etree

from foundation.errors import Invalid

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
LARGEST, DEEPEST = 256_000, 8
STATUS = ("Actual", "Exercise", "System", "Test", "Draft")
KINDS = ("Alert", "Update", "Cancel", "Ack", "Error")


@dataclass(frozen=True)
class Area:
    """Where: words, and codes as (scheme, code)."""

    words: str
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Info:
    """One language's part of a message. Times carry their zone."""

    language: str
    event: str
    codes: tuple[tuple[str, str], ...]
    severity: str
    certainty: str
    effective: datetime | None
    onset: datetime | None
    expires: datetime | None
    headline: str
    description: str
    areas: tuple[Area, ...]


@dataclass(frozen=True)
class CapDocument:
    """A whole message. `references` are (sender, identifier, sent as written) of earlier messages."""

    identifier: str
    sender: str
    sent: datetime
    status: str
    kind: str
    scope: str
    references: tuple[tuple[str, str, str], ...]
    infos: tuple[Info, ...]


def read(document: bytes) -> CapDocument:
    """The message in `document`; raise Invalid on "document" with what is wrong and what to do."""
    root = _tree(document)
    return CapDocument(
        identifier=_name(root, "identifier"),
        sender=_name(root, "sender"),
        sent=_moment(root, "sent", needed=True) or datetime.max,
        status=_one_of(root, "status", STATUS),
        kind=_one_of(root, "msgType", KINDS),
        scope=_text(root, "scope"),
        references=_references(_text(root, "references")),
        infos=tuple(_info(node) for node in _children(root, "info")),
    )


def _tree(document: bytes) -> Any:
    if len(document) > LARGEST:
        raise _bad("This message is too large.", f"Send at most {LARGEST // 1000} kB.")
    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise _bad("This message brings definitions of its own.", "Send it without a DOCTYPE.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise _bad("This is not XML.", "Send the CAP message as it was published, whole.") from None
    if root.tag != f"{{{NAMESPACE}}}alert":
        raise _bad("This is not a CAP 1.2 message.", f"It begins with <alert> of the namespace {NAMESPACE}.")
    if _deep(root, DEEPEST):
        raise _bad("This message is nested too deeply.", "Send a CAP 1.2 message.")
    return root


def _deep(node: Any, left: int) -> bool:
    return left == 0 or any(_deep(child, left - 1) for child in node)


def _info(node: Any) -> Info:
    return Info(
        language=_text(node, "language") or "en-US",
        event=_text(node, "event"),
        codes=_pairs(_children(node, "eventCode")),
        severity=_text(node, "severity"),
        certainty=_text(node, "certainty"),
        effective=_moment(node, "effective"),
        onset=_moment(node, "onset"),
        expires=_moment(node, "expires"),
        headline=_text(node, "headline"),
        description=_text(node, "description"),
        areas=tuple(
            Area(_text(area, "areaDesc"), _pairs(_children(area, "geocode")))
            for area in _children(node, "area")
        ),
    )


def _children(node: Any, name: str) -> list[Any]:
    return list(node.findall(f"{{{NAMESPACE}}}{name}"))


def _text(node: Any, name: str) -> str:
    return str(node.findtext(f"{{{NAMESPACE}}}{name}") or "").strip()


def _name(node: Any, name: str) -> str:
    found = _text(node, name)
    if not found or len(found) > 200 or any(letter.isspace() or letter in ",<&" for letter in found):
        raise _bad(
            f"The <{name}> of this message is missing or cannot be used.",
            "It is up to 200 letters without spaces or commas.",
        )
    return found


def _one_of(node: Any, name: str, allowed: Iterable[str]) -> str:
    found = _text(node, name)
    if found not in allowed:
        raise _bad(f"The <{name}> of this message is not one of CAP.", f"Use {', '.join(allowed)}.")
    return found


def _moment(node: Any, name: str, *, needed: bool = False) -> datetime | None:
    found = _text(node, name)
    if not found and not needed:
        return None
    try:
        at = datetime.fromisoformat(found)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _bad(f"The <{name}> of this message is not a time.", "Write it as 2026-11-28T18:00:00+05:00.")
    return at


def _pairs(nodes: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((_text(node, "valueName"), _text(node, "value")) for node in nodes)


def _references(text: str) -> tuple[tuple[str, str, str], ...]:
    found = [tuple(part.split(",")) for part in text.split()]
    if any(len(parts) != 3 for parts in found):
        raise _bad(
            "The <references> of this message cannot be read.",
            "Each is sender,identifier,sent; they are parted by spaces.",
        )
    return tuple((sender, key, sent) for sender, key, sent in found)


def _bad(message: str, hint: str) -> Invalid:
    return Invalid("document", message, hint)
