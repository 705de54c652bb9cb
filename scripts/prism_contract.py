"""Check the contract with Twilio from outside: our clients and our own Twilio-shaped server against Twilio's published document.

Run as: python -m scripts.prism_contract SPEC [--cache DIR]

SPEC is Twilio's OpenAPI document of its 2010 API (twilio_api_v2010.json of the repository twilio/twilio-oai). The command installs
Stoplight Prism by npm into a cache folder of its own, lets it serve the document on this machine, runs the clients of SMS, WhatsApp,
calls and recordings against it, and checks every answer of the Twilio-shaped server of the tests against the same document. It prints
a table and ends with 1 on any difference. The sound of a recording is not in the document, only where it is. Nothing of the document
becomes part of the project.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import requests

from alerts.channels import DeliveryFailed, Message, OutcomeUnknown, Sms, Voice, WhatsApp
from alerts.channels.twilio_inbox import TwilioInbox
from alerts.channels.twilio_recordings import TwilioRecordings
from scripts.twilio_document import Document
from tests.fake_twilio import FakeTwilio

PRISM = "@stoplight/prism-cli@5.16.0"
CACHE = Path.home() / ".cache" / "concord" / "prism"
ACCOUNT, TOKEN, NUMBER = "AC" + "a1" * 16, "token", "+15005550006"
PHONE, PUBLIC, CONTENT = "+923001234567", "https://concord.example.org", "HX" + "c" * 32
PATIENCE = 60


def main(arguments: list[str] | None = None) -> int:
    """Run all checks and print what they found; 0 if nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("spec", type=Path, help="Twilio's OpenAPI document, as JSON")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"where Prism is kept ({CACHE})")
    given = parser.parse_args(arguments)
    document = Document.read(given.spec)
    rows = [*_our_server(document)]
    with prism(given.spec, given.cache) as base:
        rows += _our_clients(document, base)
    wide = max(len(name) for name, _ in rows)
    for name, wrong in rows:
        print(f"{name:<{wide}}  {'differs: ' + wrong if wrong else 'as the document says'}")
    different = sum(bool(wrong) for _, wrong in rows)
    print(f"\n{len(rows)} checks, {different} differ")
    return 1 if different else 0


@contextmanager
def prism(spec: Path, cache: Path) -> Iterator[str]:
    """Prism serving the document on this machine; its base address."""
    program = cache / "node_modules" / ".bin" / "prism"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-fund", "--no-audit", "--silent", "--prefix", str(cache), PRISM]
        subprocess.run(command, check=True)  # noqa: S603 -- a fixed package in a fixed version
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(program), "mock", "-h", "127.0.0.1", "-p", str(port), str(spec.resolve())]
    served = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait(port, served)
        yield f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait(timeout=10)


def _wait(port: int, served: subprocess.Popen[bytes]) -> None:
    for _ in range(PATIENCE * 4):
        if served.poll() is not None:
            raise SystemExit("Prism stopped by itself. Is the document whole?")
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=2)
        except requests.RequestException:
            time.sleep(0.25)
        else:
            return
    raise SystemExit("Prism did not begin to listen.")


Row = tuple[str, str]


def _message(**changes: Any) -> Message:
    given: dict[str, Any] = {"outbox_id": uuid4(), "address": PHONE, "text": "Attention HIGH 4/5, Ward 7"}
    return Message(**(given | changes))


