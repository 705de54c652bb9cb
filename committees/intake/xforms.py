"""A submission as XML, the way phones send it (OpenRosa): what KoboToolbox sends where XML is chosen, and hooks of ODK Central.

No document type and no entity is read. Pure; coordination/hooks.py uses it. Source: the OpenRosa metadata and submission specifications.
"""

from __future__ import annotations

import json
from typing import Any

from lxml import etree

DEEPEST = 12
META = "meta"


class NotASubmission(ValueError):
    """What came is none; the words say why."""


def submission(body: bytes) -> dict[str, Any]:
    """The submission in what a form server sent: a JSON object, XML, or XML in the envelope of a hook. Raises NotASubmission."""
    if body.lstrip()[:1] == b"<":
        return _xml(body)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise NotASubmission("This is neither a JSON object nor XML.")
    kind, data = told.get("type"), told.get("data")
    if not (isinstance(kind, str) and isinstance(data, dict) and "." in kind):
        return told
    if not isinstance(data.get("xml"), str):
        raise NotASubmission(f"The event {kind[:40]!r} is no submission. Send new submissions only.")
    found = _xml(data["xml"].encode("utf-8", "replace"))
    return {**found, "__id": told["id"]} if isinstance(told.get("id"), str) else found


def _xml(body: bytes) -> dict[str, Any]:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root: Any = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        raise NotASubmission("This XML cannot be read.") from None
    if root.getroottree().docinfo.doctype:
        raise NotASubmission("XML with a document type is not read.")
    found = _inside(root, 0)
    return found if isinstance(found, dict) else {}


def _inside(node: Any, depth: int) -> Any:
    """The answers below a node by their names; what repeats is a list."""
    if not len(node) or depth > DEEPEST:
        return (node.text or "").strip()
    found: dict[str, Any] = {}
    for child in node:
        name = child.tag.rpartition("}")[2]
        value = _inside(child, depth + 1)
        if name in found:
            before = found[name]
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[name] = value
    return found
