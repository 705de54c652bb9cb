"""What the page of a place's ladder shows: each step with who is on it and its clock times, where it comes from, and its versions. Words only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from alerts.labels import threat_label
from alerts.ladder import REVIEW, Policy
from alerts.policies import EscalationPolicy, as_ladder, policy_at
from alerts.receivers import SEATS, nearest_offices
from alerts.sentences import channel_label, role_name
from committees import committee
from committees.people import Office, Person
from committees.places import Locality, zone_of
from coordination.outlook_view import SIDES
from foundation.web import words
from foundation.web.words import N_, ngettext
from foundation.web.words import gettext as _

LEVELS = (3, 4, 5)
STATES = {
    "draft": N_("Draft"),
    "proposed": N_("Waits for a second person"),
    "in_force": N_("Holds now"),
    "replaced": N_("Replaced"),
    "refused": N_("Refused"),
    "withdrawn": N_("Taken back"),
}


def step_rows(session: Session, now: datetime, place: Locality, policy: Policy) -> list[tuple[str, ...]]:
    """Each step: who is asked, and when it comes at levels 3, 4 and 5 if an alert went out now and nobody answered."""
    at = zone_of(session, place)
    times = dict.fromkeys(LEVELS, now)
    rows: list[tuple[str, ...]] = []
    for number, step in enumerate(policy.steps):
        times = {
            level: moment + timedelta(minutes=policy.wait(number, level)) for level, moment in times.items()
        }
        said = [
            _(
                "%(clock)s, after %(wait)s",
                clock=words.when(times[level], at, now),
                wait=_wait(policy.wait(number, level)),
            )
            for level in LEVELS
        ]
        rows.append((str(number + 1), who(session, place, step), *said))
    return rows


def _wait(minutes: int) -> str:
    if minutes % 60 or minutes < 60:
        return ngettext("%(num)d minute", "%(num)d minutes", minutes)
    return ngettext("%(num)d hour", "%(num)d hours", minutes // 60)


def who(session: Session, place: Locality, step: Mapping[str, Any]) -> str:
    """Who is on a step, with those that nobody holds at this place now."""
    names = [_role(session, place, role) for role in step.get("ask", ())]
    names += [_office(session, code) for code in step.get("offices", ())]
    text = "; ".join(names)
    if step["kind"] == REVIEW:
        text = _("%(who)s: asked to decide", who=text)
    if step.get("deputies"):
        text = _("%(who)s, and their deputies", who=text)
    if step.get("channels"):
        ways = _(", ").join(channel_label(key) for key in step["channels"])
        text = _("%(who)s, by %(ways)s", who=text, ways=ways)
    return text


def _role(session: Session, place: Locality, role: str) -> str:
    name = role_name(role)
    body = committee.committee_for(session, place.id)
    held = committee.sitting(session, body.id, role) if role in SEATS and body else None
    if held or (held is None and nearest_offices(session, place.id, role)):
        return name
    return _("%(role)s (nobody holds it here)", role=name)


def _office(session: Session, code: str) -> str:
    from sqlalchemy import select

    row = session.scalars(select(Office).where(Office.code == code)).first()
    return row.name(words.current().language) if row else code


def facts(session: Session, policy: Policy) -> list[tuple[str, str]]:
    """The rest of a ladder, in words."""
    must = _(", ").join(_(SIDES[side]) for side in policy.must_answer)
    return [
        (
            _("Who must answer"),
            must or _("One answer of anybody is enough. At levels 4 and 5 only acting counts."),
        ),
        (
            _("Seen, but nobody acts"),
            _(
                "Asked once more after %(high)s at level 4 and %(severe)s at level 5.",
                high=_wait(policy.nudges[4]),
                severe=_wait(policy.nudges[5]),
            ),
        ),
        (
            _("Acting, but nothing is written"),
            _(
                "Asked after %(high)s at level 4 and %(severe)s at level 5. Without an answer in half that time all are asked again.",
                high=_wait(policy.still[4]),
                severe=_wait(policy.still[5]),
            ),
        ),
    ]


def source(session: Session, place: Locality, row: EscalationPolicy | None) -> str:
    """Where the ladder that holds comes from."""
    if row is None:
        return _("This ladder is built in. No place above has written one.")
    if row.locality_id is None:
        return _("This ladder holds everywhere. It came with the installation.")
    if row.locality_id == place.id:
        return _("This place wrote it itself: version %(n)s.", n=row.version)
    above = session.get_one(Locality, row.locality_id)
    return _(
        "It is inherited from %(place)s, version %(n)s.",
        place=above.name(words.current().language),
        n=row.version,
    )


def version_rows(
    session: Session, now: datetime, place: Locality, rows: list[EscalationPolicy]
) -> list[dict[str, Any]]:
    """Every version that a place wrote, for the list."""
    at = zone_of(session, place)
    found = []
    for row in rows:
        author = session.get(Person, row.author_id) if row.author_id else None
        found.append(
            {
                "version": row.version,
                "title": _("Version %(n)s", n=row.version),
                "threat": threat_label(row.threat),
                "state": _(STATES[row.state]),
                "inherits": row.inherits,
                "kind": {"in_force": "done", "refused": "problem", "proposed": "doing"}.get(
                    row.state, "waiting"
                ),
                "by": role_name(row.author_role) if author else _("the installation"),
                "when": words.when(row.created_at, at, now) if row.created_at else "",
            }
        )
    return found


def held(session: Session, place: Locality, threat: str) -> tuple[EscalationPolicy | None, Policy]:
    """The ladder that holds at a place."""
    row = policy_at(session, place.id, threat)
    return row, as_ladder(row)


def meant(session: Session, place: Locality, row: EscalationPolicy) -> tuple[str, Policy]:
    """What a version means: its own steps, or where it inherits again, what holds without any of its own and where that is from."""
    if not row.inherits:
        return "", as_ladder(row)
    above = policy_at(session, place.id, row.threat, without_own=True)
    return source(session, place, above), as_ladder(above)
