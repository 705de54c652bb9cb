"""Each rule as sentences in the language of the moment, made from its data: also of a rule that somebody edited.

The words of the editor are rule_words.py. Pages import it; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from alerts.labels import how_known_label, kind_label, level_word, role_names, rule_label, trigger_label
from alerts.risk.conditions import CONDITIONS
from alerts.risk.fields import FIELDS, NUMBER
from alerts.risk.rule_checks import COOL_DOWN_HOURS, SAME_AS_SCORE
from alerts.risk.rules import Rule
from alerts.risk.settings import settings_of
from alerts.rule_messages import ALERT, action_words, advice_of
from alerts.rule_reasons import field_label
from foundation.web import words
from foundation.web.words import N_, ngettext
from foundation.web.words import gettext as _

Settings = Mapping[str, Any]
Document = Mapping[str, Any] | None

#: What the messages ask that are not the alert itself.
MESSAGE_ASKS = {"verify": N_("Its message asks people to check first whether it is true.")}
SIGNS = {
    ">=": N_("%(field)s: %(value)s or more"),
    ">": N_("%(field)s: more than %(value)s"),
    "<=": N_("%(field)s: %(value)s or less"),
    "<": N_("%(field)s: less than %(value)s"),
    "==": N_("%(field)s: exactly %(value)s"),
    "!=": N_("%(field)s: anything but %(value)s"),
    "has": N_("%(field)s: among them %(value)s"),
    "has_not": N_("%(field)s: not %(value)s"),
}


def sentences_of(rule: Rule, document: Document = None) -> list[str]:
    """A rule as sentences: when it speaks, who is told and by when, what lifts it; then the rest."""
    return [*main_sentences(rule, document), *short_sentences(rule, document)]


def main_sentences(rule: Rule, document: Document = None) -> list[str]:
    """When a rule speaks, who is told and by when, and what lifts it."""
    when = when_words(rule.when, document)
    said = (
        [_main(rule, when)]
        if rule.alerts
        else [_("When %(when)s: %(who)s ring. No alert goes out.", when=when, who=_who(rule))]
    )
    if rule.alerts and len(rule.tell) > 1:
        said += [_at_level(rule, level) for level in sorted(rule.tell)]
    if rule.stronger:
        said.append(_stronger(rule, document))
    return said


def short_sentences(rule: Rule, document: Document = None) -> list[str]:
    """What its message asks, where it looks, whom it keeps quiet, how long it rests: short enough to stand in one paragraph."""
    said = []
    if rule.per_threat:
        said.append(_("Each line of tension has an alert of its own."))
    if rule.alerts:
        said.append(_message(rule))
    if rule.place == "town":
        said.append(_("It looks at the whole town at once."))
    if rule.inhibits:
        names = _(", ").join(_quote(rule_label(key, document)) for key in rule.inhibits)
        said.append(_("While its alert is open, these rules stay quiet here: %(rules)s.", rules=names))
    if rule.alerts and rule.cool_down_hours != COOL_DOWN_HOURS:
        said.append(
            _("After its alert ended, it rests for %(time)s.", time=hours_words(rule.cool_down_hours))
        )
    return said


def _main(rule: Rule, when: str) -> str:
    if rule.level == SAME_AS_SCORE:
        return _("When %(when)s: an alert at the level of the score.", when=when)
    level = level_word(int(rule.level))
    if len(rule.tell) > 1:
        return _("When %(when)s: an alert at the level %(level)s.", when=when, level=level)
    return _(
        "When %(when)s: tell %(who)s, level %(level)s, answer within %(time)s.",
        when=when,
        who=_who(rule),
        level=level,
        time=minutes_words(_clock(rule, str(rule.level))),
    )


def _at_level(rule: Rule, level: str) -> str:
    return _(
        "At %(level)s: tell %(who)s, answer within %(time)s.",
        level=level_word(int(level)) if level.isdigit() else _("any level"),
        who=role_names(rule.tell[level]),
        time=minutes_words(_clock(rule, level)),
    )


def _stronger(rule: Rule, document: Document) -> str:
    when = when_words(rule.stronger or {}, document)
    level = level_word(rule.stronger_level) if rule.stronger_level else _("the same")
    who = role_names(rule.stronger_tell) if rule.stronger_tell else _who(rule)
    time = minutes_words(_clock(rule, str(rule.stronger_level)))
    return _(
        "If also %(when)s: tell %(who)s, level %(level)s, answer within %(time)s.",
        when=when,
        level=level,
        who=who,
        time=time,
    )


def _message(rule: Rule) -> str:
    """What its message asks of people."""
    if rule.template != ALERT:
        return _(MESSAGE_ASKS[rule.template])
    asked = action_words(advice_of(rule.action, private=rule.private), words.current().language)
    return _("Its message asks: “%(what)s”.", what=asked)


def _clock(rule: Rule, level: str) -> int:
    return rule.clocks.get(level) or rule.clocks.get("*") or max(rule.clocks.values(), default=0)


def _who(rule: Rule) -> str:
    return role_names(tuple(dict.fromkeys(role for roles in rule.tell.values() for role in roles)))


def when_words(tree: Mapping[str, Any], document: Document = None) -> str:
    """A tree of conditions as it stands behind "When"."""
    (name, value), *_rest = tree.items()
    if name == "not":
        return _("it is not so that %(what)s", what=when_words(value, document))
    if name not in ("all", "any"):
        said = WHEN.get(name)
        return said(_filled(name, value or {}), document) if said else _quote(name)
    parts = [when_words(part, document) for part in value]
    return reduce(_and if name == "all" else _or, parts)


def _and(first: str, second: str) -> str:
    return _("%(first)s, and %(second)s", first=first, second=second)


def _or(first: str, second: str) -> str:
    return _("%(first)s, or %(second)s", first=first, second=second)


def _filled(name: str, given: Settings) -> Settings:
    """The settings of a condition with the defaults of those that are left out."""
    return {key: given.get(key, one.default) for key, one in settings_of(CONDITIONS[name]).items()}


def _quote(word: str) -> str:
    return _("“%(word)s”", word=word)


def _one_of(words: Iterable[str]) -> str:
    quoted = [_quote(word) for word in words]
    if len(quoted) < 2:
        return quoted[0] if quoted else _("anything")
    return _("%(some)s or %(last)s", some=_(", ").join(quoted[:-1]), last=quoted[-1])


def _kinds(given: Settings) -> str:
    return _one_of(kind_label(kind) for kind in given["kinds"])


def _people(number: int) -> str:
    return ngettext("%(num)d known person", "%(num)d known people", number)


def minutes_words(minutes: float) -> str:
    """A span of minutes as people say it."""
    return (
        hours_words(minutes / 60)
        if minutes >= 60
        else ngettext("%(num)d minute", "%(num)d minutes", round(minutes))
    )


def hours_words(hours: float) -> str:
    """A span of hours as people say it."""
    if hours >= 48 and hours % 24 == 0:
        return ngettext("%(num)d day", "%(num)d days", int(hours // 24))
    if hours == int(hours):
        return ngettext("%(num)d hour", "%(num)d hours", int(hours))
    return _("%(hours)s hours", hours=f"{hours:g}")


def _level_rise(given: Settings, _document: Document) -> str:
    return _(
        "the score's level rises to %(level)s or more, on %(people)s or one confirmed report",
        level=level_word(given["to"]),
        people=_people(given["sources"]),
    )


def _incident(given: Settings, _document: Document) -> str:
    said = [
        _(
            "we hear of %(kinds)s within %(time)s",
            kinds=_kinds(given),
            time=hours_words(given["within_hours"]),
        )
    ]
    if given["severity"] > 1:
        said.append(_("severity %(level)s or more", level=given["severity"]))
    said += [words for words in (_how_sure(given["credibility"]), _private(given["sensitive"])) if words]
    if given["ongoing"]:
        said.append(_("still going on"))
    return _(", ").join(said)


def _how_sure(credibility: float) -> str:
    if credibility > 0.8:
        return _("confirmed")
    if credibility > 0.5:
        return _("seen in person or confirmed")
    return _("told by someone who was there, or surer") if credibility > 0.2 else ""


def _private(sensitive: str) -> str:
    return {"no": _("not a private matter"), "yes": _("a private matter")}.get(sensitive, "")


def _sources(given: Settings, _document: Document) -> str:
    said = _(
        "%(people)s or more report %(kinds)s within %(time)s",
        people=_people(given["at_least"]),
        kinds=_kinds(given),
        time=hours_words(given["within_hours"]),
    )
    if given["how_known"]:
        how = _(", ").join(how_known_label(word) for word in given["how_known"])
        said = _("%(first)s (%(how)s)", first=said, how=how)
    return _("%(what)s, on the same line of tension", what=said) if given["same_threat"] else said


def _crowd_seen(given: Settings, _document: Document) -> str:
    return _(
        "%(kinds)s goes on, seen by a known person or told by %(people)s within %(time)s",
        kinds=_kinds(given),
        people=_people(given["told"]),
        time=minutes_words(given["within_minutes"]),
    )


def _surge(given: Settings, _document: Document) -> str:
    return _(
        "more trouble than usual is likely (%(percent)s%% or more), and %(people)s reported in 28 days",
        percent=f"{100 * given['probability']:g}",
        people=_people(given["sources"]),
    )


def _window(given: Settings, document: Document) -> str:
    if given["difficult"] and not given["kinds"]:
        return _("a date is near that was difficult last time")
    said = _(
        "a date is near: %(dates)s", dates=_one_of(trigger_label(kind, document) for kind in given["kinds"])
    )
    return _("%(what)s, or any date that was difficult last time", what=said) if given["difficult"] else said


def _unusual(given: Settings, _document: Document) -> str:
    return ngettext(
        "%(num)d of three checks finds more than is usual for this place",
        "%(num)d of three checks find more than is usual for this place",
        given["detectors"],
    )


def _silence(given: Settings, _document: Document) -> str:
    return ngettext(
        "fewer than %(num)d member sent news in 14 days",
        "fewer than %(num)d members sent news in 14 days",
        given["members"],
    )


def _compare(given: Settings, document: Document) -> str:
    field, value = given["field"], given["value"]
    if field in ("level", "level_before", "open_below"):
        shown = level_word(value)
    elif field in ("windows", "difficult_windows"):
        shown = _quote(trigger_label(value, document))
    else:
        shown = f"{100 * value:g}%" if FIELDS[field].kind == NUMBER else str(value)
    sign = SIGNS[given["op"]]
    return _(sign, field=field_label(field), value=shown)


def _expression(_given: Settings, _document: Document) -> str:
    return _("the expression of this rule is true")


WHEN: Mapping[str, Callable[[Settings, Document], str]] = {
    "level_rise": _level_rise,
    "incident": _incident,
    "sources": _sources,
    "crowd_seen": _crowd_seen,
    "surge": _surge,
    "unusual": _unusual,
    "window": _window,
    "silence": _silence,
    "compare": _compare,
    "expression": _expression,
}


def texts_of(tree: Mapping[str, Any]) -> Sequence[str]:
    """The expressions in a tree of conditions, to be shown in a box."""
    (name, value), *_rest = tree.items()
    if name == "expression":
        return [str(value["text"])]
    parts = value if name in ("all", "any") else [value] if name == "not" else []
    return [text for part in parts for text in texts_of(part)]
