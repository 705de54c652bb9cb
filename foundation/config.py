"""Every setting, read once from the environment into one frozen object.

Nobody else reads os.environ. Each complaint names the setting and says what to do. `CONCORD_X_FILE` names a file that holds the
value of `CONCORD_X`, for secrets.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from foundation import collecting_settings, sending_settings, sign_in_settings
from foundation.channel_settings import BadSetting, contents, nobody_listens, numbers, routes
from foundation.collecting_settings import FormHook, FormServer, Mailbox
from foundation.sending_settings import Limits, SecondLine
from foundation.sign_in_settings import Oidc

PREFIX = "CONCORD_"
KNOWN = frozenset(
    (
        "DATABASE_URL", "OWNER_DATABASE_URL", "WORKER_DATABASE_URL", "SECRET_KEY", "PUBLIC_URL",
        "SMTP_URL", "MAIL_FROM", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM",
        "TWILIO_API_BASE", "WHATSAPP_FROM", "WHATSAPP_TEMPLATES", "VOICE_FROM",
        "APPRISE_URLS", "APPRISE_PRIVATE", "ENGINE", "LOCALES", "METRICS_TOKEN", "LOG_FORMAT", "DATA",
        "CHROMIUM", "PUBLIC_HOLIDAYS", "WEBHOOK_HOSTS", "HEARTBEAT_URL", "PROBE_TO", "PROBE_MINUTES",
        *sending_settings.NAMES, *sign_in_settings.NAMES, *collecting_settings.NAMES,
    )
)  # fmt: skip
LOCALES = ("en", "ur", "bn", "si", "ta", "hi", "dv")
PROCRASTINATE = "procrastinate"
ENGINES = ("apscheduler", PROCRASTINATE)


@dataclass(frozen=True)
class Config:
    """What this installation was told. Times are UTC, addresses are URLs, folders are paths."""

    data: Path
    database_url: str
    owner_database_url: str
    worker_database_url: str
    secret_key: str
    public_url: str = "http://127.0.0.1:8000"
    smtp_url: str | None = None
    mail_from: str = "concord@example.org"
    twilio_account_sid: str | None = None
    twilio_auth_tokens: tuple[str, ...] = ()
    twilio_from: tuple[str, ...] = ()
    twilio_api_base: str | None = None
    second_line: SecondLine | None = None
    limits: Limits = Limits()
    whatsapp_from: tuple[str, ...] = ()
    whatsapp_templates: Mapping[tuple[str, str], str] = field(default_factory=dict)
    voice_from: tuple[str, ...] = ()
    apprise_routes: Mapping[str, str] = field(default_factory=dict, repr=False)
    apprise_private: bool = False
    engine: str = "apscheduler"
    locales: tuple[str, ...] = LOCALES
    metrics_token: str | None = None
    log_format: str = "text"
    public_holidays: bool = True
    webhook_hosts: tuple[str, ...] = ()
    heartbeat_url: str | None = None
    probe_to: tuple[str, ...] = ()
    probe_minutes: int = 15
    oidc: Oidc | None = None
    form_servers: Mapping[str, FormServer] = field(default_factory=dict, repr=False)
    form_hooks: Mapping[str, FormHook] = field(default_factory=dict, repr=False)
    mailbox: Mailbox | None = None
    mail_trust: str | None = None
    demo: bool = False

    @property
    def secure(self) -> bool:
        """Whether people reach this installation over https."""
        return self.public_url.startswith("https:")

    @property
    def sms_over_twilio(self) -> bool:
        """Whether SMS goes out through Twilio; else it goes to the console outbox."""
        return bool(self.twilio_account_sid and self.twilio_auth_tokens and self.twilio_from)

    @property
    def twilio_accounts(self) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
        """The accounts whose hooks are believed: the id, the tokens in force, and our senders there."""
        line = self.second_line
        first = (self.twilio_account_sid or "", self.twilio_auth_tokens, self.twilio_addresses)
        return (first, (line.account_sid, line.tokens, line.senders)) if line else (first,)

    @property
    def twilio_addresses(self) -> tuple[str, ...]:
        """Every sender of ours at Twilio as its hooks name it: numbers, services, and WhatsApp's with their prefix."""
        return (*self.twilio_from, *self.voice_from, *(f"whatsapp:{n}" for n in self.whatsapp_from))

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, demo: bool = False) -> Config:
        """Read every `CONCORD_` setting of `environ`, strictly; raise BadSetting for the first that cannot be used."""
        get = _reader(environ)
        data = Path(get("DATA") or "var").resolve()
        url = _database_url("DATABASE_URL", get("DATABASE_URL") or f"sqlite:///{data / 'concord.db'}")
        return cls(
            data=data,
            database_url=url,
            owner_database_url=_database_url("OWNER_DATABASE_URL", get("OWNER_DATABASE_URL") or url),
            worker_database_url=_database_url("WORKER_DATABASE_URL", get("WORKER_DATABASE_URL") or url),
            secret_key=_secret(get("SECRET_KEY"), data),
            public_url=_http_url("PUBLIC_URL", get("PUBLIC_URL") or "http://127.0.0.1:8000"),
            smtp_url=_smtp_url(get("SMTP_URL")),
            mail_from=get("MAIL_FROM") or "concord@example.org",
            **_twilio(get),
            second_line=sending_settings.second_line(get, _words, _http_url),
            limits=sending_settings.limits(get, _words),
            whatsapp_templates=contents("CONCORD_WHATSAPP_TEMPLATES", get("WHATSAPP_TEMPLATES")),
            apprise_routes=routes("CONCORD_APPRISE_URLS", get("APPRISE_URLS")),
            apprise_private=_one_of("APPRISE_PRIVATE", get("APPRISE_PRIVATE") or "off", ("on", "off"))
            == "on",
            engine=_engine(get, url),
            locales=_locales(get("LOCALES")),
            metrics_token=get("METRICS_TOKEN"),
            log_format=_one_of("LOG_FORMAT", get("LOG_FORMAT") or "text", ("text", "json")),
            public_holidays=_one_of("PUBLIC_HOLIDAYS", get("PUBLIC_HOLIDAYS") or "on", ("on", "off")) == "on",
            webhook_hosts=_words(get("WEBHOOK_HOSTS")),
            heartbeat_url=_heartbeat_url(get("HEARTBEAT_URL")),
            probe_to=_probe_to(get("PROBE_TO")),
            probe_minutes=_whole("PROBE_MINUTES", get("PROBE_MINUTES") or "15", 1, 1440),
            oidc=sign_in_settings.oidc(get, _scheme_and_host),
            **collecting_settings.all_of(get),
            demo=demo,
        )


