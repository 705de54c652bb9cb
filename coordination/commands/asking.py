"""`concord score LOCALITY` and `concord export KIND`: what Concord knows, on the terminal or in a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import assessing, standing
from alerts.assessing import Score
from alerts.risk import levels, scoring
from alerts.sentences import level_word, line_sentence
from committees import profiles
from committees.incidents import Incident
from committees.intake.foreign_places import ForeignPlaces
from committees.people import Person, principal_of
from committees.places import Locality, zone_of
from coordination.commands import exporting, opened
from coordination.runtime import Runtime
from foundation.errors import NotFound, Problem
from foundation.policy import Principal, service
from foundation.web.words import day

EARLIEST = 1900


# ----------------------------------------------------------------------------------------------- score


@click.command("score")
@click.argument("locality")
@click.option(
    "--at",
    help="As it was known at this time: 2024-05-31 or 2024-05-31T18:00+05:00; UTC if it has no offset.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
def score_command(locality: str, at: str | None, as_json: bool) -> None:
    """Print the score of LOCALITY (its code), now or as it was known at a time, with its reasons. Nothing is stored."""
    with opened() as runtime:
        now = runtime.clock.now()
        moment = past_moment(at, now) if at else None
        # Assessing moves rows, so the session says that it writes; nothing is committed.
        with runtime.worker.open(service("command"), write=moment is None) as session:
            place = ForeignPlaces(session).known(locality)
            if place is None:
                raise NotFound(
                    f"There is no place with the code {locality}.",
                    "Look it up on the Places page, or import it: concord import places FILE.",
                )
            found = score_then(session, place, moment) if moment else score_now(session, place, now)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else in_words(found))


def past_moment(text: str, now: datetime) -> datetime:
    """The moment that a person means by `text`: a date is its first minute; UTC where no offset is given."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a time. Write it like 2024-05-31 or 2024-05-31T18:00+05:00.", param_hint="--at"
        ) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found > now or found.year < EARLIEST:
        raise Problem(f"{text} cannot be asked for.", "Give a time in the past, or leave --at out for now.")
    return found


def score_now(session: Session, place: Locality, now: datetime) -> dict[str, Any]:
    """The score of this moment, soft signs included, as data."""
    row = assessing.assess(session, now, place)
    stands = standing.standing(session, place, now)
    coefficients = assessing.coefficients_of(profiles.in_force(session, place.id).document)
    risk = scoring.score(
        row.fast, row.slow, row.near, kappa=row.kappa, soft=row.soft, coefficients=coefficients
    )
    lines = list(row.contributions)
    return {
        **_head(session, place, now, risk, row.profile),
        "level": stands.level,
        "computed_level": row.level,
        "falls_at": row.falls_at.isoformat() if row.falls_at else None,
        "contributions": _with_sentences(session, place, lines),
    }


def score_then(session: Session, place: Locality, at: datetime) -> dict[str, Any]:
    """The score as it was known at a time, as data; its level is the stored one of that time, else that of its own boundary."""
    risk = assessing.as_known(session, place, at)
    profile = profiles.in_force(session, place.id, at)
    boundaries = tuple(profile.document["boundaries"])
    rows = (
        select(Score).where(Score.locality_id == place.id, Score.at <= at).order_by(Score.at.desc()).limit(1)
    )
    stored = session.scalars(rows).first()
    level = stored.level if stored else levels.level_of(risk.p28, boundaries)
    falls_at = assessing.falls_at(at, risk, level, boundaries)
    return {
        **_head(session, place, at, risk, " < ".join(profile.versions)),
        "level": level,
        "computed_level": level,
        "falls_at": falls_at.isoformat() if falls_at else None,
        "contributions": _with_sentences(session, place, assessing.explain_then(session, at, place.id, risk)),
    }


