"""`concord replay`: history run through scoring and rules as it would have happened, from files and without a database."""

from __future__ import annotations

import csv
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from alerts.risk import replay
from alerts.risk.replay import Profile, Reading, Rejected, ReplayResult
from alerts.risk.replay_detectors import write_detectors
from committees.intake import csv_files
from coordination.commands import Progress
from foundation.errors import Problem

IN = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)
DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("replay")
@click.option(
    "--incidents",
    "first",
    multiple=True,
    required=True,
    type=IN,
    help="CSV or CSV.gz; more files may follow.",
)
@click.argument("more", nargs=-1, type=IN)
@click.option("--neighbours", required=True, type=IN, help="CSV with locality,neighbour.")
@click.option("--from", "start", required=True, type=DAY, help="First day of the range.")
@click.option("--to", "end", required=True, type=DAY, help="Last day of the range.")
@click.option(
    "--out", required=True, type=OUT, help="Where the scores go: locality,week,score,level (.csv or .csv.gz)."
)
@click.option(
    "--profile",
    type=IN,
    help="YAML or JSON with coefficients, boundaries, multipliers. Default: the starter profile.",
)
@click.option("--surge", type=OUT, help="Where the surge probability goes.")
@click.option("--alerts", type=OUT, help="Where each warning goes, with its reasons.")
@click.option(
    "--detectors",
    type=OUT,
    help="Where the detectors' report goes: locality,week,detector,observed,bound,alarm.",
)
@click.option(
    "--calibrate",
    is_flag=True,
    help="Apply each country's local calibration (kappa) as it was known at the time.",
)
def replay_command(
    first: tuple[Path, ...],
    more: tuple[Path, ...],
    neighbours: Path,
    start: datetime,
    end: datetime,
    out: Path,
    profile: Path | None,
    surge: Path | None,
    alerts: Path | None,
    detectors: Path | None,
    calibrate: bool,
) -> None:
    """Score every place for every week from --from to --to from what was known before each week's end."""
    paths = [*first, *more]
    with readable(*paths, neighbours, *([profile] if profile else [])):
        reading = replay.read_incidents(paths)
        near = replay.read_neighbours(neighbours)
        chosen = replay.read_profile(profile) if profile else Profile()
    kept = keep_rejected(paths, reading)
    if not reading.incidents and reading.rejected:
        raise Problem(
            f"No row could be used. The first reason: {reading.rejected[0].reason}",
            f"Each row with its reason is in {kept[0]}.",
        )
    progress = Progress()
    result = replay.replay(
        reading.incidents,
        near,
        start.date(),
        end.date(),
        chosen,
        calibrate=calibrate,
        with_surge=surge is not None or detectors is not None,
        with_warnings=alerts is not None,
        progress=lambda done, total: progress("Weeks", done, total),
    )
    for path, write in (
        (out, replay.write_scores),
        (surge, replay.write_surge),
        (alerts, replay.write_warnings),
        (detectors, lambda made, path: write_detectors(made, reading.incidents, chosen, path)),
    ):
        if path:
            _write(write, result, path)
    click.echo(summary(reading, result, kept, out))


@contextmanager
def readable(*paths: Path) -> Iterator[None]:
    """Whatever keeps one of these files from being read becomes a Problem in words."""
    try:
        yield
    except (EOFError, zlib.error):
        raise Problem(
            "One of the packed files is damaged.", f"Download or pack it again: {_names(paths)}."
        ) from None
    except csv.Error as error:
        raise Problem(
            f"One of the files is not CSV: {error}.", f"Save it as CSV in UTF-8: {_names(paths)}."
        ) from None
    except OSError as error:
        name = error.filename or _names(paths)
        raise Problem(
            f"{name} cannot be read: {error.strerror or error}.", "Check the file and who may read it."
        ) from None


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths)


def keep_rejected(paths: Sequence[Path], reading: Reading) -> list[Path]:
    """Write the rows that were not used to FILE.rejected.csv with their reasons; return the files written."""
    by_name: dict[str, list[Rejected]] = defaultdict(list)
    for row in reading.rejected:
        by_name[row.file].append(row)
    written = []
    for path in {path.name: path for path in paths}.values():
        if rows := by_name.get(path.name):
            with csv_files.opened(path) as text:
                header = csv_files.table(text, path.name).header
            target = csv_files.write_rejected(path, header, [(row.row, row.reason) for row in rows])
            written += [target] if target else []
    return written


def _write(write: Callable[[ReplayResult, Any], None], result: ReplayResult, path: Path) -> None:
    try:
        write(result, path)
    except OSError as error:
        raise Problem(
            f"{path} cannot be written: {error.strerror}.",
            "Choose a folder that exists and where you may write.",
        ) from None


def summary(reading: Reading, result: ReplayResult, kept: Sequence[Path], out: Path) -> str:
    """What was read and what was written, in one line."""
    seen = f" (see {', '.join(map(str, kept))})" if kept else ""
    return (
        f"{len(reading.incidents):,} incidents, {len(reading.rejected):,} rows rejected{seen}; "
        f"{len(result.localities):,} places, {len(result.weeks):,} weeks from {result.weeks[0]} to {result.weeks[-1]}; "
        f"scores from {result.scores.min():.1%} to {result.scores.max():.1%}, written to {out}."
        if result.localities
        else f"No place to score: {out} holds the first line only."
    )
