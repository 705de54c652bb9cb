"""From a row of the outbox to the message that a channel is given: a letter, words to be spoken, or a short text.

Pure: the caller brings the row, the opened address and what else it read. `alerts.delivery` (and its parts) is the caller.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from alerts import answer_links, messages, press_links, spoken
from alerts.answer_links import Ticket
from alerts.channels.base import Message
from alerts.channels.webhook import Webhook
from alerts.press_links import Press
from alerts.sms_routes import PLAIN, Route
from committees.contact_addresses import APPRISE, EMAIL, SMS, VOICE
from committees.contact_stops import link_path
from foundation.crypto import Cipher

#: For how long after a person wrote WhatsApp takes free words from us: a day, less what a message may wait on its way.
CONVERSATION = timedelta(hours=23, minutes=45)


def in_conversation(now: datetime, heard_at: datetime | None, *, bare: bool) -> bool:
    """Whether this person wrote to us on this channel lately; what goes to a bare number always answers one."""
    return bare or (heard_at is not None and now - heard_at < CONVERSATION)


def compose(
    cipher: Cipher,
    public_url: str,
    row: Any,
    address: str,
    *,
    since: datetime | None,
    ticket: Ticket | Press | None = None,
    taken_ids: frozenset[str] = frozenset(),
    answering: bool = False,
    route: Route = PLAIN,
    plays: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Message, int]:
    """The message of one outbox row and its segments; raise Problem where it cannot be written."""
    secret = cipher.open("outbox.secret", row.id, row.secret_sealed) if row.secret_sealed else None
    if row.channel == EMAIL:
        return _letter(cipher, public_url, row, address, secret, since, ticket), 0
    if row.channel == Webhook.key:
        return Message(row.id, address, json.dumps(row.slots, ensure_ascii=False), since=since), 0
    calls = row.channel == VOICE
    language = spoken.spoken_language(row.language) if calls else row.language
    script = "own" if calls else row.script
    # The route is the plain one but for what travels as an SMS.
    as_sms = _as_sms(route) if row.channel in (SMS, APPRISE) else {}
    text = messages.render(row.template, row.slots, language, script, secret, **as_sms)
    said = spoken.text_of(row.template, text) if calls else text.text
    if row.channel == APPRISE and (link := _link(cipher, public_url, ticket, since)):
        said = f"{said}\n\n{link}"  # what travels as an SMS comes without a ticket
    message = Message(
        row.id,
        address,
        said,
        language=row.language if calls else text.language,
        since=since,
        taken_ids=taken_ids,
        template=row.template,
        values=text.values,
        answering=answering,
        sender=route.sender,
        registered=(route.entity, route.ids.get((row.template, text.language), "")),
        # A code is wiped once it is handed over: nobody could say it later.
        after_key=calls and secret is None,
        plays=plays,
    )
    return message, text.segments


def _as_sms(route: Route) -> dict[str, Any]:
    """How the words are written for the country's way of SMS."""
    brand = route.brand if route.registered else ""
    return {"one_way": route.one_way, "concat": route.concat_ok, "brand": brand}


def _link(cipher: Cipher, public_url: str, ticket: Ticket | Press | None, since: datetime | None) -> str:
    """The link by which one person answers with one tap, or nothing."""
    if isinstance(ticket, Press):
        return press_links.address(cipher, public_url, ticket)
    return answer_links.address(cipher, public_url, ticket, since) if ticket and since else ""


def _letter(
    cipher: Cipher,
    public_url: str,
    row: Any,
    address: str,
    secret: str | None,
    since: datetime | None,
    ticket: Ticket | Press | None,
) -> Message:
    link = _link(cipher, public_url, ticket, since)
    letter = messages.render_mail(row.template, row.slots, row.language, row.script, secret, link)
    stop = public_url + link_path(cipher, row.contact_point_id) if row.contact_point_id else ""
    return Message(
        row.id,
        address,
        letter.text,
        letter.subject,
        letter.html,
        letter.language,
        since=since,
        template=row.template,
        stop_link=stop,
    )
