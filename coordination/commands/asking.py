"""`concord score LOCALITY` and `concord export KIND`: what Concord knows, on the terminal or in a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import assessing, known_then, standing
from alerts.risk import scoring
from alerts.score_sentences import confidence_sentence
from alerts.sentences import level_word
from committees.intake.foreign_places import ForeignPlaces
from committees.people import Person, principal_of
from committees.places import Locality, zone_of
from coordination import exporting, score_view
from coordination.commands import opened
from coordination.runtime import Runtime
from foundation.errors import NotFound, Problem
from foundation.policy import Principal, service

EARLIEST = 1900


# ----------------------------------------------------------------------------------------------- score


@click.command("score")
@click.argument("locality")
@click.option(
    "--at",
    help="As it was known at this time: 2024-05-31 or 2024-05-31T18:00+05:00; UTC if it has no offset.",
)
@click.option(
    "--as",
    "person",
    metavar="PERSON",
    help="A sign-in name: name only what this person may see. Default: everything.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
def score_command(locality: str, at: str | None, person: str | None, as_json: bool) -> None:
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
        with _reading(runtime, person) as (session, principal):
            seen = score_view.seen(session, principal, found["contributions"], zone_of(session, place))
            found["contributions"] = score_view.at_rights(found["contributions"], seen)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str) if as_json else in_words(found))


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
    return {
        **_head(place, now, assessing.risk_of(row), row.profile),
        "level": stands.level,
        "computed_level": row.level,
        "falls_at": row.falls_at.isoformat() if row.falls_at else None,
        "confidence": row.basis["confidence"],
        "contributions": list(row.contributions),
    }


def score_then(session: Session, place: Locality, at: datetime) -> dict[str, Any]:
    """The score as it was known at a time, as data."""
    found = known_then.as_known(session, place, at)
    return {
        **_head(place, at, found.risk, found.profile),
        "level": found.level,
        "computed_level": found.level,
        "falls_at": found.falls_at.isoformat() if found.falls_at else None,
        "confidence": found.confidence,
        "contributions": found.contributions,
    }


def _head(place: Locality, at: datetime, risk: scoring.Risk, profile: str) -> dict[str, Any]:
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
    if found["confidence"]:
        lines.append(confidence_sentence(found["confidence"]))
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
