"""The sentence of each gap in a place's chain: what is missing, and whose task it is. Only words; what is missing is found by readiness.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alerts.labels import role_name
from foundation.web.words import gettext as _

Gap = Mapping[str, Any]


def sentence(gap: Gap) -> str:
    """What is missing, in the reader's language."""
    made = SENTENCES.get(gap["key"])
    return made(gap) if made else gap["key"]


def task(gap: Gap, place: str) -> str:
    """Whose task it is; `place` is the name of the place of whoever it is."""
    if not place:
        return _("No administrator is named for this place.")
    if gap["by"] == "chair":
        return _("The chair in %(place)s can put it right.", place=place)
    if gap["by"] == "secretary":
        return _("The secretary in %(place)s can put it right.", place=place)
    return _("The administrator of %(place)s can put it right.", place=place)


def _who(gap: Gap) -> str:
    return role_name(gap["role"])


SENTENCES: dict[str, Callable[[Gap], str]] = {
    "empty": lambda g: _("%(role)s: nobody holds this place in the chain.", role=_who(g)),
    "last_step": lambda _g: _("The last step of the ladder reaches nobody."),
    "no_national": lambda _g: _("No national contact would hear of an alert here."),
    "absent": lambda g: _("%(role)s: there is no number or address.", role=_who(g)),
    "unverified": lambda g: _("%(role)s: the number or address was never confirmed.", role=_who(g)),
    "aged": lambda g: _("%(role)s: the number or address was not confirmed for 90 days.", role=_who(g)),
    "stopped": lambda g: _("%(role)s: asked for no more messages.", role=_who(g)),
    "failing": lambda g: _("%(role)s: messages no longer arrive.", role=_who(g)),
    "paused": lambda g: _("%(role)s: paused; only levels 4 and 5 arrive.", role=_who(g)),
}
