"""The frame around every page: who is asking, may they, is the form theirs; one session, one commit, problems into pages once.

Flask-Login asks `load_user` who is signed in; the answer comes from our own session table, so that a logged-out cookie is dead. Pages
never see cookies. The CSRF token lives as long as the session; a form without a session is held by its Origin and a signed token.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Response, g, request
from flask_login import UserMixin, current_user
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from committees import accounts, people, places
from committees.accounts import WebSession
from committees.committee import Committee, committee_for
from committees.people import Person
from committees.places import Locality
from coordination.runtime import Runtime
from foundation.clock import SystemClock
from foundation.errors import NotAllowed, NotFound, Problem, SignInNeeded
from foundation.policy import Principal, service
from foundation.web import words
from foundation.web.page import PAGES, PUBLIC, SIGNED_IN, Page, Visit
from foundation.web.words import N_
from foundation.web.words import gettext as _

TRIES = 4
OUTBOX_PAGES = ("/report", "/check-in")
COOKIE, LANGUAGE_COOKIE, NOTICE_COOKIE = "concord_session", "concord_language", "concord_notice"
MISSING_TOKEN = N_("This form is too old or not ours. What you typed is below: send it again.")
real_clock = SystemClock()
# Where nobody is known and nothing is remembered: no session is looked at, no cookie is read or set.
UNNAMED = "/tell"
#: Seconds for which a form without a session is ours. One without a name has a token of its own, and comes back filled in when that is old.
DAY, UNNAMED_LIFE = 86_400, 30 * 86_400


def is_unnamed(path: str) -> bool:
    """Whether this is a page for people who give no name."""
    return path == UNNAMED or path.startswith(f"{UNNAMED}/")


@dataclass
class SignedInUser(UserMixin):
    """Whom Flask-Login knows: a person and the session row behind the cookie."""

    person: Person
    row: WebSession
    principal: Principal
    home: Locality | None
    works_for: Committee | Locality | None

    def service_name(self) -> str:
        """Under which name the pages are theirs, in the language of the moment: it is chosen after they are known."""
        return self.works_for.name(words.current().language) if self.works_for else "Concord"

    def get_id(self) -> str:
        """The person's id; nothing is read back from it."""
        return str(self.person.id)


def load_user(runtime: Runtime) -> SignedInUser | None:
    """The person behind the session cookie of this request, or None. Keeps an official's idle clock running."""
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    now = real_clock.now()
    with runtime.web.open(service("sign_in")) as session:
        row = accounts.find_session(session, now, token)
        if row is None or row.person_id is None:
            return None
        seen = row.seen_at
        person, principal = people.known_as(session, row.person_id)
        home, works_for = _home(session, principal)
    if (now - seen).total_seconds() > 30:
        with runtime.web.open(service("sign_in"), write=True) as session:
            found = accounts.find_session(session, now, token)
            if found is None:
                return None
            found.seen_at = now
            session.commit()
    return SignedInUser(person, row, principal, home, works_for)


def _home(session: Session, principal: Principal) -> tuple[Locality | None, Committee | Locality | None]:
    for standing in principal.standings:
        place = session.get(Locality, standing.locality_id)
        if place is not None:
            body = committee_for(session, place.id)
            return place, (body if body and standing.committee_id else place)
    return None, None


def serve_page(runtime: Runtime, page: Page, values: dict[str, Any]) -> Response:
    """Answer one request for one page: check, call, commit, wake."""
    user = current_user._get_current_object() if current_user.is_authenticated else None
    _check_role(page, user)
    posted = request.method == "POST"
    if posted:
        _check_origin(runtime)
        if not (_is_program(page) or _is_from_outbox(page, user)):
            _check_token(runtime, user)
    principal = user.principal if user else service("sign_in")
    for attempt in range(TRIES):
        try:
            response = _answer(runtime, page, values, user, principal)
            break
        except IntegrityError:
            # Two browsers made the same row at once: the loser looks again and finds it there.
            if attempt == TRIES - 1:
                raise
    if posted:
        runtime.wake()
    for kind, text in g.get("say", ()):
        response.set_cookie(
            NOTICE_COOKIE,
            f"{kind}|{text}"[:900],
            max_age=60,
            httponly=True,
            samesite="Lax",
            secure=runtime.config.secure,
        )
    return response


