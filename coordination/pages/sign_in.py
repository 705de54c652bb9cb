"""Getting in and out: the start page, the code by SMS for volunteers, the password for officers, the language, the way out."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from committees import accounts, passkeys, people, second_factor, sign_in_steps, unnamed
from committees.people import Person
from coordination import cast
from coordination.frame import COOKIE, LANGUAGE_COOKIE, real_clock
from foundation import journal
from foundation.errors import NotAllowed, Problem
from foundation.policy import Principal
from foundation.web import words
from foundation.web.page import PUBLIC, SIGNED_IN, Visit, page
from foundation.web.words import N_, ngettext
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
    return ask_number(visit, "", {}, safe_next(visit.args.get("next", "")))


@page("/start", roles=PUBLIC)
def phone(visit: Visit) -> Response:
    """The box for a phone number, also where the front door leads elsewhere."""
    return ask_number(visit, "", {}, safe_next(visit.args.get("next", "")))


def ask_number(visit: Visit, number: str, errors: dict[str, str], then: str) -> Response:
    """The front page, with what was typed and where to go on afterwards."""
    doors = bool(unnamed.open_doors(visit.session))
    return visit.render(
        "start.html", 422 if errors else 200, errors=errors, phone=number, next=then, unnamed=doors
    )


@page("/sign-in", roles=PUBLIC)
def sign_in(visit: Visit) -> Response:
    """Name and password, or phone number: one page for both."""
    if not visit.posted:
        return show(visit, {}, {"next": safe_next(visit.args.get("next", ""))})
    values = {"sign_in": visit.form.get("sign_in", ""), "next": safe_next(visit.form.get("next", ""))}
    try:
        person_id = accounts.check_password(
            visit.session, real_clock.now(), values["sign_in"], visit.form.get("password", "")
        )
        return after_password(visit, person_id, values["next"])
    except Problem as problem:
        visit.session.commit()  # the wrong try is counted, or nobody would ever have to wait
        return show(visit, {"sign_in": f"{_(problem.message)} {_(problem.hint)}"}, values, 403)


def show(visit: Visit, errors: dict[str, str], values: dict[str, str], status: int = 200) -> Response:
    """The page with the ways in that this installation has."""
    demo = visit.config.demo
    return visit.render(
        "sign_in.html",
        status,
        errors=errors,
        values=values,
        next=values["next"],
        cast=cast.parts(visit.session, words.current().language) if demo else [],
        password=cast.PASSWORD,
        passkeys=passkeys.offered() and not demo,
        sso=visit.config.oidc.name if visit.config.oidc else "",
    )


def after_password(visit: Visit, person_id: UUID, then: str) -> Response:
    """The second step where one is set up; else the days of grace, which end. The demonstration asks for none."""
    session, now = visit.session, real_clock.now()
    become(visit, person_id)
    if visit.config.demo:
        return enter(visit, person_id, then)
    if second_factor.of(session, person_id):
        step = sign_in_steps.begin(session, now, "factor", person_id)
        return visit.render("second_step.html", errors={}, step=step, next=then)
    if passkeys.of(session, person_id):
        raise NotAllowed(
            N_("This account has a passkey."), N_("Sign in with it: the password alone is not enough.")
        )
    days = second_factor.days_until(second_factor.grace(session, now, person_id), now)
    visit.say(
        ngettext(
            "Please set up your second step under My settings. You have %(num)d day left.",
            "Please set up your second step under My settings. You have %(num)d days left.",
            days,
        ),
        "notice",
    )
    return enter(visit, person_id, then)


def become(visit: Visit, person_id: UUID) -> None:
    """Keep what was done so far, and read from now on as this person: no more than what is theirs."""
    visit.session.commit()
    visit.session.info["principal"] = Principal(person_id=person_id)
    visit.session.info.pop("criteria", None)


@page("/sign-in/code", roles=PUBLIC)
def ask_code(visit: Visit) -> Response:
    """Send a code to an enrolled phone; the answer is the same for every number."""
    if not visit.posted:
        return visit.go("/")
    number, then = visit.form.get("phone", ""), safe_next(visit.form.get("next", ""))
    try:
        accounts.send_code(visit.session, visit.now, real_clock.now(), number)
    except Problem as problem:
        return ask_number(visit, number, {"phone": f"{_(problem.message)} {_(problem.hint)}"}, then)
    return visit.render("code.html", errors={}, phone=number, next=then)


@page("/sign-in/enter", roles=PUBLIC)
def enter_code(visit: Visit) -> Response:
    """The code from the SMS."""
    number, code = visit.form.get("phone", ""), visit.form.get("code", "")
    then = safe_next(visit.form.get("next", ""))
    if not visit.posted:
        return visit.go("/start")
    try:
        person_id = accounts.check_code(visit.session, real_clock.now(), number, code)
        return after_code(visit, person_id, then)
    except Problem as problem:
        visit.session.commit()
        errors = {"code": f"{_(problem.message)} {_(problem.hint)}"}
        return visit.render("code.html", 403, errors=errors, phone=number, next=then)


def after_code(visit: Visit, person_id: UUID, then: str) -> Response:
    """A code by SMS is enough for a volunteer. It stands for a password, never for the second step of somebody who has or needs one."""
    become(visit, person_id)
    session = visit.session
    roles = people.principal_of(session, session.get_one(Person, person_id)).roles
    guarded = second_factor.of(session, person_id) or passkeys.of(session, person_id)
    official, password = bool(roles & accounts.OFFICIALS), accounts.has_password(session, person_id)
    # An official whose only way in is a passkey has no password.
    if (guarded and (official or password)) or (official and password):
        return after_password(visit, person_id, then)
    return enter(visit, person_id, then)


def enter(visit: Visit, person_id: UUID, then: str) -> Response:
    """Open a session for a person and send them to their first page."""
    become(visit, person_id)
    session = visit.session
    person = session.get_one(Person, person_id)
    principal = people.principal_of(session, person)
    # On a shared phone a session ends as soon as an officer's.
    official = bool(principal.roles & accounts.OFFICIALS) or person.shared_phone
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
    # Browsers drop tabs and ends of lines before they read an address: "/<tab>/elsewhere" is another site to them.
    ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if ours and path.isprintable() else ""


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
        # Not "storage": what another user of this phone keeps locked is not ours to delete. offline.js deletes one's own.
        response.headers["Clear-Site-Data"] = '"cache"'
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
