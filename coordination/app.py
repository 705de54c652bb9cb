"""create_app: the WSGI application, composed from every room's pages, hooks and API. Problems become pages or API errors here, once."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask import Response, g, redirect, render_template, request
from flask_login import LoginManager, current_user
from jinja2 import ChoiceLoader, PackageLoader
from werkzeug.exceptions import HTTPException

from alerts import labels, sentences
from coordination import api, feeds, frame, hooks, operations, pages
from coordination.packing import packed, packed_page
from coordination.runtime import Runtime, build
from foundation import logs
from foundation.config import Config
from foundation.crypto import new_token
from foundation.db import new_id
from foundation.errors import NotFound, Problem, SignInNeeded
from foundation.policy import service
from foundation.web import words
from foundation.web.page import PAGES
from foundation.web.words import gettext as _

assert pages.ROOMS
POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
LONGEST_BODY = 1_000_000


def create_app(config: Config | None = None, runtime: Runtime | None = None) -> APIFlask:
    """Build the application from its settings; a page without a role does not start."""
    runtime = runtime or build(config or Config.from_env(os.environ))
    logs.set_up(runtime.config.log_format)
    app = APIFlask(
        "concord",
        title="Concord API",
        version="1",
        static_folder=None,  # type: ignore[arg-type]
        docs_path=None,
        spec_path=None,
    )
    app.config.update(
        SECRET_KEY=runtime.config.secret_key, MAX_CONTENT_LENGTH=LONGEST_BODY, MAX_FORM_PARTS=300
    )
    app.extensions["concord"] = runtime
    _templates(app, runtime)
    _sign_in(app, runtime)
    _pages(app, runtime)
    hooks.register(app, runtime)
    feeds.register(app, runtime)
    operations.register(app, runtime)
    api.register(app, runtime)
    _around(app, runtime)
    _problems(app)
    return app


def _templates(app: APIFlask, runtime: Runtime) -> None:
    loaders = [PackageLoader(package, "templates") for package in ("foundation.web", "coordination")]
    app.jinja_loader = ChoiceLoader(loaders)
    app.jinja_options = {
        "extensions": ["jinja2.ext.i18n", "jinja2.ext.do"],
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    env: Any = app.jinja_env
    env.install_gettext_callables(words.gettext, words.ngettext, newstyle=False)
    env.globals.update(
        _=words.gettext,
        ngettext=words.ngettext,
        day=words.day,
        clock=words.clock,
        when=words.when,
        ago=words.ago,
    )
    env.filters["numbers_apart"] = words.numbers_apart
    env.filters["gaps_apart"] = words.gaps_apart
    env.globals.update(role_name=labels.role_name)
    env.globals.update(level_word=sentences.level_word, new_id=new_id)
    from flask.helpers import send_from_directory

    import foundation.web

    folder = os.path.join(os.path.dirname(foundation.web.__file__), "static")
    env.globals["edition"] = _edition(Path(folder))

    @app.get("/static/<path:filename>", endpoint="static")
    def static_file(filename: str) -> Response:
        response = send_from_directory(folder, filename, max_age=3600)
        if filename == "sw.js":
            response.headers["Service-Worker-Allowed"] = "/"
        return packed(response, Path(folder) / filename)

    @app.context_processor
    def everywhere() -> dict[str, Any]:
        return {"locale": words.current(), "demo": pages.demo_banner(runtime)}


def _edition(folder: Path) -> str:
    """A name for what browsers keep of this release: another one fetches the kept pages anew."""
    forms = Path(__file__).parent / "templates"
    kept = [
        *sorted(folder.iterdir()),
        *(forms / name for name in ("offline.html", "report.html", "check_in.html")),
    ]
    return sha256(b"".join(path.read_bytes() for path in kept)).hexdigest()[:12]


def _sign_in(app: APIFlask, runtime: Runtime) -> None:
    manager = LoginManager(app)
    manager.session_protection = None  # our own session rows protect; Flask's cookie session is not used

    @manager.request_loader
    def load(_request: Any) -> Any:
        if request.path.startswith(("/static", "/hooks", "/api", "/healthz", "/readyz", "/metrics")):
            return None
        if frame.is_unnamed(request.path):
            return None
        return frame.load_user(runtime)


def _pages(app: APIFlask, runtime: Runtime) -> None:
    for page in PAGES:
        if page.path.startswith(("/demo", "/outbox")) and not runtime.config.demo:
            continue

        def view(_page: Any = page, **values: Any) -> Response:
            return frame.serve_page(runtime, _page, values)

        app.add_url_rule(page.path, endpoint=f"page:{page.path}", view_func=view, methods=["GET", "POST"])


def _around(app: APIFlask, runtime: Runtime) -> None:
    @app.before_request
    def before() -> None:
        g.started = frame.started()
        if "\0" in request.path:
            raise NotFound()  # PostgreSQL cannot even look for such a name
        if request.path.startswith(("/static", "/hooks", "/api")):
            words.use("en")  # programs read English; a thread would go on in the language of its last page
        else:
            frame.choose_language(runtime)

    @app.after_request
    def after(response: Response) -> Response:
        if frame.is_unnamed(request.path):
            response.headers["Referrer-Policy"] = "no-referrer"
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if runtime.config.secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if not request.path.startswith("/static"):
            response.headers.setdefault("Cache-Control", "no-store")
        if g.get("notice_shown"):
            response.delete_cookie(frame.NOTICE_COOKIE)
        route = request.url_rule.rule if request.url_rule else "unknown"
        if not request.path.startswith("/static"):
            ms = round((frame.started() - g.started) * 1000) if "started" in g else 0
            logs.log().info("request", method=request.method, route=route, status=response.status_code, ms=ms)
        return packed_page(response)


def _problems(app: APIFlask) -> None:
    @app.errorhandler(Problem)
    def problem(error: Problem) -> Any:
        if request.path.startswith("/api/"):
            return api.problem(error)
        if isinstance(error, SignInNeeded) and request.method == "GET":
            return redirect(f"/sign-in?next={request.path}", 303)
        return _error_page(error, error.status)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        status = error.code or 500
        if status < 400:
            return error.get_response()
        found = _in_words(status)
        if request.path.startswith("/api/"):
            response = api.problem(found)
            if allow := getattr(error, "valid_methods", None):
                response.headers["Allow"] = ", ".join(sorted(allow))
            return response
        return _error_page(found, status)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Any:
        reference = new_token()[:8]
        if app.testing or app.debug:
            raise error
        logs.log().error("unexpected", reference=reference, error_type=type(error).__name__, exc_info=True)
        found = Problem(
            _("Something went wrong here. Nothing you sent before is lost."),
            _("Please try again in a minute."),
            500,
        )
        found.status = 500
        return api.problem(found) if request.path.startswith("/api/") else _error_page(found, 500, reference)


def _in_words(status: int) -> Problem:
    texts = {
        404: (
            _("We could not find that page or record"),
            _("It may have been moved, or it belongs to another place."),
        ),
        405: (_("This page cannot be used that way"), _("Go back and use the buttons on the page.")),
        413: (_("That was too much at once"), _("Make it shorter and send it again.")),
        429: (_("Please wait a little"), _("Too many requests came at once.")),
    }
    message, hint = texts.get(
        status, (_("This request could not be understood"), _("Go back and try again."))
    )
    found = Problem(message, hint)
    found.status = status
    return found


def _error_page(error: Problem, status: int, reference: str = "") -> Any:
    runtime: Runtime = frame_runtime()
    visit = g.get("visit")
    if visit is None:
        user = current_user._get_current_object() if current_user.is_authenticated else None
        principal = user.principal if user else service("sign_in")
        with runtime.web.open(principal) as session:
            visit = frame.make_visit(runtime, session, user, principal)
    shown = {"message": _(error.message), "hint": _(error.hint)}
    outside = {"frame": "tell_base.html", "start": frame.UNNAMED} if frame.is_unnamed(request.path) else {}
    return render_template("error.html", visit=visit, problem=shown, reference=reference, **outside), status


def frame_runtime() -> Runtime:
    """The runtime of the application that answers this request."""
    from flask import current_app

    runtime = current_app.extensions["concord"]
    assert isinstance(runtime, Runtime)
    return runtime
