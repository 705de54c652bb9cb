"""Getting in and out: the start page, the code by SMS for volunteers, the password for officers, the language, the way out."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from committees import accounts, people
from committees.people import Person
from coordination import cast
from coordination.frame import COOKIE, LANGUAGE_COOKIE, real_clock
from foundation import journal
from foundation.errors import Problem
from foundation.policy import Principal
from foundation.web import words
from foundation.web.page import PUBLIC, SIGNED_IN, Visit, page
from foundation.web.words import gettext as _

HOME = (
    ("police_liaison", "/review"),
    ("city_officer", "/city"),
    ("district_administration", "/city"),
    ("national_contact", "/national"),
    ("hub_analyst", "/national"),
    ("services_focal_person", "/care"),
    ("oversight", "/care"),
    ("administrator", "/admin"),
    ("auditor", "/record"),
)


@page("/", roles=PUBLIC)
def start(visit: Visit) -> Response:
    """What this is, and the box for a phone number."""
    if visit.person:
        return visit.go(home_of(visit.principal))
    if visit.config.demo:
        return visit.go("/sign-in")
    return visit.render("start.html", errors={})


@page("/start", roles=PUBLIC)
def phone(visit: Visit) -> Response:
    """The box for a phone number, also where the front door leads elsewhere."""
    return visit.render("start.html", errors={})


@page("/sign-in", roles=PUBLIC)
def sign_in(visit: Visit) -> Response:
    """Name and password, or phone number: one page for both."""
    offered = cast.parts(visit.session, words.current().language) if visit.config.demo else []
    shown: dict[str, Any] = {"cast": offered, "password": cast.PASSWORD}
    if not visit.posted:
        return visit.render(
            "sign_in.html", errors={}, values={}, next=safe_next(visit.args.get("next", "")), **shown
        )
    values = {"sign_in": visit.form.get("sign_in", ""), "next": safe_next(visit.form.get("next", ""))}
    try:
        person_id = accounts.check_password(
            visit.session, real_clock.now(), values["sign_in"], visit.form.get("password", "")
        )
    except Problem as problem:
        visit.session.commit()  # the wrong try is counted, or nobody would ever have to wait
        errors = {"sign_in": f"{_(problem.message)} {_(problem.hint)}"}
        return visit.render("sign_in.html", 403, errors=errors, values=values, next=values["next"], **shown)
    return enter(visit, person_id, values["next"])


@page("/sign-in/code", roles=PUBLIC)
def ask_code(visit: Visit) -> Response:
    """Send a code to an enrolled phone; the answer is the same for every number."""
    if not visit.posted:
        return visit.go("/")
    phone = visit.form.get("phone", "")
    try:
        accounts.send_code(visit.session, real_clock.now(), phone)
    except Problem as problem:
        return visit.render(
            "start.html", 422, errors={"phone": f"{_(problem.message)} {_(problem.hint)}"}, phone=phone
        )
    return visit.render("code.html", errors={}, phone=phone)


@page("/sign-in/enter", roles=PUBLIC)
def enter_code(visit: Visit) -> Response:
    """The code from the SMS."""
    phone, code = visit.form.get("phone", ""), visit.form.get("code", "")
    if not visit.posted:
        return visit.render("code.html", errors={}, phone=visit.args.get("phone", ""))
    try:
        person_id = accounts.check_code(visit.session, real_clock.now(), phone, code)
    except Problem as problem:
        visit.session.commit()
        return visit.render(
            "code.html", 403, errors={"code": f"{_(problem.message)} {_(problem.hint)}"}, phone=phone
        )
    return enter(visit, person_id, "")


def enter(visit: Visit, person_id: Any, then: str) -> Response:
    """Open a session for a person and send them to their first page."""
    visit.session.commit()
    session = visit.session
    session.info["principal"] = Principal(person_id=person_id)
    session.info.pop("criteria", None)
    person = session.get_one(Person, person_id)
    principal = people.principal_of(session, person)
    official = bool(principal.roles & accounts.OFFICIALS)
    signed = accounts.open_session(session, real_clock.now(), person_id, official=official)
    journal.record(session, visit.now, "sign_in", "person", person_id)
    response = visit.go(then or home_of(principal))
    response.set_cookie(
        COOKIE, signed.token, httponly=True, samesite="Lax", secure=visit.config.secure, path="/"
    )
    return response


def home_of(principal: Principal) -> str:
    """The first page of a person's day, by role."""
    return next((path for role, path in HOME if role in principal.roles), "/today")


def safe_next(path: str) -> str:
    """A path of ours to return to, or nothing: never another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else ""


@page("/sign-out", roles=SIGNED_IN)
def sign_out(visit: Visit) -> Response:
    """End the session everywhere at once."""
    if visit.posted:
        row = accounts.find_session(visit.session, real_clock.now(), request.cookies.get(COOKIE, ""))
        if row:
            accounts.end_session(row, real_clock.now())
    response = visit.go("/")
    if visit.posted:
        response.delete_cookie(COOKIE, path="/")
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@page("/language", roles=PUBLIC)
def language(visit: Visit) -> Response:
    """Choose the language of the pages; a signed-in person's messages follow."""
    wanted = visit.form.get("language", "")
    response = visit.go(safe_next(visit.form.get("next", "")) or "/")
    if visit.posted and wanted in visit.config.locales:
        if visit.person:
            visit.session.get_one(Person, visit.person_id).language = wanted
        response.set_cookie(
            LANGUAGE_COOKIE, wanted, max_age=31_536_000, samesite="Lax", secure=visit.config.secure
        )
    return response