def _answer(
    runtime: Runtime, page: Page, values: dict[str, Any], user: SignedInUser | None, principal: Principal
) -> Response:
    changes = request.method == "POST" or page.acts
    with runtime.web.open(principal, write=changes) as session:
        visit = make_visit(runtime, session, user, principal)
        g.visit = visit
        answer = page.view(visit, **values)
        response = answer if isinstance(answer, Response) else Response(answer, mimetype="text/html")
        if changes and response.status_code < 400:
            session.commit()
    return response


def make_visit(runtime: Runtime, session: Session, user: SignedInUser | None, principal: Principal) -> Visit:
    """Put together what a page sees of this request."""
    remember: list[tuple[str, str]] = g.setdefault("say", [])
    emergency, service_name = "", "Concord"
    if user and user.home:
        emergency, service_name = places.country_of(session, user.home).emergency, user.service_name()
    return Visit(
        session=session,
        config=runtime.config,
        clock=runtime.clock,
        principal=principal,
        person=user.person if user else None,
        now=runtime.clock.now(),
        path=request.path,
        method=request.method,
        form=storable(request.form),
        args=storable(request.args),
        files=request.files,
        csrf=user.row.csrf if user else open_token(runtime, real_clock.now()),
        nav=nav_of(user, request.path),
        languages=[
            {"code": c, "name": words.NAMES[c], "current": c == words.current().language}
            for c in runtime.config.locales
        ],
        notices=[] if is_unnamed(request.path) else _notices(),
        service=service_name,
        outbox=outbox_of(user),
        emergency=emergency,
        draft=runtime.drafts.is_draft(session, words.current().language, real_clock.now()),
        silent=runtime.pulse.is_silent(session, real_clock.now()),
        wake=runtime.wake,
        remember=lambda kind, text: remember.append((kind, text)),
    )


def storable(values: MultiDict[str, str]) -> MultiDict[str, str]:
    """What was sent, without the one character that PostgreSQL cannot keep and no keyboard has."""
    return MultiDict([(name, value.replace("\0", "")) for name, value in values.items(multi=True)])


def nav_of(user: SignedInUser | None, path: str) -> list[dict[str, Any]]:
    """The menu of this person: at most the pages of their roles, in order."""
    if user is None:
        return []
    roles = user.principal.roles
    mine = [
        p
        for p in PAGES
        if p.nav
        and (p.roles == SIGNED_IN or roles & set(p.roles))
        and (not p.nav_for or roles & set(p.nav_for))
    ]
    return [
        {"path": p.path, "label": _(p.nav), "current": path == p.path}
        for p in sorted(mine, key=lambda p: (p.order, p.path))
    ]


def _notices() -> list[dict[str, str]]:
    raw = request.cookies.get(NOTICE_COOKIE, "")
    kind, _bar, text = raw.partition("|")
    if kind not in ("success", "problem", "notice") or request.method == "POST":
        return []
    g.notice_shown = True
    return [{"kind": kind, "text": text}]


def _check_role(page: Page, user: SignedInUser | None) -> None:
    if page.roles == PUBLIC:
        return
    if user is None:
        raise SignInNeeded(_("Please sign in first."), _("You come back to this page afterwards."))
    if page.roles != SIGNED_IN and not user.principal.roles & set(page.roles):
        raise NotFound(
            _("We could not find that page or record"),
            _("It may have been moved, or it belongs to another place."),
        )


