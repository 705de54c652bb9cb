"""The hooks of providers and form servers: check who signed, store what came in as one row, answer, and wake the reader.
Nothing is understood here.

What a row means is inbound.py's business. A hook stores as the service `hook`, which on PostgreSQL may add
inbound rows and do nothing else: it cannot even read back what it stored. What a call is told it reads as the sender would.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, Response, request
from sqlalchemy.exc import IntegrityError

from alerts import recorded
from alerts.channels import call_menu, call_script, twilio_request
from alerts.channels.call_voice import Plays, Speaker
from alerts.channels.twilio_request import (
    Forged,
    IncomingCall,
    KeyPressed,
    MenuKey,
    NoteSpoken,
    StatusUpdate,
)
from alerts.composing import compose
from alerts.spoken import RECORDED
from committees import inbox
from committees.contact_addresses import VOICE
from committees.inbox import CALL, IGNORED, KEY, MENU, MENU_CALL, NOTE, SMS, STATUS, WAITING, Inbound
from committees.intake import xforms
from committees.intake.normalise import storable
from coordination import call_keys
from coordination.collected import LARGEST_FORM, Item, form_item
from coordination.runtime import Runtime
from foundation.crypto import cipher
from foundation.db import new_id
from foundation.logs import log
from foundation.outbox import OutboxMessage
from foundation.policy import service

Kind = TypeVar("Kind")
SILENCE = "<Response/>"
CHOOSE = "choose"  # where in the menu a language is chosen
#: A form server names its own header, or can name none but the second.
SECRET_HEADERS = ("X-Concord-Secret", "X-API-Key")
NO_SUBMISSION = f"Send one submission as a JSON object or as XML, of {LARGEST_FORM // 1024} KiB at most."
#: Hanging up before the call is taken: it costs the caller nothing.
#: 1 acting, 2 seen, 3 cannot: what each means is coordination/call_keys.py's business.
ANSWERING_KEYS = frozenset("123")
REJECT = '<Response><Reject reason="busy"/></Response>'


def register(app: Flask, runtime: Runtime) -> None:
    """Put the hooks on the map. They need no form token: a signature says who speaks."""

    def sms() -> Response:
        return _serve(runtime, _sms_row, twilio_request.Inbound, SILENCE)

    def status(outbox_id: UUID) -> Response:
        return _serve(runtime, lambda told: _status_row(told, outbox_id), StatusUpdate, SILENCE)

    def voice() -> Response:
        return _serve(runtime, _call_row, IncomingCall, REJECT)

    def key(outbox_id: UUID, language: str) -> Response:
        return _key(runtime, outbox_id, language)

    app.add_url_rule("/hooks/forms/<name>", "hook:form", lambda name: _form(runtime, name), methods=["POST"])

    def menu(language: str | None = None) -> Response:
        return _menu(runtime, language)

    app.add_url_rule("/hooks/twilio/menu", "hook:menu", menu, methods=["POST"])
    app.add_url_rule("/hooks/twilio/menu/<language>", "hook:menu_key", menu, methods=["POST"])
    app.add_url_rule(
        "/hooks/twilio/menu/<language>/said",
        "hook:said",
        lambda language: _said(runtime, language),
        methods=["POST"],
    )
    app.add_url_rule("/hooks/twilio/recording", "hook:recording", lambda: _said(runtime), methods=["POST"])
    app.add_url_rule("/hooks/twilio/sms", "hook:sms", sms, methods=["POST"])
    app.add_url_rule("/hooks/twilio/status/<uuid:outbox_id>", "hook:status", status, methods=["POST"])
    app.add_url_rule("/hooks/twilio/voice", "hook:voice", voice, methods=["POST"])
    app.add_url_rule(
        "/hooks/twilio/voice/<uuid:outbox_id>/<language>/open",
        "hook:open",
        lambda outbox_id, language: _open(runtime, outbox_id, language),
        methods=["POST"],
    )
    app.add_url_rule(f"{recorded.PATH}<ticket>", "hook:line", lambda ticket: _line(runtime, ticket))
    app.add_url_rule("/hooks/twilio/voice/<uuid:outbox_id>/<language>", "hook:key", key, methods=["POST"])


def _form(runtime: Runtime, name: str) -> Response:
    """Keep one submission of a form server that knows the secret of its name; whoever does not is refused alike."""
    hook = runtime.config.form_hooks.get(name)
    said = next((request.headers[one] for one in SECRET_HEADERS if one in request.headers), "")
    if hook is None or not hmac.compare_digest(said.encode(), hook.secret.encode()):
        return Response("", 403, mimetype="text/plain")
    body = request.get_data(cache=False) if (request.content_length or 0) <= LARGEST_FORM else b""
    try:
        told = xforms.submission(body)
    except xforms.NotASubmission as why:
        return Response(f"{why} {NO_SUBMISSION}", 400, mimetype="text/plain")
    item = form_item(name, hook.place, told)
    _keep(runtime, lambda one: (_item_row(one), one.sender, one.text), item)
    runtime.wake()
    return Response("", 200, mimetype="text/plain")


def _item_row(item: Item) -> Inbound:
    return Inbound(
        kind=item.kind, provider_id=item.provider_id, confirmed=True, details={**item.details, "sent": True}
    )


def _menu(runtime: Runtime, language: str | None) -> Response:
    """One step of the menu: a call is kept before a word is said, and a key before it is thanked for."""
    base = f"{runtime.config.public_url}/hooks/twilio/menu"
    told = _told(runtime, IncomingCall) if language is None else _told(runtime, MenuKey)
    if told is None:
        return _refused()
    recordings = _recorded(runtime)
    speaks = Speaker(str(language), recordings.get(str(language), {}))
    hidden = not told.caller
    if isinstance(told, IncomingCall):
        _keep(runtime, _menu_call_row, told)
        answer = call_menu.languages(f"{base}/{CHOOSE}", recordings, hidden=hidden)
    elif language == CHOOSE:
        chosen = call_menu.language_of(told.key)
        answer = (
            call_menu.menu(Speaker(chosen, recordings.get(chosen, {})), f"{base}/{chosen}", hidden=hidden)
            if chosen
            else call_menu.languages(f"{base}/{CHOOSE}", recordings, hidden=hidden)
        )
    elif told.confirmed and told.key in call_menu.KEYS:
        _keep(runtime, lambda pressed: _menu_row(pressed, str(language)), told)
        runtime.wake()
        if told.key in call_menu.KINDS:
            ready = f"{runtime.config.public_url}/hooks/twilio/recording"
            answer = call_menu.note(speaks, f"{base}/{language}/said", ready, hidden=hidden)
        else:
            answer = call_menu.thanks(speaks, hidden=hidden)
    else:
        answer = call_menu.menu(speaks, f"{base}/{language}", again=True, hidden=hidden)
    return Response(answer, 200, mimetype="text/xml")


def _said(runtime: Runtime, language: str = "") -> Response:
    """Keep that something was said after the tone, told in the call or later: whichever comes first. In the call, say thank you."""

    def thanks(told: NoteSpoken) -> str:
        return call_menu.thanks(_speaker(runtime, language), hidden=told.hidden)

    return _serve(runtime, _note_row, NoteSpoken, thanks if language else SILENCE)


def _refused() -> Response:
    """The reason would help whoever forges; the route and the status are in the log already."""
    return Response("", 403, mimetype="text/plain")


def _serve(runtime: Runtime, row_of: Any, wanted: type[Any], answer: str | Callable[[Any], str]) -> Response:
    """Check one request and keep it once; anything that is not certainly the provider's is refused alike."""
    if (told := _told(runtime, wanted)) is None:
        return _refused()
    _keep(runtime, row_of, told)
    runtime.wake()
    return Response(answer if isinstance(answer, str) else answer(told), 200, mimetype="text/xml")


