"""Routes of Apprise: who chooses where our server connects to, and what a no of a service means."""

from __future__ import annotations

import builtins
from typing import Any
from uuid import uuid4

import apprise
import pytest

from alerts.channels import Apprise, DeliveryFailed, Message
from alerts.channels.apprise import SERVERS, SERVICES, SMS_SERVICES
from foundation.config import Config
from foundation.errors import Problem
from tests.sink import Sink


def message(address: str) -> Message:
    return Message(uuid4(), address, "Attention 4/5, Ward 7")


#: One server of this machine, written in as many ways as we know.
PRIVATE = (
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "0.0.0.0", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1",
    "0177.0.0.1", "017700000001", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "10.0.0.1",
    "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fc00::1]", "[2002:7f00:1::]", "printer.local",
    "db.internal", "user@127.0.0.1", "user:pw@127.0.0.1", "127.0.0.1:80", "224.0.0.1", "255.255.255.255", "0",
)  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
@pytest.mark.parametrize("schema", ["jsons", "ntfys", "signals"])
def test_no_route_leads_into_a_private_network(schema: str, host: str) -> None:
    with pytest.raises((Problem, DeliveryFailed)):
        Apprise({"r": f"{schema}://{host}/{{to}}"}).send(message("r:chair"))


def test_an_operator_may_allow_a_gateway_on_the_local_network() -> None:
    with Sink() as sink:
        Apprise({"r": f"json://127.0.0.1:{sink.port}/{{to}}"}, private=True).send(message("r:+923001234567"))
        assert sink.paths == ["/+923001234567"]


def test_a_redirect_is_not_followed() -> None:
    with Sink() as sink:
        sink.answers.append(307)
        with pytest.raises(Exception, match="did not answer|refused"):
            Apprise({"r": f"json://127.0.0.1:{sink.port}/{{to}}"}, private=True).send(message("r:chair"))
        assert sink.paths == ["/chair"]


@pytest.mark.parametrize(
    "route",
    [
        "file:///etc/passwd", "syslog://{to}", "json://example.org/{to}", "gopher://example.org/{to}", "jsons://{to}/x",
        "jsons://{to}.example.org/x", "jsons:///{to}", "https://example.org/{to}", "mailto://example.org/{to}",
    ],
)  # fmt: skip
def test_only_services_that_we_know_over_https_and_never_one_that_a_contact_names(route: str) -> None:
    with pytest.raises(Problem) as refused:
        Apprise({"r": route})
    assert "r" in refused.value.message
    assert refused.value.hint


def test_a_gap_that_nobody_fills_in_is_refused_when_the_settings_are_read() -> None:
    with pytest.raises(Problem, match="template_id") as refused:
        Apprise({"r": "jsons://example.org/{to}?:dlt={template_id}"})
    assert "{text_id}" in (refused.value.hint or "")


def test_only_a_route_to_an_sms_gateway_has_a_number() -> None:
    gateway = "jsons://example.org/{to}?:dlt={text_id}"
    channel = Apprise({"desk": "smstunnel://KEY/{to}", "dlt": gateway, "tg": "tgram://1:abc/{to}"})
    number = "+919812345678"
    assert [channel.sms_number(f"{name}:{number}") for name in ("desk", "dlt", "tg", "gone")] == [
        number
    ] * 2 + [""] * 2


@pytest.mark.parametrize(
    "address", ["r:", "r:a b", "r:a/../b", "r:a?x=1", "r:a#b", "r:../b", ":a", "json://127.0.0.1/a", "r:a\n", "r:" + "a" * 65]
)  # fmt: skip
def test_a_contact_is_a_name_on_a_route_and_no_piece_of_an_address(address: str) -> None:
    with Sink() as sink:
        channel = Apprise({"r": f"json://127.0.0.1:{sink.port}/{{to}}"}, private=True)
        with pytest.raises(DeliveryFailed) as failed:
            channel.send(message(address))
        assert failed.value.permanent
        assert sink.paths == []


def test_a_route_that_is_gone_is_ours_to_mend() -> None:
    with pytest.raises(DeliveryFailed) as failed:
        Apprise({"r": "tgram://123456789:abcdefg_hijklmnop/{to}"}).send(message("other:chair"))
    assert not failed.value.permanent


def test_without_the_package_the_failure_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **given: Any) -> Any:
        if name == "apprise":
            raise ImportError(name)
        return real(name, *args, **given)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DeliveryFailed, match="pip install") as failed:
        Apprise({"r": "tgram://123456789:abcdefg_hijklmnop/{to}"}).send(message("r:12345"))
    assert not failed.value.permanent


def test_every_service_that_we_name_is_one_of_apprises() -> None:
    known = set(apprise.Apprise().schemas()) if hasattr(apprise.Apprise, "schemas") else set()
    known |= {
        name
        for row in apprise.Apprise().details()["schemas"]
        for name in (*(row["protocols"] or ()), *(row["secure_protocols"] or ()))
    }
    mine = SERVICES | SERVERS | {name[:-1] for name in SERVERS}
    assert known >= mine >= SMS_SERVICES


def test_routes_are_read_from_the_settings() -> None:
    config = Config.from_env(
        {
            "CONCORD_SECRET_KEY": "k" * 40,
            "CONCORD_APPRISE_URLS": "tg=tgram://123456789:abcdefg_hijklmnop/{to}\nsms=httpsms://key@+923001112222/{to}",
        }
    )
    assert set(config.apprise_routes) == {"tg", "sms"}
    assert "abcdefg" not in repr(config)
    assert Apprise.from_config(config) is not None
    for wrong in ("tgram://x/{to}", "a=tgram://x/", "A=tgram://x/{to}", "a=x://{to} a=x://{to}"):
        with pytest.raises(Problem, match="CONCORD_APPRISE_URLS"):
            Config.from_env({"CONCORD_SECRET_KEY": "k" * 40, "CONCORD_APPRISE_URLS": wrong})
