"""Sentences of an alert's story about its ladder: who was asked again, who holds no step, what came back down. Added to sentences.NOTES.

Only words; a key is written by alerts.alert.note, or by routing for a template that went out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alerts.labels import role_name, role_names
from foundation.web.words import gettext as _
from foundation.web.words import ngettext

LADDER_NOTES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "nudge": lambda v: _("Seen, but nobody acts. Asked once more: %(roles)s.", roles=role_names(v["roles"])),
    "nudge_last": lambda v: _(
        "Seen, but nobody acts. Asked once more: %(roles)s.", roles=role_names(v["roles"])
    ),
    "still_acting": lambda v: _(
        "Asked whether they are still acting: %(roles)s.", roles=role_names(v["roles"])
    ),
    "acting_lapsed": lambda _v: _("Nothing was heard from who acted. The alert is open again."),
    "reopened": lambda v: ngettext(
        "%(num)d person was asked again.", "%(num)d people were asked again.", v["n"]
    ),
    "local_only": lambda v: _(
        "No national office can be told of this. Told so: %(roles)s.", roles=role_names(v["roles"])
    ),
    "step_passed": lambda v: _(
        "Not asked, because their side has answered: %(roles)s.", roles=role_names(v["roles"])
    ),
    "news": lambda v: ngettext(
        "%(num)d person was told what was done.", "%(num)d people were told what was done.", v["n"]
    ),
    "advice": lambda v: ngettext("%(num)d person got the advice.", "%(num)d people got the advice.", v["n"]),
    "acted": lambda v: _("The %(role)s reports what was done.", role=role_name(v["role"])),
    "advised": lambda v: _("The %(role)s sends advice.", role=role_name(v["role"])),
    "action_done": lambda v: _("The %(role)s says that an action is done.", role=role_name(v["role"])),
    "severe_refused": lambda v: _(
        "The %(role)s looked and refused Severe. It stays High.", role=role_name(v["role"])
    ),
}