def _key(runtime: Runtime, outbox_id: UUID, language: str) -> Response:
    """Keep a key that answers, and say thank you or why it counts no more; for any other key, say again which ones there are."""
    link = runtime.config.public_url + request.path
    if (told := _told(runtime, KeyPressed)) is None:
        return _refused()
    line = call_script.ASK_AGAIN
    if told.confirmed and told.key in ANSWERING_KEYS:
        _keep(runtime, lambda pressed: _key_row(pressed, outbox_id), told)
        runtime.wake()
        with runtime.worker.open(service("sender")) as session:
            line = call_keys.heard(session, outbox_id, told.sid)
    answer = call_script.answer(line, _speaker(runtime, language), link)
    return Response(answer, 200, mimetype="text/xml")


def _open(runtime: Runtime, outbox_id: UUID, language: str) -> Response:
    """Whoever took our call pressed a key: say the message of this call, or ask again for the key that opens it."""
    link = runtime.config.public_url + request.path
    if (told := _told(runtime, KeyPressed)) is None:
        return _refused()
    speaks = _speaker(runtime, language)
    if told.key != call_script.OPEN:
        return Response(call_script.opening(speaks, link), 200, mimetype="text/xml")
    with runtime.worker.open(service("sender")) as session:
        row = session.get(OutboxMessage, outbox_id)
        said = None
        if row is not None and row.channel == VOICE and row.provider_id in (None, told.sid):
            said, _ = compose(cipher(session), runtime.config.public_url, row, "", since=None)
    if said is None:
        return Response(SILENCE, 200, mimetype="text/xml")
    answer = call_script.script(said.text, said.template, speaks, link.removesuffix("/open"))
    return Response(answer, 200, mimetype="text/xml")


