"""The rhythm of the check-in of one's own committee: when members are asked, reminded, and when asking ends. Changed by secretary or chair.

What the hours mean is committees/rhythm.py; asking is coordination/asking_check_ins.py.
"""

from __future__ import annotations

from flask import Response
from werkzeug.datastructures import MultiDict

from committees import rhythm
from committees.committee import Committee
from committees.rhythm import DAY, Rhythm
from coordination.desk_view import DESK
from foundation import journal
from foundation.errors import Invalid, NotFound, Refused
from foundation.web.forms import Form
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

DAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
STEPS = {"prompt": N_("Members are asked"), "reminder": N_("The one reminder"), "closes": N_("Asking ends")}
ASKS = {"yes": N_("Ask members every week"), "no": N_("Ask nobody")}


@page("/desk/rhythm", roles=DESK)
def weekly(visit: Visit) -> Response:
    """When this committee asks for the check-in; a change holds from the next message on."""
    body = _committee(visit)
    if not visit.posted:
        return _show(visit, _values(rhythm.of(body.rhythm)), {})
    form = Form(visit.form)
    asks = form.choice("asks", ASKS, _("Choose whether members are asked"))
    hours = {name: _hour(form, name) for name in STEPS}
    try:
        form.check()
        new = Rhythm(asks == "yes", **hours).checked()
    except Refused as refused:
        return _show(visit, visit.form, refused.fields)
    except Invalid as wrong:
        return _show(visit, visit.form, {f"{wrong.field}_day": _(wrong.message)})
    body.rhythm = rhythm.stored(new)
    journal.record(visit.session, visit.now, "rhythm", "committee", body.id, locality_id=body.locality_id)
    visit.say(_("Noted. Members are asked at these times from now on."))
    return visit.go("/desk/rhythm")


def _committee(visit: Visit) -> Committee:
    for standing in visit.principal.standings:
        if standing.role in DESK and standing.committee_id:
            return visit.session.get_one(Committee, standing.committee_id)
    raise NotFound()


def _hour(form: Form, name: str) -> int:
    day = form.choice(f"{name}_day", [str(n) for n in range(7)], _("Choose a day"))
    hour = form.choice(f"{name}_hour", [str(n) for n in range(DAY)], _("Choose an hour"))
    return int(day or 0) * DAY + int(hour or 0)


def _values(own: Rhythm) -> MultiDict[str, str]:
    values = MultiDict({"asks": "yes" if own.asks else "no"})
    for name in STEPS:
        day, hour = divmod(getattr(own, name), DAY)
        values.update({f"{name}_day": str(day), f"{name}_hour": str(hour)})
    return values


def _show(visit: Visit, values: MultiDict[str, str], errors: dict[str, str]) -> Response:
    return visit.render(
        "rhythm.html",
        422 if errors else 200,
        asks=[(key, _(text)) for key, text in ASKS.items()],
        steps=[(name, _(text)) for name, text in STEPS.items()],
        days=[(str(number), _(day)) for number, day in enumerate(DAYS)],
        hours=[(str(hour), f"{hour:02d}:00") for hour in range(DAY)],
        values=values,
        errors=errors,
    )