def _twilio(get: _Reader) -> dict[str, Any]:
    """The account at Twilio with our senders there."""
    sid, tokens, sender = (
        get("TWILIO_ACCOUNT_SID"),
        _words(get("TWILIO_AUTH_TOKEN")),
        _words(get("TWILIO_FROM")),
    )
    whatsapp = numbers("CONCORD_WHATSAPP_FROM", _words(get("WHATSAPP_FROM")))
    voice = numbers("CONCORD_VOICE_FROM", _words(get("VOICE_FROM")))
    if len({bool(sid), bool(tokens), bool(sender or whatsapp or voice)}) > 1:
        raise BadSetting(
            "CONCORD_TWILIO_ACCOUNT_SID, CONCORD_TWILIO_AUTH_TOKEN and CONCORD_TWILIO_FROM belong together.",
            "Set all three, or none to keep SMS in the console outbox. For calls or WhatsApp alone, their own _FROM will do.",
        )
    base = get("TWILIO_API_BASE")
    return {
        "twilio_account_sid": sid,
        "twilio_auth_tokens": tokens,
        "twilio_from": sender,
        "twilio_api_base": _http_url("TWILIO_API_BASE", base) if base else None,
        "whatsapp_from": whatsapp,
        "voice_from": voice,
    }


def _engine(get: _Reader, database_url: str) -> str:
    engine = _one_of("ENGINE", get("ENGINE") or "apscheduler", ENGINES)
    if engine == PROCRASTINATE and database_url.startswith("sqlite"):
        raise BadSetting(
            f"{PREFIX}ENGINE is procrastinate, but the database is SQLite.",
            f"Procrastinate needs PostgreSQL: set {PREFIX}DATABASE_URL, or leave {PREFIX}ENGINE out.",
        )
    return engine