def _line(runtime: Runtime, ticket: str) -> Response:
    """A recorded line, for the provider that plays it: at an address that we signed, or not at all."""
    with runtime.worker.open(service("sender")) as session:
        row = recorded.behind(session, cipher(session), ticket)
        if row is None:
            return Response("", 404, mimetype="text/plain")
        return Response(row.sound, 200, mimetype=row.kind)


def _recorded(runtime: Runtime) -> Mapping[str, Plays]:
    with runtime.worker.open(service("sender")) as session:
        return recorded.plays(session, cipher(session), runtime.config.public_url)


def _speaker(runtime: Runtime, language: str) -> Speaker:
    """Who speaks a language in this call; nothing is looked up for one that a voice speaks."""
    return Speaker(language, _recorded(runtime).get(language, {}) if language in RECORDED else {})


def _told(runtime: Runtime, wanted: type[Kind]) -> Kind | None:
    """What a request says, if one of our accounts made it and it is of the kind that this hook is for."""
    config = runtime.config
    for account_sid, tokens, senders in config.twilio_accounts:
        with suppress(Forged):
            told = twilio_request.validate(
                # Never from the Host header: whoever sends a request chooses that.
                config.public_url + request.path,
                list(request.form.items(multi=True)),
                request.headers.get("X-Twilio-Signature"),
                tokens,
                account_sid,
                senders,
            )
            return told if isinstance(told, wanted) else None
    return None


def _keep(runtime: Runtime, row_of: Any, told: Any) -> None:
    """Store the row; one that stands already is the same request again, and is left as it is."""
    with runtime.web.open(service("hook"), write=True) as session:
        row, number, text = row_of(told)
        row.id, row.received_at = new_id(), runtime.clock.now()
        if number:
            inbox.seal_message(session, row, number, storable(text))
        session.add(row)
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            log().info("hook_repeated", state=row.kind)


def _sms_row(told: twilio_request.Inbound) -> tuple[Inbound, str, str]:
    details = {"to": told.to, "media": told.media, "channel": told.channel}
    row = Inbound(kind=SMS, provider_id=told.sid, confirmed=told.confirmed, details=details)
    return row, told.sender, told.claimed_body


def _call_row(told: IncomingCall) -> tuple[Inbound, str, str]:
    row = Inbound(kind=CALL, provider_id=told.sid, confirmed=told.confirmed, details={"to": told.to})
    return row, told.caller, ""


def _menu_call_row(told: IncomingCall) -> tuple[Inbound, str, str]:
    row = Inbound(kind=MENU_CALL, provider_id=told.sid, confirmed=told.confirmed, details={"to": told.to})
    return row, told.caller, ""


def _menu_row(told: MenuKey, language: str) -> tuple[Inbound, str, str]:
    details = {"to": told.to, "sid": told.sid, "key": told.key, "language": language}
    return Inbound(kind=MENU, provider_id=f"{told.sid}:menu:{told.key}", details=details), told.caller, ""


def _note_row(told: NoteSpoken) -> tuple[Inbound, str, str]:
    details = {"sid": told.call, "account": told.account}
    state = WAITING if told.there else IGNORED
    kept = told.recording if told.there else f"{told.recording}:absent"
    row = Inbound(kind=NOTE, provider_id=kept, confirmed=told.confirmed, details=details, state=state)
    return row, "", ""


def _key_row(told: KeyPressed, outbox_id: UUID) -> tuple[Inbound, str, str]:
    details = {"outbox_id": str(outbox_id), "sid": told.sid, "key": told.key}
    return Inbound(kind=KEY, provider_id=f"{told.sid}:{told.key}", confirmed=True, details=details), "", ""


def _status_row(told: StatusUpdate, outbox_id: UUID) -> tuple[Inbound, str, str]:
    details = {
        "outbox_id": str(outbox_id),
        "state": told.state,
        "sid": told.sid,
        "code": told.code,
        "words": told.words,
    }
    key = f"{told.sid}:{told.state}"
    return Inbound(kind=STATUS, provider_id=key, confirmed=told.confirmed, details=details), "", ""