def _head(
    session: Session, place: Locality, at: datetime, risk: scoring.Risk, profile: str
) -> dict[str, Any]:
    background, fast, slow, near = (float(part) for part in risk.terms)
    return {
        "locality": place.code,
        "name": place.name(),
        "at": at.isoformat(),
        "p28": risk.p28,
        "index": risk.index,
        "sums": {"fast": risk.F, "slow": risk.S, "neighbours": risk.N},
        "terms": {
            "background": background,
            "fast": fast,
            "slow": slow,
            "neighbours": near,
            "soft": risk.soft,
        },
        "kappa": risk.kappa,
        "profile": profile,
    }


def _with_sentences(session: Session, place: Locality, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [UUID(str(line["id"])) for line in lines if line["key"] == "incident"]
    rows = {str(row.id): row for row in session.scalars(select(Incident).where(Incident.id.in_(ids)))}
    zone = zone_of(session, place)
    told = []
    for line in lines:
        row = rows.get(str(line.get("id")))
        more = (
            {
                "kind": row.kind,
                "how": row.how_known,
                "day": f"{day(row.occurred_at, zone)} {row.occurred_at.year}",
            }
            if row
            else {}
        )
        told.append({**line, "points": float(line["points"]), "sentence": line_sentence({**line, **more})})
    return told


def in_words(found: dict[str, Any]) -> str:
    """A score as sentences."""
    at = datetime.fromisoformat(found["at"])
    lines = [
        f"{found['name']} ({found['locality']}) on {at:%Y-%m-%d %H:%M %Z}",
        f"Level {found['level']} ({level_word(found['level'])}). Score {found['index']:.1f} of 100 points. What makes it up:",
    ]
    lines += [
        f"  {line['points']:+7.2f}  {line['sentence']}"
        for line in found["contributions"]
        if abs(line["points"]) >= 0.005
    ]
    if found["falls_at"]:
        lines.append(f"Without new reports the level falls on {found['falls_at'][:10]}.")
    return "\n".join(lines)


# ---------------------------------------------------------------------------------------------- export


@click.command("export")
@click.argument("kind", type=click.Choice(list(exporting.KINDS)))
@click.option(
    "--format",
    "form",
    default="csv",
    show_default=True,
    type=click.Choice(exporting.FORMS),
    help="csv has a row of HXL tags under its first line.",
)
@click.option(
    "--as",
    "person",
    metavar="PERSON",
    help="A sign-in name: only what this person may see. Default: everything.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where it goes. Default: standard output."
)
def export_command(kind: str, form: str, person: str | None, out: Path | None) -> None:
    """Write all rows of KIND (incidents, scores, alerts, evaluation) within somebody's rights."""
    if form == "geojson" and not exporting.KINDS[kind].placed:
        raise click.UsageError(f"{kind} has no places to draw. Use --format csv or json.")
    with opened() as runtime, _reading(runtime, person) as (session, principal):
        rows = exporting.KINDS[kind].rows(session, principal)
        text = exporting.written(kind, form, rows)
    if out is None:
        sys.stdout.write(text)
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise Problem(
            f"{out} cannot be written: {error.strerror}.",
            "Choose a folder that exists and where you may write.",
        ) from None
    click.echo(f"{len(rows):,} {kind} written to {out}.", err=True)


@contextmanager
def _reading(runtime: Runtime, person: str | None) -> Iterator[tuple[Session, Principal]]:
    """A session with somebody's rights: the web's own database role for a person, the worker's for the whole."""
    if person is None:
        principal = service("command")
        with runtime.worker.open(principal) as session:
            yield session, principal
        return
    with runtime.worker.open(service("command")) as session:
        found = session.scalars(select(Person).where(Person.code == person)).first()
        if found is None:
            raise NotFound(
                f"There is nobody with the sign-in name {person}.",
                "Look it up on the People page or in the seed file.",
            )
        principal = principal_of(session, found)
    with runtime.web.open(principal) as session:
        yield session, principal
