"""A place: its level, why, what would lower it, how sure we are, its last 12 weeks, dates and neighbours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response
from markupsafe import Markup

from alerts import assessing, calibrating, pictures
from alerts.assessing import Score
from alerts.score_sentences import confidence_sentence, kappa_sentence
from alerts.sentences import level_meaning, level_word, threat_label
from alerts.standing import Standing, standings
from alerts.town_map import Area, town_map
from committees import call_backs, places, profiles
from committees.call_backs import CallBack
from committees.places import Locality, local_day
from coordination import calendar_view, desk_view, place_view, reach
from foundation import journal
from foundation.policy import RULES
from foundation.web import words
from foundation.web.page import PAGES, Visit, page
from foundation.web.words import gettext as _

READERS = reach.READS_LEVELS
MAY_DISAGREE = tuple(role for role in READERS if role in RULES["adds"]["roles"])
DAYS_AHEAD = 30


@page("/place/<code>", roles=READERS)
def place(visit: Visit, code: str) -> Response:
    """How a place is, and why."""
    session, now = visit.session, visit.now
    here = reach.place_with(session, visit.principal, code)
    zone = places.zone_of(session, here)
    wards = _readable(visit, reach.wards_below(session, [here.id]) if here.level == "town" else [])
    near = _readable(visit, places.neighbours(session, here.id))
    stands = standings(session, [here, *wards, *near], now)
    score = assessing.latest(session, here.id)
    document = profiles.in_force(session, here.id).document
    own = stands[here.id]
    return visit.render(
        "place.html",
        place=here,
        name=name_of(here),
        parent=_parent(visit, here),
        stands=own,
        since=since_words(own, zone),
        meaning=level_meaning(own.level),
        alert=own.open_alerts[0] if own.open_alerts else None,
        why=place_view.why(session, visit.principal, score, zone, near, desk=visit.has(*desk_view.DESK))
        if score
        else None,
        unusual=place_view.unusual(now, own, zone),
        chance=_chance(visit, score),
        calibrated=_calibrated(visit, here),
        confidence=confidence_sentence(score.basis["confidence"])
        if score and score.basis.get("confidence")
        else "",
        lower=place_view.what_would_lower(own, score, zone),
        sure=place_view.how_sure(session, now, here, zone),
        ring=_ring(visit, here, own),
        assessed=words.when(score.at, zone, now) if score else "",
        rules=_rules(score),
        may_disagree=visit.has(*MAY_DISAGREE),
        profile=_page_or_nothing("/place/<code>/profile", f"/place/{here.code}/profile"),
        threats=_threats(document),
        dates=dates_of(visit, here, zone, document=document),
        near=[row_of(other, stands[other.id]) for other in near],
        wards=[row_of(ward, stands[ward.id]) for ward in wards],
        map=map_of(wards, stands, name_of(here)) if wards else None,
        **_history(visit, here, zone),
    )


@page("/place/<code>/disagree", roles=MAY_DISAGREE)
def disagree(visit: Visit, code: str) -> Response:
    """Somebody does not agree with the level: the secretary is asked to ring, and the record keeps it."""
    here = reach.place_with(visit.session, visit.principal, code)
    if visit.posted:
        key = visit.uuid("id")
        if visit.session.get(CallBack, key) is None:
            due = visit.now + timedelta(days=3)
            call = CallBack(
                id=key, locality_id=here.id, why=call_backs.DISAGREES, asked_at=visit.now, due_at=due
            )
            visit.session.add(call)
            journal.record(
                visit.session, visit.now, "level:disagree", "locality", here.id, locality_id=here.id
            )
        visit.say(_("Thank you. The secretary will ask you why, within 3 days."))
    return visit.go(f"/place/{here.code}")


def name_of(place: Locality) -> str:
    """A place's name in the language of the page."""
    return place.name(words.current().language)


def row_of(place: Locality, stands: Standing) -> dict[str, Any]:
    """A place as a row to press: name, level."""
    return {"href": f"/place/{place.code}", "name": name_of(place), "level": stands.level}


