"""Opening a sign-in again: the administrator asks (lost second step) or invites (account elsewhere); a second person of another body confirms."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from committees import sso
from committees.people import Person
from coordination import sign_in_resets
from coordination.frame import real_clock
from coordination.pages.second_step import said
from coordination.proving import account_of, prove
from coordination.sign_in_resets import CONFIRMS, KIND
from foundation import approvals
from foundation.approvals import Approval
from foundation.db import new_id
from foundation.errors import Invalid, NotAllowed, NotFound, Problem
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _

HERE, CONFIRM = "/admin/sign-in", "/me/confirm"


@page(HERE, roles=("administrator",))
def ask(visit: Visit) -> Response:
    """Ask for a reset, or invite somebody to sign in elsewhere."""
    if not visit.posted:
        return _show(visit, {})
    try:
        prove(visit)
        person = sign_in_resets.owner_of(visit.session, visit.form.get("sign_in", ""))
        act: Callable[[Visit, Person], str] = _invite if visit.form.get("do") == "invite" else _reset
        visit.say(act(visit, person))
    except Invalid as wrong:
        return _show(visit, {wrong.field: said(wrong)}, 422)
    except (NotFound, NotAllowed) as wrong:
        return _show(visit, {"sign_in": said(wrong)}, 422)
    return visit.go(HERE)


def _reset(visit: Visit, person: Person) -> str:
    sign_in_resets.ask(
        visit.session, visit.now, visit.uuid("key"), person, visit.person_id, visit.form.get("reason", "")
    )
    return _("Asked. A second person of another body must confirm it within 24 hours.")


def _invite(visit: Visit, person: Person) -> str:
    if visit.config.oidc is None:
        raise Invalid(
            "sign_in", _("No provider is set up here."), _("The operator sets CONCORD_OIDC_ISSUER.")
        )
    sso.invite(visit.session, visit.now, real_clock.now(), person.id, visit.person_id)
    return _("Invited for seven days. They sign in there, then prove their phone once.")


def _show(visit: Visit, errors: dict[str, str], status: int = 200) -> Response:
    return visit.render(
        "admin_sign_in.html",
        status,
        errors=errors,
        values=visit.form if errors else {},
        key=new_id(),
        sso=visit.config.oidc.name if visit.config.oidc else "",
        has_password=account_of(visit) is not None,
        waiting=_waiting(visit),
    )


def _waiting(visit: Visit) -> list[tuple[Approval, str, str, str]]:
    return [
        (
            row,
            visit.session.get_one(Person, row.subject_id).name,
            visit.session.get_one(Person, row.requested_by).name,
            words.ago(row.requested_at, visit.now),
        )
        for row in sign_in_resets.waiting(visit.session, visit.now)
    ]


@page(CONFIRM, roles=CONFIRMS)
def confirm(visit: Visit) -> Response:
    """The second person: confirm or turn down."""
    errors: dict[str, str] = {}
    if visit.posted:
        try:
            visit.say(_decide(visit))
            return visit.go(CONFIRM)
        except Invalid as wrong:
            errors = {wrong.field: said(wrong)}
        except Problem as wrong:
            errors = {"password": said(wrong)}
    return visit.render(
        "confirm_reset.html",
        422 if errors else 200,
        errors=errors,
        waiting=_waiting(visit),
        has_password=account_of(visit) is not None,
    )


def _decide(visit: Visit) -> str:
    prove(visit)
    row: Approval = visit.get(Approval, visit.uuid("approval"))
    if row.kind != KIND:
        raise NotFound()
    if visit.form.get("do") == "refuse":
        approvals.refuse(visit.session, visit.now, row, visit.person_id)
        return _("Turned down. Nothing was changed.")
    sign_in_resets.confirm(visit.session, visit.now, row, visit.person_id)
    return _("Confirmed. They have seven days to set up a new second step.")
