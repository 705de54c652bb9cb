"""`concord import places FILE...` and `concord import incidents FILE...`: what others have collected, taken in without telling anybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import assessing, history, past_warnings
from alerts.risk.replay import Warned
from committees.intake import csv_files, gazetteer, letters
from committees.intake.csv_files import Event
from committees.intake.foreign_places import ForeignPlaces
from committees.intake.history import store
from committees.places import Locality, Neighbour
from coordination import collecting
from coordination.collected import Collection, letter_item, put_in
from coordination.commands import Progress, opened
from coordination.runtime import Runtime
from foundation.errors import Problem
from foundation.policy import service

BATCH = 500
TOLD = 20
FILES = click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@click.group("import")
def import_command() -> None:
    """Bring in places or past incidents from files. Safe to repeat; rows that cannot be used go to FILE.rejected.csv."""


@import_command.command("places")
@FILES
def places_command(files: tuple[Path, ...]) -> None:
    """Import places (GeoJSON, or CSV with code,name,parent,level,lat,lon) or neighbours (CSV with locality,neighbour)."""
    with opened() as runtime:
        for path in files:
            with runtime.worker.open(service("command"), write=True) as session:
                found = gazetteer.read(session, path)
                session.commit()
            counts = (
                f"{found.read:,} rows read, {found.new:,} {found.what} new, {found.repeated:,} there before"
            )
            click.echo(f"{path.name}: {counts}, {_rejected(path, found.header, found.rejected, found.read)}.")
            _tell_countries(found.countries)


@import_command.command("incidents")
@FILES
def incidents_command(files: tuple[Path, ...]) -> None:
    """Import past incidents from CSV or CSV.gz: Concord's own columns, any with HXL tags, ODK and Kobo exports, UCDP GED, ACLED.

    Nobody is told of what lies in the past. The scores follow at once, and the rises of a level that this history
    would have shown are listed and kept as closed alerts.
    """
    with opened() as runtime:
        run = Import(runtime)
        for path in files:
            run.file(path)
        run.score()
        run.tell()


@import_command.command("email")
@click.argument("file", type=click.File("rb"))
def email_command(file: BinaryIO) -> None:
    """Take in one letter, from a file or a pipe (-): what a mail server hands over. The letter is read as if it came from the mailbox."""
    with opened() as runtime:
        letter = letters.read(file.read(letters.LARGEST), runtime.config.mail_trust)
        box = runtime.config.mailbox
        with runtime.worker.open(service("intake"), write=True) as session:
            new = put_in(session, runtime.clock.now(), [letter_item(letter, box.place if box else "")])
            session.commit()
    click.echo("1 letter taken in." if new else "This letter was there before.")


@import_command.command("forms")
def forms_command() -> None:
    """Ask every form server and the mailbox of the settings now, and say how each stands. The worker makes reports of what came."""
    with opened() as runtime:
        known = collecting.names(runtime.config)
        if not known:
            raise Problem(
                "No form server and no mailbox is set up.",
                "Set CONCORD_FORM_SERVERS, CONCORD_FORM_HOOKS or CONCORD_MAIL_IN: docs/imports.md says how.",
            )
        new = collecting.work(runtime)
        with runtime.worker.open(service("intake")) as session:
            rows = {row.name: row for row in session.scalars(select(Collection))}
    for name, kind in known.items():
        click.echo(f"{name} ({kind}): {_stands(kind, rows.get(name))}")
    click.echo(f"{new:,} new.")
    if wrong := [name for name in known if (row := rows.get(name)) and row.error]:
        raise Problem(
            f"Could not be asked: {', '.join(wrong)}.", "What is wrong stands beside each name above."
        )


def _stands(kind: str, row: Collection | None) -> str:
    if row is None:
        return "sends by itself; nothing has come yet." if kind == "hook" else "not asked yet."
    if row.error:
        return row.error
    return f"{row.taken:,} came in so far" + (", read by a form that was matched." if row.matching else ".")


@dataclass
class Import:
    """One run of `concord import incidents` over some files."""

    runtime: Runtime
    new: int = 0
    created: int = 0
    countries: list[str] = field(default_factory=list)
    touched: set[UUID] = field(default_factory=set)
    progress: Progress = field(default_factory=Progress)

    def file(self, path: Path) -> None:
        """Store one file batch by batch, each with its sums in one transaction, and say what became of its rows."""
        with csv_files.events(path) as found:
            lines = list(found.lines)
        rejected = [(line.row, line.reason) for line in lines if line.event is None]
        usable = [(line.row, line.event) for line in lines if line.event is not None]
        usable.sort(key=lambda pair: pair[1].occurred_at.replace(tzinfo=None))
        new = repeated = done = 0
        rows = iter(usable)
        while batch := list(islice(rows, BATCH)):
            stored, there, refused = self._batch([event for _, event in batch])
            rejected += [(batch[position][0], reason) for position, reason in refused]
            new, repeated, done = new + stored, repeated + there, done + len(batch)
            self.progress(path.name, done, len(usable))
        self.new += new
        counts = f"{len(lines):,} rows read, {new:,} new, {repeated:,} there before"
        said = _rejected(path, found.header, rejected, len(lines))
        click.echo(f"{path.name} ({found.format.name}): {counts}, {said}.")
        if found.unread:
            click.echo(f"Columns of which nothing was read: {', '.join(found.unread)}.")
        if found.format.terms:
            click.echo(found.format.terms)

    def _batch(self, events: list[Event]) -> tuple[int, int, list[tuple[int, str]]]:
        now = self.runtime.clock.now()
        with self.runtime.worker.open(service("command"), write=True) as session:
            places = ForeignPlaces(session)
            result = store(session, now, events, places)
            self.touched.update(history.take_in_many(session, now, result.new))
            session.commit()
        self.created += len(places.made)
        self.countries += places.countries
        return len(result.new), result.repeated, result.refused

    def score(self) -> None:
        """Assess every place whose sums changed, and its neighbours, without raising anything."""
        with self.runtime.worker.open(service("command")) as session:
            near = session.scalars(
                select(Neighbour.neighbour_id).where(Neighbour.locality_id.in_(self.touched))
            )
            waiting = sorted({*self.touched, *near}, key=str)
        found: list[float] = []
        for start in range(0, len(waiting), BATCH // 10):
            with self.runtime.worker.open(service("command"), write=True) as session:
                part = waiting[start : start + BATCH // 10]
                found += list(_assess(session, self.runtime.clock.now(), part))
                session.commit()
            self.progress("Scores", min(start + BATCH // 10, len(waiting)), len(waiting))
        if self.created:
            click.echo(f"{self.created:,} places were not known and have been created: watched and scored.")
        _tell_countries(self.countries)
        if found:
            click.echo(f"{len(found):,} places scored, now from {min(found):.1%} to {max(found):.1%}.")

    def tell(self) -> None:
        """List and keep the warnings of the whole imported history."""
        if not self.new:
            return
        now = self.runtime.clock.now()
        with self.runtime.worker.open(service("command"), write=True) as session:
            warned = past_warnings.rises(
                past_warnings.history_of(session),
                now,
                lambda done, total: self.progress("Weeks replayed", done, total),
            )
            past_warnings.keep(session, warned)
            session.commit()
        for line in in_words(warned):
            click.echo(line)


def _assess(session: Session, now: datetime, place_ids: list[UUID]) -> Iterator[float]:
    for place in session.scalars(select(Locality).where(Locality.id.in_(place_ids)).order_by(Locality.code)):
        yield assessing.assess(session, now, place).p28


def in_words(warned: list[Warned]) -> Iterator[str]:
    """The newest warnings of a history, each with its reasons."""
    if not warned:
        yield "This history holds no rise of a level to 3 or more."
        return
    shown = f", the newest {TOLD} of them" if len(warned) > TOLD else ""
    yield f"Rises of a level to 3 or more in this history: {len(warned):,}{shown} (kept as closed alerts; nobody was told):"
    for one in warned[:TOLD]:
        yield f"  {one.at[:10]}  {one.locality}  level {one.level}"
        yield from (f"      {reason}" for reason in one.reasons)


def _rejected(
    path: Path, header: tuple[str, ...], rejected: list[tuple[tuple[str, ...], str]], read: int
) -> str:
    """Write the rows that were not used and say so; Problem where none could be used."""
    target = csv_files.write_rejected(path, header, rejected)
    if target is None:
        return "0 rejected"
    if len(rejected) == read:
        raise Problem(
            f"No row of {path.name} could be used. The first reason: {rejected[0][1]}",
            f"Each row with its reason is in {target}.",
        )
    return f"{len(rejected):,} rejected (see {target})"


def _tell_countries(countries: list[str]) -> None:
    if countries:
        click.echo(
            f"New countries: {', '.join(countries)}. Check their time zone, languages and emergency number."
        )
