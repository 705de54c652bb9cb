"""Lines of an alert's story about who was told, how and why not: a silence, a digest, several wards in one message, a lowered level.

Called by sentences.py only, which holds all other lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts.labels import level_word, role_name, role_names
from foundation.web import words
from foundation.web.words import gettext as _
from foundation.web.words import ngettext

Values = Mapping[str, Any]


def _until(v: Values) -> str:
    """The end as its place has it: the value carries the local offset."""
    local = datetime.fromisoformat(v["until"]).replace(tzinfo=UTC)
    return _("%(day)s, %(time)s", day=words.day(local.date()), time=words.clock(local, ZoneInfo("UTC")))


TOLD_NOTES: dict[str, Callable[[Values], str]] = {
    "told_digest": lambda v: ngettext(
        "%(num)d person read of it in the message at 6pm: %(roles)s.",
        "%(num)d people read of it in the message at 6pm: %(roles)s.",
        v["n"],
        roles=role_names(v["roles"]),
    ),
    "told_together": lambda v: ngettext(
        "%(num)d person was told, together with other wards: %(roles)s.",
        "%(num)d people were told, together with other wards: %(roles)s.",
        v["n"],
        roles=role_names(v["roles"]),
    ),
    "held_digest": lambda v: ngettext(
        "%(num)d person will read of it in the message at 6pm: %(roles)s.",
        "%(num)d people will read of it in the message at 6pm: %(roles)s.",
        v["n"],
        roles=role_names(v["roles"]),
    ),
    "held_group": lambda v: ngettext(
        "%(num)d person will be told by %(until)s, with other wards: %(roles)s.",
        "%(num)d people will be told by %(until)s, with other wards: %(roles)s.",
        v["n"],
        roles=role_names(v["roles"]),
        until=_until(v),
    ),
    "held_silence": lambda v: ngettext(
        "%(num)d person is not told, because a silence holds until %(until)s.",
        "%(num)d people are not told, because a silence holds until %(until)s.",
        v["n"],
        until=_until(v),
    ),
    "covered": lambda v: ngettext(
        "%(num)d person knew already, from alert %(number)d for the whole place.",
        "%(num)d people knew already, from alert %(number)d for the whole place.",
        v["n"],
        number=v["number"],
    ),
    "covers": lambda v: ngettext(
        "Alert %(number)d in a ward is covered by this one, for %(num)d person.",
        "Alert %(number)d in a ward is covered by this one, for %(num)d people.",
        v["n"],
        number=v["number"],
    ),
    "silenced": lambda v: _(
        "The %(role)s silenced this until %(until)s. The reason stands on the page.",
        role=role_name(v["role"]),
        until=_until(v),
    ),
    "silence_lifted": lambda v: _("The silence was ended early. What it held back is sent."),
    "lowered": lambda v: _(
        "The %(role)s lowered the level from %(was)s to %(level)s.",
        role=role_name(v["role"]),
        was=level_word(v["was"]),
        level=level_word(v["level"]),
    ),
    "level_lowered": lambda v: ngettext(
        "%(num)d person heard of it: %(roles)s.",
        "%(num)d people heard of it: %(roles)s.",
        v["n"],
        roles=role_names(v["roles"]),
    ),
    "actions_done": lambda v: ngettext(
        "%(num)d person heard of it: %(roles)s.",
        "%(num)d people heard of it: %(roles)s.",
        v["n"],
        roles=role_names(v["roles"]),
    ),
    "correction": lambda v: ngettext(
        "A correction went to %(num)d person who was told.",
        "A correction went to the %(num)d people who were told.",
        v["n"],
    ),
    "what_to_do": lambda v: ngettext(
        "%(num)d person was sent what to do: %(roles)s.",
        "%(num)d people were sent what to do: %(roles)s.",
        v["n"],
        roles=role_names(v["roles"]),
    ),
    "kept_open": lambda v: _("The %(role)s asked for it to stay as it is.", role=role_name(v["role"])),
}

#: Reasons of a finding that say who knew already.
TOLD_REASONS: dict[str, Callable[[Values], str]] = {
    "covered_above": lambda v: ngettext(
        "%(num)d person knew already, from alert %(number)d for the whole place.",
        "%(num)d people knew already, from alert %(number)d for the whole place.",
        v["n"],
        number=v["number"],
    ),
    "lowered_by_person": lambda _v: _("People with an office lowered the level, and nothing new came since."),
}