def _check_origin(runtime: Runtime) -> None:
    origin = request.headers.get("Origin")
    # A page that sends no referrer sends "null" here. Without a cookie there is nothing that another site could borrow.
    if origin is None or (origin == "null" and is_unnamed(request.path)):
        return
    theirs, ours = urlsplit(origin), urlsplit(runtime.config.public_url)
    allowed = {(ours.scheme, ours.netloc)}
    if not runtime.config.secure:
        allowed.add(
            (request.scheme, request.host)
        )  # plain http on a local network: the address typed is the address served
    if (theirs.scheme, theirs.netloc) not in allowed:
        raise NotAllowed(_("This form came from another site."), _("Open the page here and send it again."))


def _is_program(page: Page) -> bool:
    """A program that knows no form token: a script at the demonstration's clock, or a mail program that ends letters.

    The script sends JSON, which no browser can send from another site without asking first. The link in a letter is signed itself.
    """
    if page.path.startswith("/stop/"):
        return request.form.get("List-Unsubscribe") == "One-Click"
    return page.path == "/demo/clock" and request.is_json and "Origin" not in request.headers


def _is_from_outbox(page: Page, user: SignedInUser | None) -> bool:
    """A form that waited on a phone, without a token of today: its headers no other site can send without asking us first.

    It names whose outbox it comes from: on a phone with two users nothing goes out under the other one's name.
    """
    if page.path not in OUTBOX_PAGES or "Idempotency-Key" not in request.headers:
        return False
    if user is None or request.headers.get("Concord-Outbox") != outbox_of(user):
        raise SignInNeeded(_("Please sign in again. Your report is safe on this phone."))
    return "Origin" in request.headers


def outbox_of(user: SignedInUser | None) -> str:
    """Under which id this person's browser may keep what waits: none on a shared phone, and none for those who report nothing."""
    if user is None or user.person.shared_phone:
        return ""
    roles = next(page.roles for page in PAGES if page.path == OUTBOX_PAGES[0])
    return str(user.person.id) if user.principal.roles & set(roles) else ""


def _check_token(runtime: Runtime, user: SignedInUser | None) -> None:
    sent = request.form.get("csrf_token", "")
    if user is not None:
        if not hmac.compare_digest(sent.encode(), user.row.csrf.encode()):
            raise Problem(_(MISSING_TOKEN))
    elif not _is_open_token(
        runtime, sent, real_clock.now(), UNNAMED_LIFE if is_unnamed(request.path) else DAY
    ):
        raise Problem(_(MISSING_TOKEN))


def open_token(runtime: Runtime, now: datetime) -> str:
    """A signed, dated token for forms before sign-in."""
    stamp = str(int(now.timestamp()))
    mac = hmac.new(runtime.config.secret_key.encode(), b"form:" + stamp.encode(), "sha256").hexdigest()
    return f"{stamp}.{mac}"


def _is_open_token(runtime: Runtime, sent: str, now: datetime, life: int) -> bool:
    stamp, _dot, mac = sent.partition(".")
    good = hmac.new(runtime.config.secret_key.encode(), b"form:" + stamp.encode(), "sha256").hexdigest()
    return (
        hmac.compare_digest(mac.encode(), good.encode())
        and stamp.isdigit()
        and 0 <= now.timestamp() - int(stamp) < life
    )


def choose_language(runtime: Runtime) -> None:
    """Speak the language of the cookie, else the person's, else the browser's, else the first.

    Where no cookie is read, and on what such a page links to, the address says it.
    """
    allowed = (*runtime.config.locales, "pseudo")
    if is_unnamed(request.path):
        wanted = request.form.get("speak") or request.values.get("language")
    elif (wanted := request.args.get("l")) not in allowed:
        wanted = request.cookies.get(LANGUAGE_COOKIE)
    if wanted not in allowed and current_user.is_authenticated:
        wanted = current_user.person.language
    if wanted not in allowed:
        wanted = (
            request.accept_languages.best_match(list(runtime.config.locales)) or runtime.config.locales[0]
        )
    words.use(wanted)


def started() -> float:
    """A stopwatch reading for the log."""
    return time.monotonic()
