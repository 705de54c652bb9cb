"""The sentences of an alert's story for a message that did not arrive and went on by another way; alerts/failover.py writes the lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alerts.labels import channel_label, role_name
from foundation.web.words import gettext as _

Say = Callable[[Mapping[str, Any]], str]


def _what_happened(values: Mapping[str, Any]) -> str:
    """Why it did not arrive, as the carrier said it."""
    named = {"channel": channel_label(values["channel"]), "role": role_name(values["role"])}
    if values["because"] == "refused":
        return _("%(channel)s to the %(role)s was refused.", **named)
    if values["because"] == "undelivered":
        return _("%(channel)s to the %(role)s was not delivered.", **named)
    return _("%(channel)s to the %(role)s had no receipt in time.", **named)


def _line(then: Callable[[Mapping[str, Any]], str]) -> Say:
    return lambda values: f"{_what_happened(values)} {then(values)}"


STORY: dict[str, Say] = {
    "passed_on_provider": _line(lambda v: _("It was sent again through another provider.")),
    "passed_on_channel": _line(
        lambda v: _("The message was sent by %(channel)s instead.", channel=channel_label(v["to"]))
    ),
    "passed_on_deputy": _line(lambda v: _("The deputy of the office was told instead.")),
    "passed_on_nobody": _line(
        lambda v: _("There is no other way to this person. The next step goes on by its clock.")
    ),
}
