"""The sentence of each alarm: what stands still, since when, and what to do about it. Only words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from alerts.labels import role_name
from alerts.sentences import channel_label
from foundation.alarms import Alarm
from foundation.web import words
from foundation.web.words import gettext as _
from foundation.web.words import ngettext

Values = Mapping[str, Any]


def sentence(alarm: Alarm, now: datetime) -> str:
    """What is wrong, in the reader's language; an alarm without words of its own says its key."""
    made = SENTENCES.get(alarm.key)
    if made is None:
        return _("Something needs you: %(key)s.", key=alarm.key)
    return made(alarm.values, now)


def what_to_do(alarm: Alarm) -> str:
    """What an administrator can do about it."""
    made = TO_DO.get(alarm.key)
    return made() if made else _("Run concord doctor. It says what to do.")


def _ago(values: Values, name: str, now: datetime) -> str:
    return words.ago(datetime.fromisoformat(values[name]), now)


SENTENCES: dict[str, Callable[[Values, datetime], str]] = {
    "no_next_step": lambda v, _n: _(
        "Alert %(number)s, %(place)s: nobody has answered enough, and nobody is asked next.",
        number=v["number"],
        place=v["place"],
    ),
    "step_late": lambda v, now: _(
        "Alert %(number)s, %(place)s: its next step was due %(when)s and did not come.",
        number=v["number"],
        place=v["place"],
        when=_ago(v, "due", now),
    ),
    "not_told": lambda v, _n: _(
        "Alert %(number)s, %(place)s: nobody was told at step %(step)s.",
        number=v["number"],
        place=v["place"],
        step=v["step"],
    ),
    "review_late": lambda v, _n: _(
        "Alert %(number)s, %(place)s: a question is late and went to no deputy.",
        number=v["number"],
        place=v["place"],
    ),
    "message_waits": lambda v, now: ngettext(
        "%(channel)s: %(num)d message is due and not sent, since %(when)s.",
        "%(channel)s: %(num)d messages are due and not sent, the oldest since %(when)s.",
        v["n"],
        channel=channel_label(v["channel"]),
        when=_ago(v, "since", now),
    ),
    "outcome_unknown": lambda v, now: ngettext(
        "%(channel)s: of %(num)d message nobody knows whether it was sent, since %(when)s.",
        "%(channel)s: of %(num)d messages nobody knows whether they were sent, since %(when)s.",
        v["n"],
        channel=channel_label(v["channel"]),
        when=_ago(v, "since", now),
    ),
    "claim_unsettled": lambda v, now: ngettext(
        "%(channel)s: %(num)d message was taken up and never finished, since %(when)s.",
        "%(channel)s: %(num)d messages were taken up and never finished, since %(when)s.",
        v["n"],
        channel=channel_label(v["channel"]),
        when=_ago(v, "since", now),
    ),
    "inbound_waits": lambda v, _n: ngettext(
        "%(num)d message that came in was not read yet.",
        "%(num)d messages that came in were not read yet.",
        v["n"],
    ),
    "scoring_waits": lambda v, _n: ngettext(
        "%(num)d report was not counted into the score yet.",
        "%(num)d reports were not counted into the score yet.",
        v["n"],
    ),
    "errand_failed": lambda v, _n: ngettext(
        "%(num)d decision could not be carried out, after five tries.",
        "%(num)d decisions could not be carried out, after five tries.",
        v["n"],
    ),
    "probe_lost": lambda v, now: _(
        "%(channel)s: the test message of %(when)s did not come back.",
        channel=channel_label(v["channel"]),
        when=_ago(v, "sent", now),
    ),
    "contact_lost": lambda v, _n: _(
        "%(role)s, %(place)s: this number or address no longer takes messages.",
        role=role_name(v["role"]),
        place=v["place"],
    ),
    "message_put_aside": lambda v, _n: _(
        "%(channel)s: a message could not be sent after %(tries)s tries and was put aside.",
        channel=channel_label(v["channel"]),
        tries=v["tries"],
    ),
    "provider_refuses": lambda v, _n: _(
        "The provider refuses what we send (%(code)s). The messages wait, or go by another one.",
        code=v["code"] or "?",
    ),
    "note_stays": lambda v, now: ngettext(
        "%(num)d spoken note lies at the phone service, since %(when)s, and could not be fetched or deleted.",
        "%(num)d spoken notes lie at the phone service, since %(when)s, and could not be fetched or deleted.",
        v["n"],
        when=_ago(v, "since", now),
    ),
    "rumour_late": lambda v, _n: ngettext(
        "%(place)s: %(num)d rumour was reported over two hours ago and has no answer.",
        "%(place)s: %(num)d rumours were reported over two hours ago and have no answer.",
        v["n"],
        place=v["place"],
    ),
    "source_silent": lambda v, _n: _(
        "%(name)s: nothing could be fetched from there for an hour.", name=v["name"]
    ),
    "budget_used": lambda v, _n: _(
        "The budget of messages of this day is used up. What is left is kept for levels 4 and 5."
    ),
}

TO_DO: dict[str, Callable[[], str]] = {
    "no_next_step": lambda: _("Ring the chair or the city officer, and look at who is asked last there."),
    "step_late": lambda: _("Look whether the worker runs. Start it with concord worker."),
    "not_told": lambda: _("Look at Readiness for this place, and ring those concerned."),
    "review_late": lambda: _("Ring the office that was asked, and name a deputy for it."),
    "message_waits": lambda: _("Look whether the worker runs, and at the line of this channel."),
    "outcome_unknown": lambda: _("Look at the provider's own list of messages."),
    "claim_unsettled": lambda: _("Look whether the worker runs. Start it with concord worker."),
    "probe_lost": lambda: _("Look at the provider of this channel, and at its hook address."),
    "contact_lost": lambda: _("Ask the chair of the place for another number."),
    "note_stays": lambda: _("Look at the account at the phone service. It is tried again every hour."),
    "message_put_aside": lambda: _("Tell those who look after Concord. The other messages go on."),
    "provider_refuses": lambda: _(
        "Look at the account at the provider: is it paid, and may this number send?"
    ),
    "rumour_late": lambda: _("Ring the secretary of the place. The report waits on the desk."),
    "source_silent": lambda: _("Open Reports from elsewhere. It says what is wrong."),
    "budget_used": lambda: _("Whoever runs Concord can raise CONCORD_SMS_PER_DAY or CONCORD_SMS_PER_CITY."),
}
