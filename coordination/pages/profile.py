"""The local picture of a place: read it, print it for a meeting, look at one version and what it changes, compare two, decide.

Typing a meeting's picture in is profile_edit.py. Who may do what is coordination/local_picture.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from alerts.labels import role_name
from alerts.profile_words import sentences, version_state
from committees import profiles
from committees.changes import changes
from committees.committee import committee_for
from committees.places import Locality, zone_of
from committees.profile_templates import templates
from committees.profiles import DRAFT, IN_FORCE, PROPOSED, SETTLED, Layer, Profile
from coordination import local_picture, profile_view, reach
from coordination.pages.place import dates_of, name_of
from coordination.profile_view import Picture
from foundation.errors import Invalid, NotFound, Problem
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

READERS = reach.READS_LEVELS
EDITORS, DECIDERS = local_picture.EDITORS, local_picture.DECIDERS
DAYS_AHEAD = 60


@page("/place/<code>/profile", roles=READERS)
def profile(visit: Visit, code: str) -> Response:
    """The local picture that holds here now, in plain words, with where each line comes from."""
    here = reach.place_with(visit.session, visit.principal, code)
    own = profiles.versions_of(visit.session, here.id)
    shown = profile_view.picture(visit.session, here, visit.now)
    held = next((row for row in own if row.state == IN_FORCE), None)
    return visit.render(
        "profile.html",
        place=here,
        name=name_of(here),
        picture=shown,
        head=profile_view.head(visit.session, visit.now, here, held),
        reviewed=profile_view.reviewed(shown.document, visit.now, here, visit.session),
        dates=dates_of(visit, here, zone_of(visit.session, here), DAYS_AHEAD),
        waiting=profile_view.waiting(own),
        versions=profile_view.version_rows(visit.session, visit.now, here, own),
        choices=_choices(own),
        templates=[] if own else list(templates().values()),
        may_edit=local_picture.may_edit(visit.session, here, visit.person_id),
    )


@page("/place/<code>/profile/paper", roles=EDITORS)
def paper(visit: Visit, code: str) -> Response:
    """The picture on paper, with ruled space: people talk first, one person types afterwards."""
    here = reach.place_with(visit.session, visit.principal, code)
    body = committee_for(visit.session, here.id)
    return visit.render(
        "profile_paper.html",
        place=here,
        name=name_of(here),
        body=body.name(words.current().language) if body else "",
        picture=profile_view.picture(visit.session, here, visit.now),
        start=templates().get(visit.args.get("template", "")),
        dates=dates_of(visit, here, zone_of(visit.session, here), DAYS_AHEAD),
        today=words.day(visit.now, zone_of(visit.session, here)),
    )


@page("/place/<code>/profile/compare", roles=READERS)
def compare(visit: Visit, code: str) -> Response:
    """What changes from one version to another, in sentences."""
    here = reach.place_with(visit.session, visit.principal, code)
    own = profiles.versions_of(visit.session, here.id)
    newest = {"after": str(own[0].version)} if own and not visit.args else {}
    before, after = (_chosen(own, visit.args.get(name, newest.get(name, ""))) for name in ("before", "after"))
    return visit.render(
        "profile_compare.html",
        place=here,
        name=name_of(here),
        lines=_changes(visit, here, before, after),
        choices=_choices(own),
        before=str(before.version) if before else "0",
        after=str(after.version) if after else "0",
    )


@page("/place/<code>/profile/<int:version>", roles=READERS)
def one_version(visit: Visit, code: str, version: int) -> Response:
    """One version: who wrote it, why, who was consulted, what it changes, and what may be done with it."""
    here, row = _found(visit, code, version)
    return _show(visit, here, row)


@page("/place/<code>/profile/<int:version>/propose", roles=EDITORS)
def propose(visit: Visit, code: str, version: int) -> Response:
    """Put a draft before a second person of another organisation."""
    return _move(
        visit,
        code,
        version,
        local_picture.propose,
        _("Proposed. A second person of another organisation now reads it."),
    )


@page("/place/<code>/profile/<int:version>/withdraw", roles=EDITORS)
def withdraw(visit: Visit, code: str, version: int) -> Response:
    """Take a draft or a proposed version back."""
    return _move(visit, code, version, local_picture.withdraw, _("Taken back. It stays readable."))


def _move(
    visit: Visit,
    code: str,
    version: int,
    act: Callable[[Session, datetime, Profile, UUID], Profile],
    said: str,
) -> Response:
    """One button of an editor: do it and say so, or show the version again with why not."""
    here, row = _found(visit, code, version)
    if visit.posted:
        try:
            act(visit.session, visit.now, row, visit.person_id)
        except Problem as problem:
            return _show(visit, here, row, {"answer": _say(problem)}, problem.status)
        visit.say(said)
    return visit.go(f"/place/{code}/profile/{version}")


@page("/place/<code>/profile/<int:version>/decide", roles=DECIDERS)
def decide(visit: Visit, code: str, version: int) -> Response:
    """The second person approves or refuses, with a reason."""
    here, row = _found(visit, code, version)
    if not visit.posted:
        return visit.go(f"/place/{code}/profile/{version}")
    said = visit.form.get("decision", "")
    try:
        if said not in ("approve", "refuse"):
            raise Invalid("decision", N_("Choose approve or refuse"))
        local_picture.decide(
            visit.session,
            visit.now,
            row,
            visit.person_id,
            approve=said == "approve",
            answer=visit.form.get("answer", ""),
        )
    except Problem as problem:
        field = problem.field if isinstance(problem, Invalid) and problem.field == "decision" else "answer"
        return _show(visit, here, row, {field: _say(problem)}, problem.status)
    visit.say(
        _("Approved. It holds from its day on, and scores say so.")
        if said == "approve"
        else _("Refused. The people who wrote it can read why.")
    )
    return visit.go(f"/place/{code}/profile/{version}")


def _say(problem: Problem) -> str:
    return local_picture.in_words(problem)


def _found(visit: Visit, code: str, version: int) -> tuple[Locality, Profile]:
    here = reach.place_with(visit.session, visit.principal, code)
    return here, profiles.find(visit.session, here.id, version)


def _chosen(own: list[Profile], number: str) -> Profile | None:
    """A version by its number; 0 or nothing is what the place inherits."""
    if number in ("", "0"):
        return None
    found = next((row for row in own if str(row.version) == number), None)
    if found is None:
        raise NotFound()
    return found


def _choices(own: list[Profile]) -> list[tuple[str, str]]:
    return [
        ("0", _("What it inherits")),
        *(
            (str(row.version), _("Version %(n)s: %(state)s", n=row.version, state=version_state(row.state)))
            for row in own
        ),
    ]


def _changes(visit: Visit, here: Locality, before: Profile | None, after: Profile | None) -> list[str]:
    """The sentences of a comparison, each with who had set what was before."""
    session = visit.session
    was, now = (
        profile_view.named(session, local_picture.whole(session, row, here.id)) for row in (before, after)
    )
    layers = local_picture.inherited(session, here.id)
    if before:
        layers = [Layer(here.id, f"{here.id}/{before.version}", before.document), *layers]
    return sentences(changes(was, now), now, Picture(session, visit.now, here, layers, now).set_before)


def _show(
    visit: Visit, here: Locality, row: Profile, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    own = profiles.versions_of(visit.session, here.id)
    held = next((one for one in own if one.state == IN_FORCE and one.id != row.id), None)
    before = held if row.state not in SETTLED else _before(own, row)
    why_not = local_picture.why_not_decide(visit.session, row, visit.person_id)
    values: Any = visit.form if errors else {}
    return visit.render(
        "profile_version.html",
        status=status,
        place=here,
        name=name_of(here),
        row=row,
        head=profile_view.head(visit.session, visit.now, here, row),
        lines=_changes(visit, here, before, row),
        before=before,
        may_edit=local_picture.may_edit(visit.session, here, visit.person_id),
        is_draft=row.state == DRAFT,
        is_open=row.state in (DRAFT, PROPOSED),
        may_decide=why_not is None,
        why_not=_say(why_not) if why_not and row.state == PROPOSED and visit.has(*DECIDERS) else "",
        deciders=_(", ").join(role_name(role) for role in DECIDERS),
        errors=errors or {},
        values=values,
    )


def _before(own: list[Profile], row: Profile) -> Profile | None:
    """The version that stood before one that was approved."""
    held = [one for one in own if one.state in SETTLED and one.valid_from and row.valid_from]
    older = [one for one in held if one.valid_from < row.valid_from]  # type: ignore[operator]
    return max(older, key=lambda one: (one.valid_from, one.version), default=None)
