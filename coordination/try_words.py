"""The result of a try in words first, as interface.md 2.10 says it, and its tables: every alert lost or gained, every clash missed.

Pages draw it. What a reader may see of it is trying.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy.orm import Session

from alerts.profile_words import sentences
from alerts.replay_runs import ReplayRun
from alerts.sentences import level_word, reason_sentence, rule_label
from alerts.try_scores import FEW_CAME
from alerts.what_if import AFTER, BEFORE
from committees.changes import changes
from committees.layers import laid
from committees.places import Locality, zone_of
from coordination import local_picture, trying
from coordination.evaluation_view import measured, share
from coordination.trying import Seen
from foundation.policy import Principal
from foundation.web import words
from foundation.web.words import gettext as _
from foundation.web.words import ngettext

MOST_NAMED = 12
Data = Mapping[str, Any]


def change_sentences(session: Session, run: ReplayRun) -> list[str]:
    """What the change was, each part in a sentence."""
    below = local_picture.below(session, run.locality_id)
    was = laid([below, trying.own_document(session, run.locality_id)])
    now = laid([below, run.document])
    return sentences(changes(was, now), now)


def in_words(result: Data) -> list[str]:
    """The result in sentences: alerts, clashes, how early, false alarms."""
    before, after = result["measures"][BEFORE], result["measures"][AFTER]
    said = [_alerts(before["warnings"], after["warnings"])]
    if after["events"]:
        said.append(
            ngettext(
                "%(now)d of %(num)d real clash would have had a warning; today it is %(was)d.",
                "%(now)d of the %(num)d real clashes would have had a warning; today it is %(was)d.",
                after["events"],
                now=after["events_warned"],
                was=before["events_warned"],
            )
        )
        if after["events_warned"]:
            said.append(
                ngettext(
                    "%(num)d of them at least 2 days before.",
                    "%(num)d of them at least 2 days before.",
                    after["early"],
                )
            )
    else:
        said.append(_("No real clash is known in this time, so we do not know what would be missed."))
    said.append(
        ngettext(
            "%(num)d false alarm instead of %(was)d.",
            "%(num)d false alarms instead of %(was)d.",
            after["false_alarms"],
            was=before["false_alarms"],
        )
    )
    return said


def _alerts(was: int, now: int) -> str:
    if was == now:
        return ngettext(
            "With this change you would have had %(num)d alert, as with today's rules.",
            "With this change you would have had %(num)d alerts, as with today's rules.",
            now,
        )
    return ngettext(
        "With this change you would have had %(num)d alert instead of %(was)d.",
        "With this change you would have had %(num)d alerts instead of %(was)d.",
        now,
        was=was,
    )


def clash_sentences(session: Session, principal: Principal, seen: Seen) -> list[str]:
    """Each clash that would have been missed, or newly warned of, where and when."""
    places = trying.readable_places(session, principal, _places_of([*seen.missed, *seen.newly_warned]))
    said = [
        _("%(place)s, %(day)s would have been missed.", **_where(session, places, one))
        for one in seen.missed[:MOST_NAMED]
    ]
    said += [
        _("%(place)s, %(day)s would have had a warning, and had none.", **_where(session, places, one))
        for one in seen.newly_warned[:MOST_NAMED]
    ]
    if more := len(seen.missed) + len(seen.newly_warned) - len(said):
        said.append(ngettext("%(num)d more is not named here.", "%(num)d more are not named here.", more))
    if seen.hidden_clashes:
        said.append(
            ngettext(
                "%(num)d more that you may not see.",
                "%(num)d more that you may not see.",
                seen.hidden_clashes,
            )
        )
    return said


def alert_rows(session: Session, principal: Principal, seen: Seen, document: Data) -> list[tuple[Any, ...]]:
    """Every alert lost or gained, the newest first: when, where, by which rule, at which level, and which of the two."""
    both = [(one, _("lost")) for one in seen.lost] + [(one, _("gained")) for one in seen.gained]
    places = trying.readable_places(session, principal, _places_of([one for one, _word in both]))
    both.sort(key=lambda pair: str(pair[0]["at"]), reverse=True)
    return [_row(session, places, one, word, document) for one, word in both]


def _row(
    session: Session, places: Mapping[UUID, Locality], one: Data, word: str, document: Data
) -> tuple[Any, ...]:
    where = _where(session, places, one)
    place = places[UUID(one["place"])]
    link = f"/a/{one['real']}" if one["real"] else f"/place/{place.code}"
    when = Markup('<a href="{}">{}</a>').format(link, where["day"])
    why = " ".join(reason_sentence(reason) for reason in one["reasons"][:2])
    rule = Markup("{}<br><span class=meta>{}</span>").format(rule_label(one["rule"], document), why)
    level = f"{one['level']} · {level_word(one['level'])}"
    return (when, where["place"], rule, level, word)


def _places_of(rows: list[Data]) -> set[UUID]:
    return {UUID(one["place"]) for one in rows}


def _where(session: Session, places: Mapping[UUID, Locality], one: Data) -> dict[str, str]:
    place = places[UUID(one["place"])]
    zone: ZoneInfo = zone_of(session, place)
    at = datetime.fromisoformat(one["at"])
    return {"place": place.name(words.current().language), "day": words.day(at, zone)}


def scores_said(result: Data) -> str:
    """Why the scores of both cannot be judged, or in one sentence what the change would do to them; empty for an old result."""
    found = result.get("scores")
    if not found:
        return ""
    if "why" in found:
        return (
            _("Hardly anything was fatal here in this time, so the scores cannot be judged.")
            if found["why"] == FEW_CAME
            else _("There are too few weeks without deaths in this time to judge the scores.")
        )
    was, now = (found[name]["log_loss"] for name in (BEFORE, AFTER))
    low, high = found[BEFORE]["intervals"]["log_loss"]
    if was == now:
        return _("The scores would have been as good as with today's local picture.")
    if low is not None and low <= now <= high:
        return _("The scores would have been about as good: the difference may be chance.")
    return (
        _("The scores would have been better than with today's local picture.")
        if now < was
        else _("The scores would have been worse than with today's local picture.")
    )


def scores_table(result: Data) -> list[tuple[str, str, str]]:
    """The measures of the scores beside each other, each with what 95 in 100 draws of places lie between; none where there are too few."""
    found = result.get("scores", {})
    if BEFORE not in found:
        return []
    names = (
        (_("AUROC over all places"), "auroc"),
        (_("Average precision"), "ap"),
        (_("Brier score"), "brier"),
        (_("Log loss"), "log_loss"),
    )
    return [(label, measured(found[BEFORE], name), measured(found[AFTER], name)) for label, name in names]


def levels_table(result: Data) -> list[tuple[str, ...]]:
    """By level: the chance given and the share that came, today and with the change."""
    found = result.get("scores", {})
    if BEFORE not in found:
        return []
    pairs = zip(found[BEFORE]["levels"], found[AFTER]["levels"], strict=True)
    return [
        (
            f"{n} · {level_word(n)}",
            *(share(line.get(part)) for line in pair for part in ("predicted", "observed")),
        )
        for n, pair in enumerate(pairs, 1)
    ]


def tiredness(result: Data) -> tuple[str, str]:
    """Messages per person and week today and with the change; a dash where nobody would be told."""
    shown = [result["measures"][name]["messages_a_week"] for name in (BEFORE, AFTER)]
    before, after = ("–" if value is None else f"{value:.2f}" for value in shown)
    return before, after


def measures_table(result: Data) -> list[tuple[str, str, str]]:
    """The measures beside each other: today, with the change."""
    before, after = result["measures"][BEFORE], result["measures"][AFTER]

    def row(label: str, name: str, form: str = "{:.0f}") -> tuple[str, str, str]:
        found = [one[name] for one in (before, after)]
        first, second = ("–" if value is None else form.format(value) for value in found)
        return (label, first, second)

    return [
        row(_("Alerts"), "warnings"),
        row(_("Share of alerts that were true"), "precision", "{:.0%}"),
        row(_("Real clashes with a warning before"), "events_warned"),
        row(_("Share of clashes after 12 quiet weeks that had a warning"), "onset_recall", "{:.0%}"),
        row(_("Days from warning to clash, half of them more"), "lead_days", "{:.1f}"),
        row(_("False alarms"), "false_alarms"),
        row(_("Alerts per place and year"), "warnings_a_year", "{:.1f}"),
        row(_("False alarms per place and year"), "false_alarms_a_year", "{:.1f}"),
        row(_("Messages per person and week"), "messages_a_week", "{:.2f}"),
    ]
