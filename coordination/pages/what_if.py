"""What-if: try one change of the rules on the past of a place, read the result in words, and propose it. Nothing applies by itself."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import select

from alerts import replay_runs, rule_words
from alerts.replay_runs import DONE, MONTHS, OPEN, ReplayRun
from alerts.risk.bad_rule import BadRule
from alerts.risk.shapes import Wrong
from committees import places, profiles
from committees.places import Locality, LocalityPath
from committees.profiles import DRAFT, PROPOSED, Profile
from coordination import knobs, local_picture, try_words, trying
from coordination.pages.place import name_of
from coordination.trying import ROLES
from foundation.errors import Invalid, NotFound
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_, ngettext
from foundation.web.words import gettext as _

RECENT, MOST_PLACES = 10, 60
VERSION = "version"
STATES = {
    "waiting": (N_("waits for its turn"), "waiting"),
    "running": (N_("is being worked out"), "doing"),
    "done": (N_("done"), "done"),
    "failed": (N_("did not work"), "problem"),
    "cancelled": (N_("stopped"), "waiting"),
}


@page("/rules/try", roles=ROLES)
def choose(visit: Visit) -> Response:
    """Choose the place on whose past a change is tried."""
    if code := visit.args.get("place", "").strip():
        return visit.go(f"/rules/try/{trying.place_with(visit.session, visit.principal, code).code}")
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id.in_(visit.principal.at(*ROLES)))
    rows = select(Locality).where(Locality.id.in_(below), Locality.watched, Locality.level != "ward")
    found = list(visit.session.scalars(rows.order_by(Locality.code).limit(MOST_PLACES)))
    if len(found) == 1:
        return visit.go(f"/rules/try/{found[0].code}")
    return visit.render(
        "try_choose.html",
        rows=[{"href": f"/rules/try/{one.code}", "name": name_of(one), "meta": one.code} for one in found],
    )


@page("/rules/try/<code>", roles=ROLES)
def start(visit: Visit, code: str) -> Response:
    """Choose one change and a time, and let it be tried."""
    here = trying.place_with(visit.session, visit.principal, code)
    errors: dict[str, str] = {}
    if visit.posted:
        try:
            return visit.go(f"/rules/try/{here.code}/{_ask(visit, here).id}")
        except Wrong as wrong:  # of the document that would come of it: the number is what was typed
            errors = {"value": _said(wrong)}
        except Invalid as wrong:
            errors = {wrong.field: _(wrong.message)}
        except BadRule as bad:
            errors = {"value": rule_words.say(bad)}
    document = profiles.in_force(visit.session, here.id, visit.now).document
    return visit.render(
        "try.html",
        422 if errors else 200,
        name=name_of(here),
        code=here.code,
        errors=errors,
        options=[*_versions(visit, here), *_options(document)],
        months=[(str(n), _("The last %(n)d months", n=n)) for n in MONTHS],
        size=_size(visit, here),
        typed=visit.form if visit.posted else visit.args,
        recent=_recent(visit, here),
    )


def _size(visit: Visit, here: Locality) -> list[str]:
    """How much a try of this place looks at, before it starts: and what of it is too much for one."""
    places = replay_runs.places_of(visit.session, here.id)
    said = [ngettext("It looks at %(num)d place.", "It looks at %(num)d places.", places)]
    for months in MONTHS:
        if places > (most := replay_runs.most_places(months)):
            said.append(
                _("Over %(months)d months one try takes %(most)d places at most.", months=months, most=most)
            )
    return said


def _ask(visit: Visit, here: Locality) -> ReplayRun:
    session, what = visit.session, visit.form.get("what", "")
    chosen = visit.form.get("months", "")
    if chosen not in {str(n) for n in MONTHS}:
        raise Invalid("months", N_("Choose 6 or 12 months"))
    kind, _dot, number = what.partition(".")
    if kind == VERSION and number.isdecimal():
        version = trying.version_of(session, here.id, int(number[:9]))
        document, change = dict(version.document), {"kind": VERSION, "version": version.version}
    else:
        whole = profiles.in_force(session, here.id, visit.now).document
        own = trying.own_document(session, here.id)
        document, change = knobs.turned(own, whole, what, visit.form.get("value", ""))
    return trying.ask(
        session,
        visit.now,
        here,
        key=visit.uuid("id"),
        person_id=visit.person_id,
        document=document,
        change=change,
        months=int(chosen),
    )


def _said(wrong: Wrong) -> str:
    said = _(wrong.said) % wrong.values if wrong.values else _(wrong.said)
    hint = _(wrong.hinted) % wrong.values if wrong.hinted else ""
    return f"{said} {hint}".strip()


def _options(document: Any) -> list[tuple[str, str]]:
    return [
        (
            knob.key,
            knob.label
            if knob.value is None
            else _("%(label)s (today %(value)s)", label=knob.label, value=knob.value),
        )
        for knob in knobs.knobs(document)
    ]


def _versions(visit: Visit, here: Locality) -> list[tuple[str, str]]:
    """The versions of the local picture that wait: they can be tried as they are."""
    rows = select(Profile).where(Profile.locality_id == here.id, Profile.state.in_((DRAFT, PROPOSED)))
    return [
        (f"{VERSION}.{row.version}", _("Version %(number)d, as it was written", number=row.version))
        for row in visit.session.scalars(rows.order_by(Profile.version.desc()))
    ]


def _recent(visit: Visit, here: Locality) -> list[dict[str, Any]]:
    rows = select(ReplayRun).where(ReplayRun.locality_id == here.id)
    zone = places.zone_of(visit.session, here)
    found = []
    for run in visit.session.scalars(rows.order_by(ReplayRun.asked_at.desc()).limit(RECENT)):
        state = _(STATES[run.state][0])
        said = try_words.change_sentences(visit.session, run)
        when = words.when(run.asked_at, zone, visit.now)
        found.append(
            {
                "href": f"/rules/try/{here.code}/{run.id}",
                "name": said[0] if said else _("Nothing differs from today any more"),
                "meta": _("%(when)s · %(state)s", when=when, state=state),
            }
        )
    return found


@page("/rules/try/<code>/<uuid:run_id>", roles=ROLES)
def result(visit: Visit, code: str, run_id: Any) -> Response:
    """How far a try is, and then its result."""
    here, run = _run(visit, code, run_id)
    return _show(visit, here, run)


def _run(visit: Visit, code: str, run_id: Any) -> tuple[Locality, ReplayRun]:
    here = trying.place_with(visit.session, visit.principal, code)
    run: ReplayRun = visit.get(ReplayRun, run_id)
    if run.locality_id != here.id:
        raise NotFound()
    return here, run


def _show(visit: Visit, here: Locality, run: ReplayRun, errors: dict[str, str] | None = None) -> Response:
    session, zone = visit.session, places.zone_of(visit.session, here)
    values: dict[str, Any] = {}
    if run.state == DONE:
        seen = trying.seen_by(session, visit.principal, here.id, run.result)
        document = profiles.in_force(session, here.id, visit.now).document
        before, after = try_words.tiredness(run.result)
        values = {
            "said": try_words.in_words(run.result),
            "clashes": try_words.clash_sentences(session, visit.principal, seen),
            "rows": try_words.alert_rows(session, visit.principal, seen, document),
            "hidden": seen.hidden_alerts,
            "messages": (before, after),
            "people": run.result["people"],
            "measures": try_words.measures_table(run.result),
            "scores_said": try_words.scores_said(run.result),
            "scores": try_words.scores_table(run.result),
            "levels": try_words.levels_table(run.result),
            "may_propose": run.profile_id is None
            and any(standing.role in local_picture.EDITORS for standing in visit.principal.standings),
        }
    state, look = STATES[run.state]
    return visit.render(
        "try_result.html",
        422 if errors else 200,
        name=name_of(here),
        code=here.code,
        run=run,
        is_open=run.state in OPEN,
        state=_(state),
        look=look,
        change=try_words.change_sentences(session, run),
        since=words.day_and_year(run.since, zone),
        until=words.day_and_year(run.until, zone),
        errors=errors or {},
        reason=visit.form.get("reason", "") if visit.posted else "",
        **values,
    )


@page("/rules/try/<code>/<uuid:run_id>/stop", roles=ROLES)
def stop(visit: Visit, code: str, run_id: Any) -> Response:
    """Stop a try that is not finished."""
    here, run = _run(visit, code, run_id)
    if visit.posted:
        replay_runs.cancel(visit.session, visit.now, run)
        visit.say(_("This try is stopped. Nothing was changed."))
    return visit.go(f"/rules/try/{here.code}/{run.id}")


@page("/rules/try/<code>/<uuid:run_id>/propose", roles=local_picture.EDITORS)
def propose(visit: Visit, code: str, run_id: Any) -> Response:
    """Put what was tried before a second person."""
    here, run = _run(visit, code, run_id)
    if not visit.posted:
        return visit.go(f"/rules/try/{here.code}/{run.id}")
    try:
        version = trying.propose(
            visit.session, visit.now, run, visit.person_id, visit.form.get("reason", "").strip()
        )
    except Invalid as wrong:
        return _show(visit, here, run, {wrong.field: _(wrong.message)})
    visit.say(local_picture.proposed_words(version))
    return visit.go(f"/place/{here.code}/profile")
