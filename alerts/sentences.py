"""Reasons as data made into sentences: what a rule found, what makes up a score, and an alert's story.

A reason is stored as {key, numbers}; here it becomes words, in the language of the moment. Words of closed
lists (levels, roles, kinds ...) are labels.py and can be imported from here too. A key that is not known any
more (an old row, a newer version) becomes a neutral sentence instead of a broken page; a guard test keeps
every key that the code writes on these lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alerts import passed_on
from alerts.labels import (
    answer_label,
    call_reason,
    channel_label,
    date_name,
    decision_label,
    delivery_reason,
    delivery_state_label,
    detector_labels,
    feedback_label,
    form_label,
    how_known_label,
    indicator_label,
    kind_label,
    level_meaning,
    level_word,
    marking_label,
    outcome_label,
    role_name,
    role_names,
    rule_label,
    severity_label,
    state_label,
    sure_label,
    threat_label,
    trigger_label,
    why_held,
    why_unread,
)
from alerts.ladder_sentences import LADDER_NOTES
from alerts.rule_reasons import RULE_REASONS
from alerts.told_sentences import TOLD_NOTES, TOLD_REASONS
from foundation.web.words import gettext as _
from foundation.web.words import ngettext

__all__ = [
    "FOUND",
    "LINES",
    "NOTES",
    "answer_label",
    "call_reason",
    "channel_label",
    "date_name",
    "decision_label",
    "detector_labels",
    "delivery_reason",
    "delivery_state_label",
    "feedback_label",
    "form_label",
    "how_known_label",
    "indicator_label",
    "kind_label",
    "level_meaning",
    "level_word",
    "line_sentence",
    "marking_label",
    "note_sentence",
    "outcome_label",
    "reason_sentence",
    "role_name",
    "role_names",
    "rule_label",
    "severity_label",
    "state_label",
    "sure_label",
    "threat_label",
    "trigger_label",
    "why_held",
    "why_unread",
]

Values = Mapping[str, Any]
Say = Callable[[Values], str]

# What conditions found (alerts/risk/conditions.py) and why a conclusion did what it did (deciding.decide); more in rule_reasons.py.
FOUND: dict[str, Say] = {
    "level_rose": lambda v: ngettext(
        "The level rose from %(was)s to %(level)s, on reports of %(num)d person.",
        "The level rose from %(was)s to %(level)s, on reports of %(num)d people.",
        v["n"],
        was=level_word(v["was"]),
        level=level_word(v["level"]),
    ),
    "level_not_risen": lambda v: _("The level is %(level)s and has not risen.", level=level_word(v["level"])),
    "too_few_sources": lambda v: _(
        "Only %(n)d of %(needed)d people whom we know have reported it.", n=v["n"], needed=v["needed"]
    ),
    "no_such_incident": lambda v: _("Nothing of this kind was reported in %(n)d hours.", n=v["hours"]),
    "incident": lambda v: ngettext(
        "%(kind)s, %(how)s.",
        "%(num)d reports, the gravest: %(kind)s, %(how)s.",
        v["n"],
        kind=kind_label(v["kind"]),
        how=how_known_label(v["how"]),
    ),
    "sources": lambda v: ngettext(
        "%(num)d person reported it within %(hours)d hours, each by themselves.",
        "%(num)d people reported it within %(hours)d hours, each by themselves.",
        v["n"],
        hours=v["hours"],
    ),
    "seen_now": lambda v: _(
        "%(kind)s: seen in person, and it is still going on.", kind=kind_label(v["kind"])
    ),
    "told_now": lambda v: _(
        "%(n)d people told us within %(minutes)d minutes that it is going on.", n=v["n"], minutes=v["minutes"]
    ),
    "heard_only": lambda _v: _("A crowd was only heard of. Nobody we know has seen it yet."),
    "no_crowd": lambda _v: _("No crowd is reported to be there now."),
    "surge": lambda v: _(
        "More trouble than usual for this place is likely in the next 4 weeks. %(n)d people reported.",
        n=v["n"],
    ),
    "no_surge": lambda _v: _("No more trouble than usual for this place is likely."),
    "unusual_count": lambda v: ngettext(
        "%(num)d incident in one week. Up to %(usual)d would be usual here.",
        "%(num)d incidents in one week. Up to %(usual)d would be usual here.",
        v["n"],
        usual=v["usual"],
    ),
    "unusual_checks": lambda v: _("What stands out: %(checks)s.", checks=detector_labels(v["checks"])),
    "not_unusual": lambda v: _(
        "%(n)d of 3 checks find it unusual for this place; %(needed)d are needed.",
        n=v["n"],
        needed=v["needed"],
    ),
    "date_near": lambda v: _("A date is near: %(date)s.", date=trigger_label(v["trigger"])),
    "no_date_near": lambda _v: _("No such date is near."),
    "no_news": lambda v: ngettext(
        "Only %(num)d member sent news in 14 days.", "Only %(num)d members sent news in 14 days.", v["n"]
    ),
    "news_enough": lambda v: ngettext(
        "%(num)d member sent news in 14 days.", "%(num)d members sent news in 14 days.", v["n"]
    ),
    "not_raised": lambda _v: _("The rule did not apply."),
    "not_an_alert": lambda _v: _("This rule asks somebody to ring, it sends no alert."),
    "higher": lambda _v: _("The level is higher than that of the open alert."),
    "more_evidence": lambda _v: _("New reports belong to the open alert."),
    "nothing_new": lambda _v: _("Nothing new since the open alert."),
    "already_handled": lambda _v: _("These reports were dealt with in an alert that has ended."),
    "new": lambda _v: _("No alert about this was open."),
    **RULE_REASONS,
    **TOLD_REASONS,
}

# What makes up a score (assessing.explain). A page adds kind, how and day of what its reader may open.
LINES: dict[str, Say] = {
    "incident": lambda v: (
        _(
            "%(kind)s, %(how)s, %(day)s",
            kind=kind_label(v["kind"]),
            how=how_known_label(v["how"]),
            day=v["day"],
        )
        if "kind" in v
        else _("Another matter: a report that you cannot open")
    ),
    "incidents": lambda v: _(
        "%(n)d reports: %(kind)s, the newest on %(day)s", n=v["n"], kind=kind_label(v["kind"]), day=v["day"]
    ),
    "hidden": lambda v: ngettext(
        "Another matter: %(num)d report that you cannot open",
        "Other matters: %(num)d reports that you cannot open",
        v["n"],
    ),
    "small": lambda _v: _("Other things, a little each"),
    "older": lambda _v: _("Older reports from here, all together"),
    "neighbours": lambda _v: _("Reports from next door"),
    "neighbour": lambda v: _("Reports from next door: %(place)s", place=v["place"]),
    "signs": lambda _v: _("Check-ins, signs, dates and what holds peace, all together"),
    "background": lambda _v: _("What is usual anywhere"),
    "checkin": lambda v: _checkin(v),
    "indicator": lambda v: (
        _("Members see it: %(sign)s", sign=indicator_label(v["indicator"]))
        if v["seen"]
        else _("Members say it stopped: %(sign)s", sign=indicator_label(v["indicator"]))
    ),
    "date": lambda v: (
        _("Two dates fall together: %(date)s is one of them", date=date_name(v.get("names"), v["trigger"]))
        if v.get("together")
        else _("A date is near: %(date)s", date=date_name(v.get("names"), v["trigger"]))
    ),
    "peace": lambda v: _("It holds peace here: %(what)s", what=_(v["label"])),
    "floor": lambda _v: _("The score never falls below what is usual anywhere"),
}

# An alert's story (alert.note). The keys that name a template are messages of that kind going out.
NOTES: dict[str, Say] = {
    "opened": lambda v: _(
        "The alert opened at %(level)s: %(rule)s.", level=level_word(v["level"]), rule=rule_label(v["rule"])
    ),
    "raised": lambda v: _(
        "The level rose from %(was)s to %(level)s.", was=level_word(v["was"]), level=level_word(v["level"])
    ),
    "more_evidence": lambda v: ngettext(
        "It now rests on %(num)d report.", "It now rests on %(num)d reports.", v["n"]
    ),
    "told": lambda v: ngettext(
        "%(num)d person was told: %(roles)s.",
        "%(num)d people were told: %(roles)s.",
        v["n"],
        roles=role_names(v["roles"]),
    ),
    "escalation": lambda v: _asked_to_decide(v),
    "confirm_severe": lambda v: _asked_to_decide(v),
    "unreached": lambda v: _(
        "We could not reach the %(role)s: no number or address works.", role=role_name(v["role"])
    ),
    **passed_on.STORY,
    "step_empty": lambda v: _(
        "Nobody holds this office now: %(roles)s. The next one is asked.", roles=role_names(v["roles"])
    ),
    "review_late": lambda v: (
        _("Not decided in time. The deputy was asked, and the chair was told.")
        if v["n"]
        else _("Not decided in time. There is no deputy. The chair was told.")
    ),
    "review_asked": lambda v: _("Asked for a decision: %(role)s.", role=role_name(v["role"])),
    "said_over": lambda v: _(
        "Somebody there says that it is over (%(channel)s). The alert stays open until a person ends it.",
        channel=channel_label(v.get("channel", "sms")),
    ),
    "answer_seen": lambda v: _(
        "Seen by the %(role)s (%(channel)s).",
        role=role_name(v["role"]),
        channel=channel_label(v.get("channel", "page")),
    ),
    "answer_acting": lambda v: _(
        "The %(role)s is acting on it (%(channel)s).",
        role=role_name(v["role"]),
        channel=channel_label(v.get("channel", "page")),
    ),
    "answer_cannot": lambda v: _(
        "The %(role)s cannot, and passed it on (%(channel)s).",
        role=role_name(v["role"]),
        channel=channel_label(v.get("channel", "page")),
    ),
    "review_take": lambda v: _("The %(role)s takes it on.", role=role_name(v["role"])),
    "review_ask": lambda v: _("The %(role)s has a question for the committee.", role=role_name(v["role"])),
    "review_pass": lambda v: _(
        "The %(role)s passed it to: %(to)s.",
        role=role_name(v["role"]),
        to=role_name(v.get("pass_to") or "committee"),
    ),
    "review_not_true": lambda v: _("The %(role)s checked it: not true.", role=role_name(v["role"])),
    "closed": lambda v: _("The alert ended: %(outcome)s.", outcome=outcome_label(v["outcome"])),
    "confirmed": lambda v: _(
        "The %(role)s confirmed the level %(level)s.",
        role=role_name(v.get("role", "chair")),
        level=level_word(v.get("level", 5)),
    ),
    "corrected": lambda _v: _("A correction went to those who were told."),
    **LADDER_NOTES,
    **TOLD_NOTES,
}


def reason_sentence(reason: Values) -> str:
    """A stored reason as a sentence: of a finding, or (where it has points) a line of a score."""
    return line_sentence(reason) if "points" in reason else _said(FOUND, str(reason.get("key", "")), reason)


def line_sentence(line: Values) -> str:
    """One line of a score; an incident without kind, how and day is one that the reader may not open."""
    return _said(LINES, str(line.get("key", "")), line)


def note_sentence(key: str, values: Values) -> str:
    """One line of an alert's story."""
    return _said(NOTES, key, values)


def _said(sentences: Mapping[str, Say], key: str, values: Values) -> str:
    say = sentences.get(key)
    if say is None:
        return _("Something was noted that this page has no words for.")
    try:
        return say(values)
    except (KeyError, TypeError):
        # An old row may lack a number that a sentence wants; the page must open all the same.
        return _("Something was noted that this page has no words for.")


def _asked_to_decide(v: Values) -> str:
    return ngettext(
        "%(num)d person was asked to decide: %(roles)s.",
        "%(num)d people were asked to decide: %(roles)s.",
        v["n"],
        roles=role_names(v["roles"]),
    )


def _checkin(v: Values) -> str:
    median = float(v["median"])
    mood = (
        _("all is well")
        if median < 1.5
        else _("it is mostly fine")
        if median < 2.5
        else _("there is some tension")
        if median < 3.5
        else _("it is tense")
        if median < 4.5
        else _("it is very tense")
    )
    return ngettext(
        "Check-ins of %(num)d member say: %(mood)s",
        "Check-ins of %(num)d members say: %(mood)s",
        v["n"],
        mood=mood,
    )