def since_words(stands: Standing, zone: ZoneInfo) -> str:
    """Since when a place has its level, and what it was before."""
    if stands.level == 0:
        return (
            _("Fewer than 2 people sent news in the last 14 days, so we do not know.")
            if stands.why_not_known == "no_news"
            else _("Nobody has sent news from here yet, so we do not know.")
        )
    if stands.since is None:
        return ""
    since = _("%(level)s since %(day)s", level=level_word(stands.level), day=words.day(stands.since, zone))
    if stands.before is None:
        return _("%(since)s.", since=since)
    return _("%(since)s, was %(before)s.", since=since, before=level_word(stands.before))


def map_of(wards: list[Locality], stands: dict[Any, Standing], title: str, key: str = "map") -> Markup:
    """The map of a town: each ward a link that says its level in words."""
    areas = [area_of(ward, stands[ward.id].level) for ward in wards]
    return town_map(areas, title, rtl=words.current().dir == "rtl", key=key)


def area_of(ward: Locality, level: int) -> Area:
    """A ward as an area of the map."""
    rings = tuple(tuple((x, y) for x, y in ring) for ring in (ward.area or {}).get("rings", ()))
    of_five = f", {_('%(level)s of 5', level=level)}" if level else ""
    sentence = f"{name_of(ward)}: {level_word(level)}{of_five}"
    return Area(name_of(ward), sentence, level, f"/place/{ward.code}", rings=rings)


def dates_of(
    visit: Visit, place: Locality, zone: ZoneInfo, days: int = DAYS_AHEAD, document: Any = None
) -> list[tuple[str, str, str]]:
    """The dates to prepare for: (when, what, from when to when people watch)."""
    today = local_day(visit.now, zone)
    return calendar_view.soon(visit.session, visit.principal, place, today, days, document)


def _readable(visit: Visit, near: list[Locality]) -> list[Locality]:
    own = reach.covered(visit.session, visit.principal, [other.id for other in near])
    return [other for other in near if other.id in own]


def _parent(visit: Visit, here: Locality) -> Locality | None:
    parent = visit.session.get(Locality, here.parent_id) if here.parent_id else None
    return parent if parent and reach.covered(visit.session, visit.principal, [parent.id]) else None


def _chance(visit: Visit, score: Score | None) -> str:
    """The probability in words, for analysts only: others read points."""
    if score is None or not visit.has(*reach.ANALYSTS):
        return ""
    return _(
        "For analysts: chance of at least one fatal incident in the coming 28 days %(percent)s%%.",
        percent=f"{100 * score.p28:.1f}",
    )


def _calibrated(visit: Visit, here: Locality) -> str:
    """Kappa in words, for analysts only."""
    if not visit.has(*reach.ANALYSTS):
        return ""
    row = calibrating.kappa_row(visit.session, here.id, visit.now)
    return kappa_sentence(row.held, row.unheld) if row else kappa_sentence(1.0, 1.0)


def _ring(visit: Visit, here: Locality, stands: Standing) -> str:
    if stands.level or not visit.has(*desk_view.DESK) or here.level != "ward":
        return ""
    return desk_view.name_who_sits(visit.session, here)


def _rules(score: Score | None) -> str:
    """Which rules made the score: the version nearest to the place, without ids."""
    if score is None:
        return ""
    nearest = score.profile.split(" < ")[0]
    return nearest.rsplit("/", 1)[-1]


def _page_or_nothing(path: str, link: str) -> str:
    return link if any(one.path == path for one in PAGES) else ""


def _threats(document: Any) -> list[str]:
    return [
        threat_label(row["key"], document)
        for row in document["threats"]
        if row["key"] != "unsorted" and row.get("scored", True)
    ]


def _history(visit: Visit, here: Locality, zone: ZoneInfo) -> dict[str, Any]:
    rows = place_view.history(visit.session, visit.now, here, zone)
    chart_words = pictures.ChartWords(
        title=_("Level of %(place)s in the last 12 weeks", place=name_of(here)),
        older=_("older"),
        newer=_("newer"),
        not_known=_("Not known"),
        actions=_("a week with actions done"),
        meetings=_("a week with a meeting"),
    )
    chart = pictures.history_chart(
        [pictures.Week(row.label, row.level, actions=row.done) for row in rows],
        chart_words,
        rtl=words.current().dir == "rtl",
    )
    table = [
        (row.label, f"{row.level or '?'} · {level_word(row.level)}", str(row.done)) for row in reversed(rows)
    ]
    return {"chart": chart, "key": pictures.chart_key(chart_words), "weeks": table}
