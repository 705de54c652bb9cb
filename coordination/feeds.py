"""Feeds for programs: CAP documents and their Atom feed, within the reader's rights.

A reader is whoever is signed in, or a token: as a bearer token, or as the password of HTTP Basic, which every feed reader can send. A token
never stands in an address. Who may read what is policy's business; what a document says is alerts/cap.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask, Response, request
from flask_login import current_user
from lxml import etree
from lxml.builder import ElementMaker
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import cap
from alerts.cap_messages import CapMessage
from coordination.api.auth import find_caller
from coordination.runtime import Runtime
from foundation.errors import NotFound
from foundation.policy import Principal

MOST, DAYS = 100, timedelta(days=30)
CAP_TYPE, ATOM_TYPE = "application/cap+xml", "application/atom+xml"
ATOM = "http://www.w3.org/2005/Atom"
_ATOM = ElementMaker(namespace=ATOM, nsmap={None: ATOM})
_ASK = {"WWW-Authenticate": 'Basic realm="Concord: a token from concord token PERSON as the password"'}


def register(app: Flask, runtime: Runtime) -> None:
    """Put the feeds on the map."""

    @app.get("/feeds/cap.atom")
    def cap_feed() -> Response:
        return _served(runtime, lambda session: (_feed(session, runtime), ATOM_TYPE))

    @app.get("/alerts/<uuid:alert_id>.cap.xml")
    def cap_document(alert_id: UUID) -> Response:
        return _served(runtime, lambda session: (_document(session, alert_id), CAP_TYPE))


def _served(runtime: Runtime, made: Any) -> Response:
    with _session(runtime) as session:
        if session is None:
            words = "Sign in, or send a token with the scope read: concord token PERSON --scope read\n"
            return Response(words, 401, headers=_ASK, mimetype="text/plain")
        body, kind = made(session)
    response = Response(body, content_type=f"{kind}; charset=utf-8")
    response.add_etag()
    response.make_conditional(request)
    return response


@contextmanager
def _session(runtime: Runtime) -> Iterator[Session | None]:
    principal = _principal(runtime)
    if principal is None:
        yield None
        return
    with runtime.web.open(principal) as session:
        yield session


def _principal(runtime: Runtime) -> Principal | None:
    sent = request.authorization
    token = (sent.token or sent.password) if sent else None
    if token:
        caller = find_caller(runtime, token)
        return caller.principal if caller and "read" in caller.scopes else None
    if current_user.is_authenticated:
        principal: Principal = current_user.principal
        return principal
    return None


def _document(session: Session, alert_id: UUID) -> str:
    """The newest message of an alert that is not an answer, or the one that `?message=` names."""
    rows = select(CapMessage).where(CapMessage.alert_id == alert_id)
    if wanted := request.args.get("message"):
        try:
            rows = rows.where(CapMessage.id == UUID(wanted))
        except ValueError:
            raise NotFound from None
    else:
        rows = rows.where(CapMessage.kind != cap.ACK)
    row = session.scalars(rows.order_by(CapMessage.number.desc()).limit(1)).first()
    if row is None:
        raise NotFound
    return row.document


def _feed(session: Session, runtime: Runtime) -> bytes:
    since = runtime.clock.now() - DAYS
    rows = select(CapMessage).where(CapMessage.sent >= since)
    found = list(session.scalars(rows.order_by(CapMessage.sent.desc(), CapMessage.number.desc()).limit(MOST)))
    address = f"{runtime.config.public_url}/feeds/cap.atom"
    root = _ATOM.feed(
        _ATOM.id(address),
        _ATOM.title("Concord: alerts as CAP 1.2"),
        _ATOM.updated(cap.moment(found[0].sent if found else since)),
        _ATOM.author(_ATOM.name("Concord")),
        _ATOM.link(rel="self", href=address, type=ATOM_TYPE),
        *(_entry(row, runtime.config.public_url) for row in found),
    )
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _entry(row: CapMessage, public_url: str) -> Any:
    address = f"{public_url}/alerts/{row.alert_id}.cap.xml?message={row.id}"
    return _ATOM.entry(
        _ATOM.id(f"urn:uuid:{row.id}"),
        _ATOM.title(f"{row.kind}: {row.title}"),
        _ATOM.updated(cap.moment(row.sent)),
        _ATOM.link(rel="alternate", href=address, type=CAP_TYPE),
        _ATOM.category(term=row.kind),
    )
