"""How sure we are of a level, and how a score is calibrated, as sentences; what makes it up is sentences.py.

Pages, the API and commands may import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.explaining import GOOD, LITTLE
from foundation.web.words import gettext as _
from foundation.web.words import ngettext


def confidence_sentence(found: Mapping[str, Any]) -> str:
    """How sure we are, from the confidence stored with a score."""
    voices, reports, seen = found["voices"], found["reports"], found["seen"]
    grade = found["grade"]
    words = (
        _("We are fairly sure.")
        if grade == GOOD
        else _("We know too little to be sure.")
        if grade == LITTLE
        else _("We are not very sure.")
    )
    spoke = ngettext("%(num)d person sent news in 14 days.", "%(num)d people sent news in 14 days.", voices)
    if not reports:
        return f"{words} {spoke}"
    share = (
        _("At least half of the reports in 4 weeks were seen in person.")
        if 2 * seen >= reports
        else _("Less than half of the reports in 4 weeks were seen in person.")
    )
    return f"{words} {spoke} {share}"


def kappa_sentence(held: float, unheld: float) -> str:
    """Kappa in words, for analysts: how much more or less violence came than the formula expects, and what is used."""
    used, came = f"{held:.2f}", f"{unheld:.2f}"
    if held == unheld == 1:
        return _("Nothing has been calibrated here yet: the score uses the formula as it was fitted.")
    said = _("By what came here and in the country, the formula should be multiplied by %(came)s.", came=came)
    if held == unheld:
        return said
    return f"{said} " + _(
        "It is held within the bounds that the local picture sets, so %(used)s is used.", used=used
    )
