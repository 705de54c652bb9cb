"""The alert page: read it, answer it, act on it. Opening it answers nothing; only a button does.

What it shows is coordination/alert_view.py; what ends, confirms and asks for help is coordination/closing_alerts.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response

from alerts import news, sentences, severe
from alerts.acknowledging import acknowledge, worked
from alerts.alert import ANSWERS, OPEN, OUTCOMES, Alert
from committees import actions
from committees.actions import Action
from committees.places import Locality, local_day
from coordination import alert_view, closing_alerts, outlook_view, standing_view
from coordination.alert_words import news_choices
from coordination.pages import silences
from foundation.db import new_id
from foundation.errors import Invalid, NotAllowed, Problem, Refused
from foundation.web import words
from foundation.web.forms import Form
from foundation.web.page import SIGNED_IN, Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

THANKS = {
    "seen": N_("Thank you. We noted that you have seen this."),
    "acting": N_("Thank you. Everybody who was told can see that somebody is acting."),
    "cannot": N_("Thank you for saying so. The next person is asked now."),
}
HELP = {
    "presence": N_("To be present nearby, in sight"),
    "call": N_("To call those concerned"),
    "advice": N_("Advice"),
    "nothing": N_("Nothing, for information only"),
}
LEVELS = ("1", "2", "3", "4")
OWNERS = ("secretary", "chair", "member", "city_officer", "district_administration")


@page("/a/<uuid:alert_id>", roles=SIGNED_IN)
def alert(visit: Visit, alert_id: UUID) -> Response:
    """The alert with everything this visitor may know of it."""
    return show(visit, visit.get(Alert, alert_id))


@page("/a/<uuid:alert_id>/answer", roles=SIGNED_IN)
def answer(visit: Visit, alert_id: UUID) -> Response:
    """One of the three buttons."""
    row = visit.get(Alert, alert_id)
    if visit.posted:
        said = visit.form.get("answer", "")
        try:
            acknowledge(
                visit.session, visit.now, row, visit.person_id, said if said in ANSWERS else "", "page"
            )
        except Problem as problem:
            return show(visit, row, {"answer": _(problem.message)}, status=problem.status)
        visit.say(_(THANKS[said]))
    return visit.go(f"/a/{alert_id}")


@page("/a/<uuid:alert_id>/actions", roles=closing_alerts.MAY_END)
def add_action(visit: Visit, alert_id: UUID) -> Response:
    """Somebody does something by a day."""
    row = visit.get(Alert, alert_id)
    if not visit.posted:
        return visit.go(f"/a/{alert_id}")
    officer(visit, row)
    form = Form(visit.form)
    what = form.text(
        "what",
        actions.LENGTH,
        _("Make it shorter. You have used %(used)d of %(most)d letters"),
        needed=_("Write what is to be done"),
    )
    role = form.choice("role", OWNERS, _("Choose who does it"))
    due = form.date_parts("due", _("Enter a real date, like 27 11 2026"))
    if due and due < local_day(visit.now, alert_view.zone(visit.session, row)):
        form.errors["due"] = _("The date must be today or later")
    if form.errors or due is None:
        return show(visit, row, form.errors, open_form="action")
    actions.add(
        visit.session,
        visit.now,
        row.locality_id,
        what,
        role,
        due,
        alert_id=row.id,
        person_id=visit.person_id,
        key=visit.uuid("action_id"),
    )
    worked(visit.session, visit.now, row)
    visit.say(_("The action is on the list."))
    return visit.go(f"/a/{alert_id}")


@page("/a/<uuid:alert_id>/actions/<uuid:action_id>", roles=closing_alerts.MAY_END)
def settle_action(visit: Visit, alert_id: UUID, action_id: UUID) -> Response:
    """An action moves on: doing, done, or dropped with a reason."""
    row = visit.get(Alert, alert_id)
    action = visit.get(Action, action_id)
    if visit.posted and action.alert_id == row.id:
        role, was = officer(visit, row), action.state
        try:
            actions.settle(
                visit.session,
                visit.now,
                action,
                visit.form.get("state", ""),
                visit.form.get(f"outcome_{action.id}", "")[: actions.LENGTH],
            )
        except Invalid as wrong:
            return show(visit, row, {f"{wrong.field}_{action.id}": _(wrong.message)})
        worked(visit.session, visit.now, row)
        if action.state == actions.DONE != was:
            news.action_done(visit.session, visit.now, row, person_id=visit.person_id, role=role)
        visit.say(_("The action was changed."))
    return visit.go(f"/a/{alert_id}")


@page("/a/<uuid:alert_id>/close", roles=closing_alerts.MAY_END)
def close(visit: Visit, alert_id: UUID) -> Response:
    """End or correct an alert; from level 4, ask a second person to."""
    row = visit.get(Alert, alert_id)
    if not visit.posted:
        return visit.go(f"/a/{alert_id}")
    role = officer(visit, row)
    try:
        asked = closing_alerts.end(
            visit.session,
            visit.now,
            row,
            outcome=visit.form.get("outcome", ""),
            reason=visit.form.get("reason", ""),
            person_id=visit.person_id,
            role=role,
            key=visit.uuid("close_id"),
        )
    except Refused as refused:
        return show(visit, row, {name: _(text) for name, text in refused.fields.items()}, open_form="close")
    if asked:
        visit.say(
            _(
                "Asked. A second person, of another organisation, confirms it. Until then the alert stays open."
            )
        )
    else:
        visit.say(_("The alert has ended. Those who were told will hear of it."))
    return visit.go(f"/a/{alert_id}")


@page("/a/<uuid:alert_id>/lower", roles=closing_alerts.MAY_END)
def lower(visit: Visit, alert_id: UUID) -> Response:
    """Lower the level; from level 4, ask a second person to."""
    row = visit.get(Alert, alert_id)
    if not visit.posted:
        return visit.go(f"/a/{alert_id}")
    role = officer(visit, row)
    to = visit.form.get("to", "")
    try:
        asked = closing_alerts.lower(
            visit.session,
            visit.now,
            row,
            to=int(to) if to in LEVELS else 0,
            reason=visit.form.get("reason", ""),
            person_id=visit.person_id,
            role=role,
            key=visit.uuid("lower_id"),
        )
    except Refused as refused:
        return show(visit, row, {name: _(text) for name, text in refused.fields.items()}, open_form="lower")
    if asked:
        visit.say(
            _("Asked. A second person, of another organisation, confirms it. Until then the level stays.")
        )
    else:
        visit.say(_("The level is lower now. Those who were told will hear of it."))
    return visit.go(f"/a/{alert_id}")


@page("/a/<uuid:alert_id>/close/decide", roles=closing_alerts.MAY_END)
def decide_end(visit: Visit, alert_id: UUID) -> Response:
    """The second person confirms the end, or keeps the alert open, with a reason."""
    return _decide(visit, alert_id, "close")


@page("/a/<uuid:alert_id>/lower/decide", roles=closing_alerts.MAY_END)
def decide_lower(visit: Visit, alert_id: UUID) -> Response:
    """The second person confirms the lower level, or keeps the level, with a reason."""
    return _decide(visit, alert_id, "lower")


def _decide(visit: Visit, alert_id: UUID, what: str) -> Response:
    row = visit.get(Alert, alert_id)
    if not visit.posted:
        return visit.go(f"/a/{alert_id}")
    officer(visit, row)
    kind = closing_alerts.END if what == "close" else closing_alerts.LOWER
    if visit.form.get("decision") == "confirm" and what == "close":
        closing_alerts.confirm_end(visit.session, visit.now, row, visit.person_id)
        visit.say(_("The alert has ended. Those who were told will hear of it."))
    elif visit.form.get("decision") == "confirm":
        closing_alerts.confirm_lower(visit.session, visit.now, row, visit.person_id)
        visit.say(_("The level is lower now. Those who were told will hear of it."))
    elif visit.form.get("decision") == "keep":
        why = visit.form.get("why", "")
        try:
            closing_alerts.keep_open(visit.session, visit.now, row, visit.person_id, kind=kind, why=why)
        except Refused as refused:
            return show(visit, row, {f"why_{what}": _(refused.fields["reason"])})
        visit.say(_("The alert stays open.") if what == "close" else _("The level stays as it is."))
    return visit.go(f"/a/{alert_id}")


@page("/a/<uuid:alert_id>/help", roles=closing_alerts.MAY_END)
def ask_for_help(visit: Visit, alert_id: UUID) -> Response:
    """Put the alert before the police liaison now."""
    row = visit.get(Alert, alert_id)
    if not visit.posted:
        return visit.go(f"/a/{alert_id}")
    role = officer(visit, row)
    wanted = Form(visit.form).choices("asks_for", closing_alerts.ASKS_FOR)
    if not wanted:
        return show(visit, row, {"asks_for": _("Choose what you ask for")}, open_form="help")
    closing_alerts.ask_for_help(visit.session, visit.now, row, role, wanted)
    visit.say(
        _("Asked. The police liaison sees coded facts only: no names, no numbers, no text of a report.")
    )
    return visit.go(f"/a/{alert_id}")


def officer(visit: Visit, row: Alert) -> str:
    """The role in which this visitor may manage an alert here; raise NotAllowed for one who may only read it."""
    role = closing_alerts.role_here(visit.session, row, visit.person_id, closing_alerts.MAY_END)
    if role is None:
        raise NotAllowed(_("This alert belongs to another place."), _("You can read it and answer it."))
    return role


def show(
    visit: Visit, row: Alert, errors: dict[str, str] | None = None, *, open_form: str = "", status: int = 422
) -> Response:
    """Draw the page, also with a form that was sent back."""
    session, now = visit.session, visit.now
    mine = alert_view.my_answers(session, row, visit.principal)
    sent = alert_view.messages_sent(session, now, row, visit.principal)
    values: dict[str, Any] = {
        "alert": row,
        "title": alert_view.title(session, row, visit.principal),
        "line": alert_view.line(session, now, row),
        "summary": alert_view.summary(session, now, row, visit.principal),
        "open": row.state == OPEN,
        "mine": {key: words.when(at, alert_view.zone(session, row), now) for key, at in mine.items()},
        "buttons": alert_view.buttons(mine),
        "answers": alert_view.answers(session, now, row),
        "silent": alert_view.silent(session, row),
        "not_asked": alert_view.not_asked(session, now, row, visit.principal),
        "look": outlook_view.look(session, now, row, alert_view.zone(session, row)),
        "sent": sent,
        "arrived": sum(line["kind"] == "done" for line in sent),
        "why": alert_view.why(session, row),
        "story": alert_view.story(session, now, row),
        "outcome": sentences.outcome_label(row.outcome),
        "place_path": _place_path(visit, row),
    }
    values |= manage(visit, row)
    return visit.render(
        "alert.html", status if errors else 200, errors=errors or {}, open_form=open_form, **values
    )


def _place_path(visit: Visit, row: Alert) -> str:
    return f"/place/{visit.session.get_one(Locality, row.locality_id).code}"


def manage(visit: Visit, row: Alert) -> dict[str, Any]:
    """What those who run the alert see besides: actions, the end, Severe, help."""
    session, now = visit.session, visit.now
    at = alert_view.zone(session, row)
    role = closing_alerts.role_here(session, row, visit.person_id, closing_alerts.MAY_END)
    asked = standing_view.proposals(session, now, row, visit.person_id)
    confirmer = closing_alerts.role_here(session, row, visit.person_id, severe.MAY_CONFIRM)
    sender = closing_alerts.role_here(session, row, visit.person_id, news.MAY_SEND)
    return {
        "role": role,
        "actions": [_action(action, now, at) for action in actions.of_alert(session, row.id)],
        "owners": [(key, sentences.role_name(key)) for key in OWNERS],
        "tomorrow": local_day(now + timedelta(days=1), at),
        "outcomes": [(key, sentences.outcome_label(key)) for key in OUTCOMES],
        "proposals": asked,
        "asked": {one["what"] for one in asked},
        "turned_down": standing_view.turned_down(session, row),
        "silence": standing_view.silence(session, now, row),
        "lower": [(str(n), sentences.level_word(n)) for n in range(row.level - 1, 0, -1)],
        "lasts": [(str(hours), silences.words_for(hours)) for hours in silences.LASTS[:3]],
        "proposed": severe.waits(row),
        "may_confirm_severe": severe.waits(row) and confirmer is not None,
        "may_send_news": sender is not None,
        "news": news_choices(),
        "two_persons": row.level >= closing_alerts.TWO_PERSONS_FROM,
        "help": [(key, _(text)) for key, text in HELP.items()],
        "may_help": bool(role and row.state == OPEN and closing_alerts.liaison_for(session, row)),
        "keys": {name: new_id() for name in ("action", "close", "lower", "hold")},
        "values": visit.form,
    }


STATES = {"to_do": N_("To do"), "doing": N_("Doing"), "done": N_("Done"), "dropped": N_("Dropped")}
MARKS = {"to_do": "waiting", "doing": "doing", "done": "done", "dropped": "waiting"}


def _action(action: Action, now: Any, at: Any) -> dict[str, Any]:
    return {
        "id": action.id,
        "what": action.what,
        "role": sentences.role_name(action.role),
        "due": words.day(action.due),
        "late": action.state in (actions.TO_DO, actions.DOING) and action.due < local_day(now, at),
        "state": _(STATES[action.state]),
        "mark": MARKS[action.state],
        "outcome": action.outcome,
        "open": action.state in (actions.TO_DO, actions.DOING),
    }
