"""Settings: each one that cannot be used is named, with what to do about it; secrets may stand in files; nothing unknown is let pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.config import KNOWN, BadSetting, Config

SECRET = "x" * 40


def read(tmp_path: Path, **values: str) -> Config:
    given = {"DATA": str(tmp_path / "data"), "SECRET_KEY": SECRET, **values}
    return Config.from_env({f"CONCORD_{name}": value for name, value in given.items()})


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    config = read(tmp_path)
    assert config.database_url == f"sqlite:///{tmp_path / 'data' / 'concord.db'}"
    assert config.owner_database_url == config.worker_database_url == config.database_url
    assert config.locales == ("en", "ur", "bn", "si", "ta", "hi", "dv")
    assert not config.secure
    assert not config.sms_over_twilio


BAD = {
    "DATABASE_URL": "mysql://host/db",
    "OWNER_DATABASE_URL": "here.db",
    "WORKER_DATABASE_URL": "sqlite:here.db",
    "SECRET_KEY": "short",
    "PUBLIC_URL": "concord.example.org",
    "TWILIO_API_BASE": "ftp://example.org",
    "SMTP_URL": "http://mail.example.org",
    "ENGINE": "celery",
    "LOCALES": "en, tlh",
    "LOG_FORMAT": "xml",
    "PUBLIC_HOLIDAYS": "some",
    "HEARTBEAT_URL": "http://watch.example.org/ping",
    "PROBE_TO": "somebody",
    "PROBE_MINUTES": "0",
    "FORM_SERVERS": "ngo=kobo+http://token@kobo.example.org/a?place=PK-KP-MARDAN",
    "FORM_HOOKS": "ngo:PK-KP-MARDAN=short",
    "MAIL_IN": "imap://user:password@mail.example.org/INBOX?place=PK-KP-MARDAN",
    "MAIL_TRUST": "mx example",
    "TWILIO_FROM": "+923001234567",
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_ACCOUNT_SID": "AC1",
}


@pytest.mark.parametrize(("name", "value"), BAD.items())
def test_a_setting_that_cannot_be_used_is_named_with_a_way_out(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadSetting) as caught:
        read(tmp_path, **{name: value})
    assert f"CONCORD_{name}" in caught.value.message
    assert len(caught.value.hint) > 10


@pytest.mark.parametrize(
    "name", ["CONCORD_DATABSE_URL", "CONCORD_", "CONCORD_SECRET_KEY_FIL", "CONCORD_X_FILE"]
)
def test_a_setting_that_does_not_exist_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Config.from_env({name: "x"})
    assert name in caught.value.message
    assert "DATABASE_URL" in caught.value.hint


def test_other_programs_settings_are_not_ours(tmp_path: Path) -> None:
    environ = {
        "PATH": "/bin",
        "DATABASE_URL": "nonsense",
        "CONCORD_DATA": str(tmp_path),
        "CONCORD_SECRET_KEY": SECRET,
    }
    assert Config.from_env(environ).data == tmp_path


def test_a_secret_is_read_from_the_file_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"  {SECRET}\n")
    config = Config.from_env({"CONCORD_DATA": str(tmp_path), "CONCORD_SECRET_KEY_FILE": str(path)})
    assert config.secret_key == SECRET


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as caught:
        Config.from_env({"CONCORD_SECRET_KEY_FILE": str(tmp_path / "nowhere")})
    assert "CONCORD_SECRET_KEY_FILE" in caught.value.message
    assert "nowhere" in caught.value.message


def test_a_value_and_a_file_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as caught:
        Config.from_env({"CONCORD_SECRET_KEY": SECRET, "CONCORD_SECRET_KEY_FILE": str(tmp_path)})
    assert "both" in caught.value.message


def test_complaints_never_repeat_a_secret(tmp_path: Path) -> None:
    for name, value in {
        "SECRET_KEY": "tooshort",
        "DATABASE_URL": "mysql://user:hunter2@host/db",
        "SMTP_URL": "x://u:hunter2@h",
    }.items():
        with pytest.raises(BadSetting) as caught:
            read(tmp_path, **{name: value})
        assert "hunter2" not in str(caught.value)
        assert "tooshort" not in str(caught.value)


def test_a_secret_of_its_own_is_made_once_and_kept_private(tmp_path: Path) -> None:
    environ = {"CONCORD_DATA": str(tmp_path / "data")}
    first = Config.from_env(environ).secret_key
    assert len(first) >= 32
    assert Config.from_env(environ).secret_key == first
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("scheme", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_every_spelling_of_postgresql_is_understood(tmp_path: Path, scheme: str) -> None:
    assert read(tmp_path, DATABASE_URL=f"{scheme}u:p@h/d").database_url == "postgresql+psycopg://u:p@h/d"


def test_twilio_is_all_or_nothing_and_takes_two_tokens(tmp_path: Path) -> None:
    twilio = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "new, old", "TWILIO_FROM": "+1 +2"}
    config = read(tmp_path, **twilio)
    assert (config.twilio_auth_tokens, config.twilio_from, config.sms_over_twilio) == (
        ("new", "old"),
        ("+1", "+2"),
        True,
    )
    for name in twilio:
        with pytest.raises(BadSetting, match="belong together"):
            read(tmp_path, **{key: value for key, value in twilio.items() if key != name})


def test_https_makes_cookies_secure_and_loses_its_last_slash(tmp_path: Path) -> None:
    config = read(tmp_path, PUBLIC_URL="https://concord.example.org/")
    assert config.secure
    assert config.public_url == "https://concord.example.org"


@given(
    st.sampled_from(sorted(KNOWN - {"DATA", "SECRET_KEY", "CHROMIUM"})),
    st.text(st.characters(codec="utf-8"), max_size=40),
)
def test_any_value_is_taken_or_refused_in_words(name: str, value: str) -> None:
    environ = {"CONCORD_SECRET_KEY": SECRET, "CONCORD_DATA": "nowhere", f"CONCORD_{name}": value}
    complaint = complaint_about(environ)
    assert complaint is None or complaint.hint


def complaint_about(environ: dict[str, str]) -> BadSetting | None:
    """What is said of these settings, or None where they can be used."""
    try:
        Config.from_env(environ)
    except BadSetting as complaint:
        return complaint
    return None
