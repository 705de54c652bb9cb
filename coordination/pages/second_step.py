"""The second step of a sign-in, and where a person sets it up: an app's six digits, recovery codes, passkeys, a new password.

The rules are committees/second_factor.py and passkeys.py. The demonstration asks for no second step.
"""

from __future__ import annotations

from typing import Any

import segno
from flask import Response
from flask_login import current_user
from markupsafe import Markup

from committees import accounts, passkeys, second_factor, sign_in_steps
from committees.people import Person
from coordination.frame import real_clock
from coordination.pages import sign_in
from coordination.proving import account_of, prove
from foundation import journal
from foundation.errors import Invalid, NotFound, Problem
from foundation.web import words
from foundation.web.page import PUBLIC, SIGNED_IN, Visit, page
from foundation.web.words import gettext as _

HERE = "/me/second-step"


@page("/sign-in/second", roles=PUBLIC)
def second(visit: Visit) -> Response:
    """Six digits, or a recovery code, after the password was right."""
    if not visit.posted:
        return visit.go("/sign-in")
    token, then = visit.form.get("step", ""), sign_in.safe_next(visit.form.get("next", ""))
    try:
        step = sign_in_steps.find(visit.session, real_clock.now(), "factor", token)
        assert step.person_id is not None
        sign_in.become(visit, step.person_id)
        how = second_factor.check(visit.session, real_clock.now(), step.person_id, visit.form.get("code", ""))
        sign_in_steps.finish(visit.session, real_clock.now(), step)
    except Problem as problem:
        visit.session.commit()  # the wrong try is counted
        errors = {"code": said(problem)}
        return visit.render("second_step.html", 403, errors=errors, step=token, next=then)
    if how == "recovery":
        left = second_factor.codes_left(visit.session, step.person_id)
        visit.say(
            words.ngettext(
                "You have %(num)d recovery code left.", "You have %(num)d recovery codes left.", left
            ),
            "notice",
        )
    return sign_in.enter(visit, step.person_id, then)


def said(problem: Problem) -> str:
    """A problem as one text beside a field."""
    return f"{_(problem.message)} {_(problem.hint) if problem.hint else ''}".strip()


@page(HERE, roles=SIGNED_IN)
def mine(visit: Visit) -> Response:
    """What guards my sign-in, and how to change it."""
    act = {"begin": _begin, "confirm": _confirm, "codes": _codes, "elsewhere": _elsewhere}.get(
        visit.form.get("do", "")
    )
    if not visit.posted or act is None:
        return show(visit, {})
    try:
        return act(visit)
    except Invalid as wrong:
        return show(visit, {wrong.field: said(wrong)}, 422)


def show(visit: Visit, errors: dict[str, str], status: int = 200, **more: Any) -> Response:
    """The page, with what was wrong."""
    account = account_of(visit)
    row = second_factor.of(visit.session, visit.person_id)
    return visit.render(
        "second_step_mine.html",
        status,
        errors=errors,
        has_password=account is not None,
        since=words.ago(row.since, real_clock.now()) if row else "",
        codes_left=second_factor.codes_left(visit.session, visit.person_id),
        days=days_left(visit) if account and not row else 0,
        passkeys=[
            (key.id, key.name, words.ago(key.since, real_clock.now()))
            for key in passkeys.of(visit.session, visit.person_id)
        ],
        passkeys_offered=passkeys.offered(),
        signed_in=_signed_in(visit),
        **more,
    )


def _signed_in(visit: Visit) -> list[tuple[bool, str, str]]:
    """Where this person is signed in: whether it is here, since when, and when it was used last."""
    now = real_clock.now()
    return [
        (row.id == current_user.row.id, words.ago(row.created_at, now), words.ago(row.seen_at, now))
        for row in accounts.sessions_of(visit.session, now, visit.person_id)
    ]


def _elsewhere(visit: Visit) -> Response:
    accounts.end_all_sessions(visit.session, real_clock.now(), visit.person_id, current_user.row.id)
    journal.record(visit.session, visit.now, "sign_out:elsewhere", "person", visit.person_id)
    visit.say(_("You are signed out everywhere else."))
    return visit.go(HERE)


def days_left(visit: Visit) -> int:
    """How many days are left to set a second step up; 0 where none is counted."""
    account = account_of(visit)
    if account is None or account.grace_until is None or visit.config.demo:
        return 0
    return second_factor.days_until(account.grace_until, real_clock.now())


def _begin(visit: Visit) -> Response:
    prove(visit)
    secret = second_factor.new_secret()
    return _picture(visit, secret, {})


def _picture(visit: Visit, secret: str, errors: dict[str, str]) -> Response:
    token = sign_in_steps.begin(visit.session, real_clock.now(), "set_up", visit.person_id, secret)
    account = account_of(visit)
    uri = second_factor.address(secret, account.sign_in if account else visit.person.name)
    picture = segno.make(uri, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff")
    letters = [secret[at : at + 4] for at in range(0, len(secret), 4)]
    visit.session.commit()
    return visit.render(
        "second_step_set_up.html",
        422 if errors else 200,
        errors=errors,
        step=token,
        picture=Markup(picture),  # noqa: S704 -- drawn by segno from our own letters  # nosec B704
        letters=letters,
    )


def _confirm(visit: Visit) -> Response:
    step = sign_in_steps.find(visit.session, real_clock.now(), "set_up", visit.form.get("step", ""))
    if step.person_id != visit.person_id:
        raise NotFound()
    secret = step.kept(visit.session)
    sign_in_steps.finish(visit.session, real_clock.now(), step)
    try:
        codes = second_factor.set_up(
            visit.session, visit.now, real_clock.now(), visit.person_id, secret, visit.form.get("code", "")
        )
    except Invalid as wrong:
        return _picture(visit, secret, {"code": said(wrong)})
    accounts.end_all_sessions(visit.session, real_clock.now(), visit.person_id, current_user.row.id)
    return visit.render("recovery_codes.html", codes=codes)


def _codes(visit: Visit) -> Response:
    prove(visit)
    if second_factor.of(visit.session, visit.person_id) is None:
        raise NotFound()
    journal.record(visit.session, visit.now, "second_step:new_codes", "person", visit.person_id)
    return visit.render(
        "recovery_codes.html", codes=second_factor.renew_codes(visit.session, visit.person_id)
    )


@page("/me/password", roles=SIGNED_IN)
def password(visit: Visit) -> Response:
    """A new password; every other session of this person ends."""
    account = account_of(visit)
    if account is None:
        raise NotFound(_("You have no password here"), _("You sign in with a code by SMS."))
    if not visit.posted:
        return visit.render("password.html", errors={}, sign_in=account.sign_in)
    try:
        prove(visit)
    except Invalid as wrong:
        return visit.render("password.html", 422, errors={"password": said(wrong)}, sign_in=account.sign_in)
    person: Person = visit.get(Person, visit.person_id)
    try:
        accounts.set_password(visit.session, person, account.sign_in, visit.form.get("new", ""))
    except Invalid as wrong:
        return visit.render("password.html", 422, errors={"new": said(wrong)}, sign_in=account.sign_in)
    accounts.end_all_sessions(visit.session, real_clock.now(), visit.person_id, current_user.row.id)
    journal.record(visit.session, visit.now, "password", "person", visit.person_id)
    visit.say(_("Your password is changed. Wherever else you were signed in, you are signed out."))
    return visit.go("/me")
