"""Signing in at a ministry's own OpenID provider: there, back again, and linking an account once. Protocol: openid.py; rules: committees/sso.py."""

from __future__ import annotations

from flask import Response, request

from committees import accounts, sign_in_steps, sso
from coordination import openid
from coordination.frame import real_clock
from coordination.pages import sign_in
from coordination.pages.second_step import said
from foundation.crypto import cipher
from foundation.errors import NotFound, Problem
from foundation.sign_in_settings import Oidc
from foundation.web.page import PUBLIC, Visit, page

COOKIE, PATH = "concord_sso", "/sign-in/sso"


def _provider(visit: Visit) -> Oidc:
    if visit.config.oidc is None:
        raise NotFound()
    return visit.config.oidc


@page(PATH, roles=PUBLIC)
def leave(visit: Visit) -> Response:
    """Off to the provider, with what must come back in a cookie of ten minutes."""
    then = sign_in.safe_next(visit.args.get("next", ""))
    leaving = openid.leave(
        _provider(visit), visit.config.public_url, cipher(visit.session), real_clock.now(), then
    )
    response = visit.go(leaving.url)
    response.set_cookie(
        COOKIE,
        leaving.cookie,
        max_age=openid.LIFE,
        httponly=True,
        samesite="Lax",
        secure=visit.config.secure,
        path=PATH,
    )
    return response


@page(openid.BACK, roles=PUBLIC, acts=True)
def back(visit: Visit) -> Response:
    """Back from the provider: into the house, or to linking the account where nobody has."""
    provider = _provider(visit)
    try:
        subject, then = openid.come_back(
            provider,
            visit.config.public_url,
            cipher(visit.session),
            real_clock.now(),
            request.cookies.get(COOKIE, ""),
            visit.args,
        )
    except Problem as problem:
        return sign_in.show(visit, {"sign_in": said(problem)}, {"next": ""}, problem.status)
    index = sso.index_of(visit.session, provider.issuer, subject)
    person_id = sso.person_of(visit.session, index)
    if person_id:
        response = sign_in.enter(visit, person_id, sign_in.safe_next(then))
    else:
        step = sign_in_steps.begin(visit.session, real_clock.now(), "link", kept=index)
        response = visit.render("sso_link.html", errors={}, step=step, phone="", sent=False)
    response.delete_cookie(COOKIE, path=PATH)  # each way back works once
    return response


@page(f"{PATH}/link", roles=PUBLIC)
def link(visit: Visit) -> Response:
    """Link an account: the phone of the person who was invited, then the code that came there."""
    _provider(visit)
    if not visit.posted:
        return visit.go("/sign-in")
    token, phone, code = (visit.form.get(name, "") for name in ("step", "phone", "code"))
    try:
        step = sign_in_steps.find(visit.session, real_clock.now(), "link", token)
        if not code:
            accounts.send_code(visit.session, visit.now, real_clock.now(), phone)
            return visit.render("sso_link.html", errors={}, step=token, phone=phone, sent=True)
        person_id = accounts.check_code(visit.session, real_clock.now(), phone, code)
        sso.link(visit.session, visit.now, real_clock.now(), person_id, step.kept(visit.session))
        sign_in_steps.finish(visit.session, real_clock.now(), step)
    except Problem as problem:
        visit.session.commit()  # a wrong code is counted
        errors = {"code" if code else "phone": said(problem)}
        return visit.render(
            "sso_link.html", problem.status, errors=errors, step=token, phone=phone, sent=bool(code)
        )
    return sign_in.enter(visit, person_id, "")