def _our_clients(document: Document, base: str) -> Iterator[Row]:
    """What our clients ask for is what the document takes, and what it answers is what they can read."""
    sent: list[tuple[str, str, str]] = []
    for public, answer in ((PUBLIC, "taken"), ("not an address", "refused")):
        sms = Sms(ACCOUNT, TOKEN, (NUMBER,), public, base)
        service = Sms(ACCOUNT, TOKEN, ("MG" + "a1" * 16,), public, base)
        whatsapp = WhatsApp(ACCOUNT, TOKEN, (NUMBER,), public, base, contents={("alert", "en"): CONTENT})
        voice = Voice(ACCOUNT, TOKEN, (NUMBER,), public, base)
        for channel in (sms, service, whatsapp, voice):
            _listen(document, channel, sent)
        approved = _message(template="alert", values={"what": "Fight"})
        tries: dict[str, Callable[[], Any]] = {
            "SMS from a number": lambda c=sms: c.send(_message()),  # type: ignore[misc]
            "SMS from a messaging service": lambda c=service: c.send(_message()),  # type: ignore[misc]
            "WhatsApp, free words": lambda c=whatsapp: c.send(_message(answering=True)),  # type: ignore[misc]
            "WhatsApp, approved words": lambda c=whatsapp, m=approved: c.send(m),  # type: ignore[misc]
            "a call": lambda c=voice: c.send(_message()),  # type: ignore[misc]
        }
        for name, attempt in tries.items():
            yield f"our client: {name}, {answer}", _unless(answer, attempt)
    yield from _questions(base, sms, whatsapp, voice)
    yield from _what_came_in(document, base, sent)
    for method, path, form in sent:
        wrong = document.request_differs(method, path, dict(parse_qsl(form)))
        if wrong:
            yield f"our client: {method} {path.partition('?')[0]}", wrong
    yield f"our clients: every field of {len(sent)} requests is known", "" if sent else "none was seen"


def _listen(
    document: Document,
    channel: Sms | Voice | TwilioInbox | TwilioRecordings,
    sent: list[tuple[str, str, str]],
) -> None:
    """Keep what a channel asks for: the method, the path with its query, and the form.

    Prism answers with the same first page again and again; after that one it is asked for the last, without the filters that the
    document's own examples carry on: it calls some of them invalid.
    """
    real = channel._http._lines.request

    def request(
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        most: int | None = None,
    ) -> tuple[int, bytes, dict[str, str]]:
        parts = urlsplit(url)
        sent.append((method, f"{parts.path}?{parts.query}", (body or b"").decode()))
        if "PageToken=" in parts.query:
            url, headers = (
                url.partition("?")[0],
                {**headers, "Prefer": f"example={document.last_page(parts.path)}"},
            )
        return real(method, url, headers, body, most=most)

    channel._http._lines.request = request  # type: ignore[method-assign]


def _questions(base: str, sms: Sms, whatsapp: WhatsApp, voice: Voice) -> Iterator[Row]:
    strange = Sms("AC1", TOKEN, (NUMBER,), PUBLIC, base)
    asked: dict[str, tuple[str, Callable[[], Any]]] = {
        "look for an SMS": ("taken", lambda: sms.look_up(_message(text="testing"))),
        "look for a WhatsApp message": ("answered", lambda: whatsapp.look_up(_message())),
        "look for a call": ("taken", lambda: voice.look_up(_message())),
        "ask for the account": ("answered", sms.check),
        "an account that is none": ("refused", lambda: strange.send(_message())),
    }
    for name, (answer, attempt) in asked.items():
        yield f"our client: {name}, {answer}", _unless(answer, attempt)


def _what_came_in(document: Document, base: str, sent: list[tuple[str, str, str]]) -> Iterator[Row]:
    """Reading what was sent to us and said to us, and taking Twilio's copies away."""
    inbox, recordings = TwilioInbox(ACCOUNT, TOKEN, (NUMBER,), base), TwilioRecordings(ACCOUNT, TOKEN, base)
    message, recording, since = "SM" + "a1" * 16, "RE" + "a1" * 16, datetime(2026, 11, 1, tzinfo=UTC)
    for client in (inbox, recordings):
        _listen(document, client, sent)
    asked: dict[str, tuple[str, Callable[[], Any]]] = {
        "fetch back an SMS": ("answered", lambda: inbox.fetch(message)),
        "list messages since a time": ("answered", lambda: list(inbox.since(since))),
        "list calls since a time": ("answered", lambda: list(inbox.calls_since(since))),
        "delete an SMS": ("answered", lambda: inbox.delete(message)),
        "look at a recording": ("taken", lambda: recordings.look(recording)),
        "list recordings since a time": ("answered", lambda: list(recordings.since(since))),
        "delete a recording": ("answered", lambda: recordings.delete(recording)),
    }
    for name, (answer, attempt) in asked.items():
        before = len(sent)
        yield f"our client: {name}, {answer}", _unless(answer, attempt) or _silent(sent, before)
    with suppress(OutcomeUnknown):  # Prism has no sound
        recordings.fetch(recording)
    method, path, _ = sent.pop()
    described = path.partition("?")[0].replace(".mp3", ".json")
    yield (
        "our client: the sound of a recording lies beside what is said of it",
        document.request_differs(method, described, {}),
    )


