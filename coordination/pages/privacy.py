"""Who sees what: open to everybody, made from the rules themselves."""

from __future__ import annotations

from flask import Response

from coordination import who_sees
from foundation.web.page import PUBLIC, Visit, page
from foundation.web.words import gettext as _


@page("/privacy", roles=PUBLIC)
def privacy(visit: Visit) -> Response:
    """The table of roles and data, what the police cannot see, how long things are kept, and the honest limits."""
    return visit.render(
        "privacy.html",
        headers=who_sees.headers(),
        table=who_sees.table(),
        police=[_(text) for text in who_sees.POLICE],
        kept=[(_(what), _(how_long)) for what, how_long in who_sees.KEPT],
        limits=[_(text) for text in who_sees.LIMITS],
    )
