"""What countries are called in each language: CLDR's names, and our own in Dhivehi, of which Babel knows nothing.

A country's own row may say otherwise; this is for the languages in which it says nothing. Used by committees/places.py.
"""

from __future__ import annotations

from foundation.web.calendars import babel_locale

DHIVEHI = {
    "BD": "ބަންގްލަދޭޝް",
    "IN": "އިންޑިޔާ",
    "LK": "ސްރީލަންކާ",
    "MV": "ދިވެހިރާއްޖެ",
    "NP": "ނޭޕާލު",
    "PK": "ޕާކިސްތާން",
}


def land(code: str, language: str) -> str:
    """The name of a country by its ISO 3166 code; empty where nobody knows one.

    Codes with X are left to users; CLDR keeps XA and XB for tests of its own, so they name no land.
    """
    if code.startswith("X"):
        return ""
    if language == "dv":
        return DHIVEHI.get(code, "")
    return str(babel_locale(language).territories.get(code, ""))