class _Reader:
    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def __call__(self, name: str) -> str | None:
        value = self.values.get(PREFIX + name)
        path = self.values.get(f"{PREFIX}{name}_FILE")
        if value and path:
            raise BadSetting(f"{PREFIX}{name} and {PREFIX}{name}_FILE are both set.", "Keep one of them.")
        if path:
            try:
                value = Path(path).read_text(encoding="utf-8")
            except OSError as error:
                raise BadSetting(
                    f"{PREFIX}{name}_FILE: {path} cannot be read.", error.strerror or ""
                ) from None
            except UnicodeDecodeError:
                raise BadSetting(f"{PREFIX}{name}_FILE: {path} is not text.", "Write it in UTF-8.") from None
        return value.strip() or None if value else None


def _reader(environ: Mapping[str, str]) -> _Reader:
    for name in environ:
        if name.startswith(PREFIX) and name.removeprefix(PREFIX).removesuffix("_FILE") not in KNOWN:
            raise BadSetting(
                f"{name} is not a setting of Concord.", f"Known settings: {', '.join(sorted(KNOWN))}."
            )
    return _Reader(environ)


def _words(value: str | None) -> tuple[str, ...]:
    return tuple(word for word in (value or "").replace(",", " ").split() if word)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise BadSetting(f"{PREFIX}{name} is {value!r}.", f"Use one of: {', '.join(allowed)}.")
    return value


def _locales(value: str | None) -> tuple[str, ...]:
    chosen = _words(value) or LOCALES
    for locale in chosen:
        _one_of("LOCALES", locale, LOCALES)
    return chosen


def _database_url(name: str, value: str) -> str:
    for scheme in ("postgresql://", "postgres://"):
        if value.startswith(scheme):
            return "postgresql+psycopg://" + value.removeprefix(scheme)
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise BadSetting(
            f"{PREFIX}{name} is not an address that Concord can use.",
            "Use sqlite:////absolute/path.db or postgresql://user:password@host/database.",
        )
    return value


def _http_url(name: str, value: str) -> str:
    scheme, host = _scheme_and_host(value)
    if scheme not in ("http", "https") or not host:
        raise BadSetting(
            f"{PREFIX}{name} is {value!r}.", "Write a whole address, like https://concord.example.org."
        )
    return value.rstrip("/")


def _heartbeat_url(value: str | None) -> str | None:
    """An https address; plain http only on this machine, where nobody listens in between."""
    scheme, host = _scheme_and_host(value or "")
    if value and not nobody_listens(scheme, host):
        raise BadSetting(
            f"{PREFIX}HEARTBEAT_URL cannot be used.",
            "Write the https address that your watcher gave you, like https://watch.example.org/ping/ID.",
        )
    return value


def _probe_to(value: str | None) -> tuple[str, ...]:
    found = _words(value)
    for address in found:
        if not (address.startswith("+") and address[1:].isdigit()):
            raise BadSetting(
                f"{PREFIX}PROBE_TO is {address!r}.",
                "Write our own numbers, like +923001234567, whose answer comes back by itself.",
            )
    return found


def _whole(name: str, value: str, low: int, high: int) -> int:
    if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
        raise BadSetting(f"{PREFIX}{name} is {value!r}.", f"Write a whole number from {low} to {high}.")
    return int(value)


def _scheme_and_host(value: str) -> tuple[str, str | None]:
    """Two parts of an address; nothing where it is none, like one with half a bracket or a port of letters."""
    try:
        parts = urlsplit(value)
        _port = parts.port
    except ValueError:
        return "", None
    return parts.scheme, parts.hostname


def _smtp_url(value: str | None) -> str | None:
    scheme, host = _scheme_and_host(value or "")
    if value and (scheme not in ("smtp", "smtps") or not host):
        raise BadSetting(
            f"{PREFIX}SMTP_URL cannot be used.", "Write it like smtp://user:password@mail.example.org:587."
        )
    return value


def _secret(value: str | None, data: Path) -> str:
    if value:
        if len(value) < 32:
            raise BadSetting(
                f"{PREFIX}SECRET_KEY is too short.", "Use at least 32 letters and digits, made at random."
            )
        return value
    path = data / "secret.key"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
