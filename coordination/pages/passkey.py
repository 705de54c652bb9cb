"""Passkeys: signing in with one, adding and removing one. An addition: the page says so where the browser or the library cannot.

The browser's part is static/passkeys.js; the rules are committees/passkeys.py.
"""

from __future__ import annotations

from flask import Response

from committees import passkeys
from coordination.frame import real_clock
from coordination.pages import sign_in
from coordination.pages.second_step import HERE, said, show
from coordination.proving import account_of, prove
from foundation.errors import Invalid, NotAllowed, Problem
from foundation.web.page import PUBLIC, SIGNED_IN, Visit, page
from foundation.web.words import gettext as _


@page("/sign-in/passkey", roles=PUBLIC)
def enter(visit: Visit) -> Response:
    """Ask the browser for a passkey, and take its answer."""
    if not visit.posted:
        return visit.go("/sign-in")
    then, url = sign_in.safe_next(visit.form.get("next", "")), visit.config.public_url
    answer = visit.form.get("answer", "")
    if not answer:
        token, options = passkeys.begin_signing_in(visit.session, real_clock.now(), url)
        return visit.render("passkey.html", step=token, options=options, next=then, do="get")
    owner = passkeys.claimed_owner(answer)
    try:
        if owner:
            sign_in.become(visit, owner)
        person_id = passkeys.check(
            visit.session, real_clock.now(), url, visit.form.get("step", ""), answer, owner
        )
    except Problem as problem:
        visit.session.commit()
        return sign_in.show(visit, {"sign_in": said(problem)}, {"next": then}, 403)
    return sign_in.enter(visit, person_id, then)


@page("/me/passkeys", roles=SIGNED_IN)
def mine(visit: Visit) -> Response:
    """Add a passkey of this device, or remove one."""
    act = {"begin": _begin, "add": _add, "remove": _remove}.get(visit.form.get("do", ""))
    if not visit.posted or act is None:
        return visit.go(HERE)
    try:
        return act(visit)
    except Invalid as wrong:
        return show(visit, {f"passkey_{wrong.field}": said(wrong)}, 422)
    except NotAllowed as refused:
        visit.session.commit()
        visit.say(said(refused), "problem")
        return visit.go(HERE)


def _begin(visit: Visit) -> Response:
    prove(visit)
    account = account_of(visit)
    token, options = passkeys.begin_adding(
        visit.session,
        real_clock.now(),
        visit.config.public_url,
        visit.person_id,
        account.sign_in if account else visit.person.name,
    )
    return visit.render(
        "passkey.html", step=token, options=options, do="create", name=visit.form.get("name", "")
    )


def _add(visit: Visit) -> Response:
    passkeys.add(
        visit.session,
        visit.now,
        real_clock.now(),
        visit.config.public_url,
        visit.person_id,
        visit.form.get("step", ""),
        visit.form.get("answer", ""),
        visit.form.get("name", "") or _("This device"),
    )
    visit.say(_("Saved. You can sign in with this passkey from now on."))
    return visit.go(HERE)


def _remove(visit: Visit) -> Response:
    prove(visit)
    passkeys.remove(visit.session, visit.now, visit.person_id, visit.uuid("key"))
    visit.say(_("Removed."))
    return visit.go(HERE)