def _silent(sent: list[tuple[str, str, str]], before: int) -> str:
    return "" if len(sent) > before else "nothing was asked"


def _unless(answer: str, attempt: Callable[[], Any]) -> str:
    """Nothing if the attempt went as it should, else what happened."""
    try:
        got = attempt()
    except DeliveryFailed as failed:
        return "" if answer == "refused" else f"refused ({failed.code})"
    except OutcomeUnknown:
        return "the answer could not be read"
    return "" if answer == "answered" or (answer == "taken" and got) else f"answered {got!r}"


def _our_server(document: Document) -> Iterator[Row]:
    """Every answer of our Twilio-shaped server is one that the document describes, field by field."""
    numbers = (NUMBER, "whatsapp:" + NUMBER, "MG" + "a1" * 16)
    with FakeTwilio(account_sid=ACCOUNT, token=TOKEN, numbers=numbers, poster=lambda *_: 200) as twilio:
        twilio.contents[CONTENT] = "{{1}}"
        account = f"/2010-04-01/Accounts/{ACCOUNT}"
        back = {"StatusCallback": PUBLIC + "/hooks/twilio/status/1"}
        made: list[tuple[str, str, dict[str, str]]] = [
            ("POST", "/Messages.json", {"To": PHONE, "From": NUMBER, "Body": "Hello"} | back),
            ("POST", "/Messages.json", {"To": PHONE, "MessagingServiceSid": numbers[2], "Body": "Hello"}),
            ("POST", "/Messages.json", {"To": "whatsapp:" + PHONE, "From": numbers[1], "Body": "Hello"}),
            (
                "POST",
                "/Messages.json",
                {
                    "To": "whatsapp:" + PHONE,
                    "From": numbers[1],
                    "ContentSid": CONTENT,
                    "ContentVariables": json.dumps({"1": "Fight"}),
                },
            ),
            ("POST", "/Calls.json", {"To": PHONE, "From": NUMBER, "Twiml": "<Response/>"} | back),
        ]
        for method, path, fields in made:
            yield _asked(document, twilio, method, account + path, fields)
        for call in twilio.calls.made:
            twilio.calls.take(call)
        twilio.recordings.speak(twilio.calls.made[0].sid)
        twilio.settle()
        twilio.miss(PHONE, "R 7 fight")
        for path in (
            "/Messages.json?PageSize=2&Page=1",
            f"/Messages.json?To={PHONE.replace('+', '%2B')}",
            f"/Messages/{twilio.messages[0].sid}.json",
            "/Calls.json?PageSize=50",
            f"/Calls/{twilio.calls.made[0].sid}.json",
            "/Recordings.json?PageSize=50",
            f"/Recordings/{twilio.recordings.made[0].sid}.json",
            ".json",
        ):
            yield _asked(document, twilio, "GET", account + path, {})
        for path in (
            f"/Messages/{twilio.messages[0].sid}.json",
            f"/Recordings/{twilio.recordings.made[0].sid}.json",
        ):
            yield _asked(document, twilio, "DELETE", account + path, {})


def _asked(document: Document, twilio: FakeTwilio, method: str, path: str, fields: dict[str, str]) -> Row:
    answer = requests.request(
        method, twilio.url + path, data=fields, auth=(ACCOUNT, TOKEN), timeout=10, allow_redirects=False
    )
    wrong = document.request_differs(method, path, fields)
    body = answer.json() if answer.content else None
    wrong = wrong or document.answer_differs(method, path, answer.status_code, body)
    where = path.partition(ACCOUNT)[2].partition("?")[0]
    kind = "WhatsApp " if fields.get("To", "").startswith("whatsapp:") else ""
    return f"our server: {kind}{method} {where}", wrong


if __name__ == "__main__":
    sys.exit(main())
