"""The closed lists that the alert page offers, in the reader's language: what was done, and advice. The keys are alerts/news.py's."""

from __future__ import annotations

from alerts import messages, news
from foundation.web import words
from foundation.web.words import N_
from foundation.web.words import gettext as _

GROUPS = {news.ACTED: N_("What was done"), news.ADVISED: N_("Advice")}


def news_choices() -> list[tuple[str, str]]:
    """What may be sent back down, in the very words that go out."""
    said = messages.catalogue(words.current().language).language.words
    tables = {news.ACTED: said["outcome"], news.ADVISED: said["action"]}
    return [
        (f"{kind}:{key}", _("%(group)s: %(words)s", group=_(label), words=tables[kind][key]))
        for kind, label in GROUPS.items()
        for key in news.WORDS[kind]
    ]
