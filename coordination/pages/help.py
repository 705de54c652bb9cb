"""Help: what each level means, what an SMS can say, whom to ring. Open to everybody, short enough to print."""

from __future__ import annotations

from flask import Response
from sqlalchemy import select

from alerts.sentences import level_meaning
from committees.places import Country
from foundation.web import words
from foundation.web.page import PUBLIC, Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

SMS = (
    ("R 7 fight near market", N_("Report: R, the number of the ward, then what happens. No names.")),
    ("21121", N_("Check-in: five digits, 1 good to 5 bad. Mood, rumours, incidents, safety, next week.")),
    ("CALM", N_("Check-in: all is well.")),
    ("OK 47", N_("I have seen the alert with the code 47.")),
    ("GO 47", N_("I am acting on it.")),
    ("NO 47", N_("I cannot. Ask the next person.")),
    ("OVER", N_("It is over here.")),
    ("STATUS", N_("How does my ward stand?")),
    ("CALL", N_("Please ring me.")),
    ("WRONG", N_("My last message was not right. Take it back.")),
    ("STOP", N_("Send me nothing more.")),
)


@page("/help", roles=PUBLIC)
def help_page(visit: Visit) -> Response:
    """Levels, SMS words and emergency numbers."""
    countries = [
        (country.name(words.current().language), country.emergency)
        for country in visit.session.scalars(select(Country).order_by(Country.code))
        if country.emergency and country.code != "XA"
    ]
    return visit.render(
        "help.html",
        levels=[(level, level_meaning(level)) for level in range(6)],
        sms=[(word, _(text)) for word, text in SMS],
        countries=countries,
    )
