"""The ladder of a place: read it with clock times, write a new version, propose it, and decide as a second person of another organisation.

Who may do what, and what a ladder may say, is alerts/policy_versions.py and policy_checks.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from alerts import policy_versions
from alerts.labels import threat_label
from alerts.ladder import REVIEW, SIDES, TELL
from alerts.policies import EscalationPolicy
from alerts.policy_checks import ASKED, MOST_STEPS
from alerts.policy_versions import DECIDERS, DRAFT, EDITORS, PROPOSED
from alerts.risk.shapes import Wrong
from alerts.sentences import channel_label, role_name
from committees import profiles
from committees.contact_addresses import CHANNELS
from committees.layers import plain
from committees.places import Locality
from coordination import ladder_form, ladder_view, local_picture, reach
from coordination.outlook_view import SIDES as SIDE_WORDS
from coordination.pages.place import name_of
from foundation.db import new_id
from foundation.errors import Invalid, Problem
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

READERS = reach.READS_LEVELS
KINDS = {TELL: N_("Is told"), REVIEW: N_("Is asked to decide")}


@page("/place/<code>/ladder", roles=READERS)
def ladder(visit: Visit, code: str) -> Response:
    """The ladder that holds here: who is asked after how long, in clock times, and where it comes from."""
    here = reach.place_with(visit.session, visit.principal, code)
    return _overview(visit, here, visit.args.get("threat", "*"))


@page("/place/<code>/ladder/inherit", roles=EDITORS)
def inherit(visit: Visit, code: str) -> Response:
    """Propose that this place gives its own ladder back and inherits again."""
    here = reach.place_with(visit.session, visit.principal, code)
    if not visit.posted:
        return visit.go(f"/place/{code}/ladder")
    threat, reason = visit.form.get("threat", "*"), visit.form.get("reason", "")
    try:
        row = policy_versions.draft(
            visit.session,
            visit.now,
            here,
            threat,
            None,
            person_id=visit.person_id,
            reason=reason,
            key=visit.uuid("ladder_id"),
        )
        if row.state == DRAFT:
            policy_versions.propose(visit.session, visit.now, row, visit.person_id)
    except Invalid as wrong:
        return _overview(visit, here, threat, {wrong.field: _words(wrong)}, wrong.status)
    visit.say(_("Proposed. A second person of another organisation now reads it."))
    return visit.go(f"/place/{code}/ladder/{row.version}")


def _overview(
    visit: Visit, here: Locality, threat: str, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    threats = _threats(visit, here)
    threat = threat if threat in dict(threats) else "*"
    row, policy = ladder_view.held(visit.session, here, threat)
    own = policy_versions.versions_of(visit.session, here.id)
    may_edit = policy_versions.may_edit(visit.session, here, visit.person_id)
    return visit.render(
        "ladder.html",
        status,
        place=here,
        name=name_of(here),
        threats=threats,
        threat=threat,
        source=ladder_view.source(visit.session, here, row),
        steps=ladder_view.step_rows(visit.session, visit.now, here, policy),
        facts=ladder_view.facts(visit.session, policy),
        versions=ladder_view.version_rows(visit.session, visit.now, here, own),
        may_edit=may_edit,
        may_inherit=may_edit and threat in policy_versions.own_threats(visit.session, here.id),
        errors=errors or {},
        values=visit.form,
        key=visit.form.get("ladder_id") or new_id(),
    )


@page("/place/<code>/ladder/edit", roles=EDITORS)
def edit(visit: Visit, code: str) -> Response:
    """Write a new draft from what holds here now."""
    here = reach.place_with(visit.session, visit.principal, code)
    if not visit.posted:
        _row, policy = ladder_view.held(visit.session, here, "*")
        document = {
            "clocks": policy.clocks,
            "steps": policy.steps,
            "must_answer": policy.must_answer,
            "nudges": policy.nudges,
            "still": policy.still,
        }
        return _form(visit, here, ladder_form.boxes(plain(document)), {})
    document, kept = ladder_form.document_of(visit.form)
    try:
        row = policy_versions.draft(
            visit.session,
            visit.now,
            here,
            visit.form.get("threat", "*"),
            document,
            person_id=visit.person_id,
            reason=visit.form.get("reason", ""),
            key=visit.uuid("ladder_id"),
        )
    except Invalid as wrong:
        box = ladder_form.box_of(wrong.field, kept) if isinstance(wrong, Wrong) else wrong.field
        return _form(visit, here, visit.form, {box: _words(wrong)})
    visit.say(_("The draft is written. Nothing changes until a second person approves it."))
    return visit.go(f"/place/{code}/ladder/{row.version}")


@page("/place/<code>/ladder/<int:version>", roles=READERS)
def one_version(visit: Visit, code: str, version: int) -> Response:
    """One version: its steps in clock times, who wrote it and why, and what may be done with it."""
    here = reach.place_with(visit.session, visit.principal, code)
    return _show(visit, here, policy_versions.find(visit.session, here.id, version))


@page("/place/<code>/ladder/<int:version>/propose", roles=EDITORS)
def propose(visit: Visit, code: str, version: int) -> Response:
    """Put a draft before a second person of another organisation."""
    said = _("Proposed. A second person of another organisation now reads it.")
    return _move(visit, code, version, policy_versions.propose, said)


@page("/place/<code>/ladder/<int:version>/withdraw", roles=EDITORS)
def withdraw(visit: Visit, code: str, version: int) -> Response:
    """Take a draft or a proposal back."""
    return _move(visit, code, version, policy_versions.withdraw, _("Taken back. It stays readable."))


@page("/place/<code>/ladder/<int:version>/decide", roles=DECIDERS)
def decide(visit: Visit, code: str, version: int) -> Response:
    """The second person approves or refuses, with a reason."""
    here = reach.place_with(visit.session, visit.principal, code)
    row = policy_versions.find(visit.session, here.id, version)
    if not visit.posted:
        return visit.go(f"/place/{code}/ladder/{version}")
    said = visit.form.get("decision", "")
    if said not in ("approve", "refuse"):
        return _show(visit, here, row, {"decision": _("Choose approve or refuse")}, 422)
    answer = visit.form.get("answer", "")
    try:
        policy_versions.decide(
            visit.session, visit.now, row, visit.person_id, approve=said == "approve", answer=answer
        )
    except Problem as problem:
        return _show(visit, here, row, {"answer": _words(problem)}, problem.status)
    visit.say(
        _("Approved. It holds from now on, also for alerts that are open.")
        if said == "approve"
        else _("Refused. The people who wrote it can read why.")
    )
    return visit.go(f"/place/{code}/ladder/{version}")


def _move(visit: Visit, code: str, version: int, act: Callable[..., EscalationPolicy], said: str) -> Response:
    here = reach.place_with(visit.session, visit.principal, code)
    row = policy_versions.find(visit.session, here.id, version)
    if visit.posted:
        try:
            act(visit.session, visit.now, row, visit.person_id)
        except Problem as problem:
            return _show(visit, here, row, {"answer": _words(problem)}, problem.status)
        visit.say(said)
    return visit.go(f"/place/{code}/ladder/{version}")


def _words(problem: Problem) -> str:
    return local_picture.in_words(problem)


def _threats(visit: Visit, here: Locality) -> list[tuple[str, str]]:
    document = profiles.in_force(visit.session, here.id).document
    keys = [row["key"] for row in document["threats"] if row["key"] != "unsorted"]
    return [("*", _("Every line of tension")), *((key, threat_label(key, document)) for key in keys)]


def _form(visit: Visit, here: Locality, values: Any, errors: dict[str, str]) -> Response:
    return visit.render(
        "ladder_edit.html",
        422 if errors else 200,
        place=here,
        name=name_of(here),
        values=values,
        errors=errors,
        threats=_threats(visit, here),
        roles=[(role, role_name(role)) for role in ASKED],
        kinds=[(kind, _(text)) for kind, text in KINDS.items()],
        sides=[(side, _(SIDE_WORDS[side])) for side in SIDES],
        channels=[(key, channel_label(key)) for key in CHANNELS],
        steps=ladder_form.shown_steps(values),
        most=MOST_STEPS,
        roles_shown=range(ladder_form.ROLES_SHOWN),
        key=values.get("ladder_id") or new_id(),
    )


def _show(
    visit: Visit,
    here: Locality,
    row: EscalationPolicy,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    inherited, policy = ladder_view.meant(visit.session, here, row)
    why_not = policy_versions.why_not_decide(visit.session, row, visit.person_id)
    (about,) = ladder_view.version_rows(visit.session, visit.now, here, [row])
    return visit.render(
        "ladder_version.html",
        status,
        place=here,
        name=name_of(here),
        row=row,
        about=about,
        inherited=inherited,
        steps=ladder_view.step_rows(visit.session, visit.now, here, policy),
        facts=ladder_view.facts(visit.session, policy),
        may_edit=policy_versions.may_edit(visit.session, here, visit.person_id),
        is_draft=row.state == DRAFT,
        is_open=row.state in (DRAFT, PROPOSED),
        may_decide=why_not is None,
        why_not=_words(why_not) if why_not and row.state == PROPOSED and visit.has(*DECIDERS) else "",
        deciders=_(", ").join(role_name(role) for role in DECIDERS),
        errors=errors or {},
        values=visit.form,
    )
