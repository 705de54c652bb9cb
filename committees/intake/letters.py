"""An e-mail as it came, read: who says they wrote it, whether our own mail server proved that, and the words without what they answer to.

Attachments are never opened; HTML becomes plain words. The From line is a hint (trust model, T5): only a result that the operator's own
mail server stamped proves a sender. Pure; coordination/collecting.py uses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from hashlib import blake2b
from html.parser import HTMLParser

LARGEST = 256 * 1024
"""Of a longer letter only this many bytes are looked at."""
LONGEST, LONGEST_WHO = 2000, 250
POSTMASTERS = frozenset({"mailer-daemon", "postmaster"})
AUTOMATIC = frozenset({"bulk", "list", "junk", "auto_reply"})
_QUOTE = re.compile(
    r"^\s*(>|-{2,}\s*original message|-{5,}|_{10,}|on .{4,200} wrote:\s*$|from:\s.+@|sent from my )",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"^--\s?$")


@dataclass(frozen=True)
class Letter:
    """One e-mail. `whole` is everything that was written, `words` what is new in it; `proven`: our mail server vouches for `sender`."""

    key: str
    sender: str
    proven: bool
    automatic: bool
    whole: str
    words: str
    files: int = 0
    """How many files came with it: none is opened or kept."""


class _Plain(HTMLParser):
    """The words of an HTML part, a line for each block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line for a block; leave out what nobody reads and what is quoted."""
        if tag == "blockquote" and not self._hidden:
            self.found.append("\n>\n")
        if tag in ("style", "script", "head", "blockquote"):
            self._hidden += 1
        elif tag in ("p", "div", "br", "li", "tr"):
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End what is left out."""
        if tag in ("style", "script", "head", "blockquote") and self._hidden:
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        if not self._hidden:
            self.found.append(data)


def read(raw: bytes, trusted: str | None = None) -> Letter:
    """Read a letter, whatever it holds; `trusted` names the mail server whose stamps count."""
    message = message_from_bytes(raw[:LARGEST], policy=policy.default)
    assert isinstance(message, EmailMessage)
    sender = _sender(message)
    subject, body = _header(message, "Subject"), _body(message)
    new = _new(body)
    return Letter(
        key=_clean(_header(message, "Message-ID").strip("<> ")) or blake2b(raw, digest_size=16).hexdigest(),
        sender=sender,
        proven=bool(sender and trusted) and _proven(message, sender, trusted or ""),
        automatic=_automatic(message),
        whole=_clean(f"{subject}\n\n{body}" if subject else body),
        # A reply repeats our subject; a letter of one's own may have said everything in it.
        words=_clean(new if re.match(r"(re|aw|fw|fwd)\s*:", subject, re.IGNORECASE) else f"{subject}\n{new}")[
            :LONGEST
        ],
        files=sum(bool(part.get_filename()) for part in message.walk()),
    )


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, "")).replace("\r", " ").replace("\n", " ").strip()
    except Exception:  # noqa: BLE001 -- the standard library fails on some headers that are no headers
        return ""


def _sender(message: EmailMessage) -> str:
    """The one address of the From line, in small letters; nothing where there are more or none."""
    try:
        found = message.get_all("From", [])
        addresses: list[Address] = [one for line in found for one in getattr(line, "addresses", ())]
    except Exception:  # noqa: BLE001 -- as above
        return ""
    address = addresses[0].addr_spec.casefold() if len(addresses) == 1 else ""
    return address if "@" in address and address == _clean(address) else ""


def _body(message: EmailMessage) -> str:
    """The words of the first plain part, else of the first HTML part."""
    parts = [part for part in message.walk() if not part.is_multipart() and not part.get_filename()]
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind:
                text = _from_html(_text(part)) if kind == "text/html" else _text(part)
                if text.strip():
                    return text
    return ""


def _text(part: EmailMessage) -> str:
    """The words of a part in its own alphabet; one that names none, or only ASCII, and is not, is mostly UTF-8."""
    payload = part.get_payload(decode=True)
    named = str(part.get_content_charset() or "us-ascii")
    if isinstance(payload, bytes):
        for alphabet in ("utf-8", named) if named in ("us-ascii", "ascii", "utf-8") else (named, "utf-8"):
            try:
                return payload.decode(alphabet)
            except (LookupError, ValueError):
                continue
    try:
        return str(part.get_content())
    except Exception:  # noqa: BLE001 -- an unknown alphabet, half a base64: what can be read is read
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _from_html(text: str) -> str:
    plain = _Plain()
    try:
        plain.feed(text)
        plain.close()
    except AssertionError:
        return ""
    lines = "".join(plain.found).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines)


def _new(body: str) -> str:
    """What stands before the first quoted line or the signature."""
    lines: list[str] = []
    for line in body.splitlines():
        if _QUOTE.match(line) or _SIGNATURE.match(line):
            return "\n".join(_without_who_wrote(lines) if line.lstrip().startswith(">") else lines)
        lines.append(line)
    return "\n".join(lines)


def _without_who_wrote(lines: list[str]) -> list[str]:
    """Without the line right above a quotation that says who wrote it when, in whatever language; mail programs break it into two."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    for many in (1, 2):
        said = " ".join(lines[-many:]).strip()
        if said.endswith((":", "：")) and re.search(r"\d|@", said) and len(said) < LONGEST_WHO:
            return lines[:-many]
    return lines


def _clean(text: str) -> str:
    """Without what PostgreSQL cannot keep, and without empty lines at the ends."""
    text = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"\n{3,}", "\n\n", text.replace("\r\n", "\n")).strip()


def _automatic(message: EmailMessage) -> bool:
    said = _header(message, "Auto-Submitted").casefold()
    return (
        said not in ("", "no")
        or _header(message, "Precedence").casefold() in AUTOMATIC
        or _header(message, "Return-Path") == "<>"
        or any(_header(message, name) for name in ("List-Id", "X-Autoreply", "X-Autorespond"))
        or message.get_content_type() == "multipart/report"
        or _sender(message).partition("@")[0] in POSTMASTERS
    )


def _proven(message: EmailMessage, sender: str, trusted: str) -> bool:
    """Whether the topmost stamp is of our own server and says that the sender's domain stands behind the letter."""
    try:
        stamps = [str(one) for one in message.get_all("Authentication-Results", [])]
    except Exception:  # noqa: BLE001 -- as above
        return False
    if not stamps:
        return False
    # The topmost one only: those under it came with the letter, and anybody may have written them.
    name, _semicolon, results = _unquoted(" ".join(stamps[0].split())).partition(";")
    if name.strip().partition(" ")[0].casefold() != trusted.casefold():
        return False
    domain = re.escape(sender.rpartition("@")[2])
    for result in results.split(";"):
        if re.match(rf"\s*dmarc=pass\b.*header\.from=@?{domain}(?:\s|$)", result, re.IGNORECASE):
            return True
        if re.match(rf"\s*dkim=pass\b.*header\.[di]=(?:[^\s@]*@)?{domain}(?:\s|$)", result, re.IGNORECASE):
            return True
    return False


def _unquoted(stamp: str) -> str:
    """A stamp without quoted words and comments: what a stranger gave as their own name or address may stand there. Nothing if one stays open."""
    bare, depth, quoted, escaped = [], 0, False, False
    for sign in stamp:
        if escaped or (sign == "\\" and (quoted or depth)):
            escaped = not escaped
        elif sign == '"' and not depth:
            quoted = not quoted
        elif not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
            if depth < 0:
                return ""
        elif not quoted and not depth:
            bare.append(sign)
    return "" if quoted or depth else "".join(bare)
