"""Measures the promises of speed: ``python -m benchmarks [--data DIR] [--only NAME ...] [--quick]``.

Prints one table per benchmark, each figure beside its peer of the same run. It judges nothing but the ratios
that are promised; a noisy machine gives noisy figures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.installation import ENGINES
from benchmarks.tables import Table, show


def _latency(engines: tuple[str, ...], quick: bool) -> Table:
    from benchmarks import latency

    return latency.table(engines, quick)


def _intake(engines: tuple[str, ...], quick: bool) -> Table:
    from benchmarks import intake

    return intake.table(engines, quick)


def _scoring_cost(engines: tuple[str, ...], quick: bool) -> Table:
    from benchmarks import scoring_cost

    return scoring_cost.table(engines, quick)


def _rescoring(engines: tuple[str, ...], quick: bool) -> Table:
    from benchmarks import rescoring

    return rescoring.table(engines, quick)


def _sending(engines: tuple[str, ...], quick: bool) -> Table:
    from benchmarks import sending

    return sending.table(engines, quick)


def _processes(engines: tuple[str, ...], quick: bool) -> Table:
    from benchmarks import processes

    return processes.table(engines, quick)


def _pages(engines: tuple[str, ...], quick: bool) -> Table:
    from benchmarks import pages

    return pages.table(engines, quick)


BENCHMARKS: dict[str, Callable[[tuple[str, ...], bool], Table]] = {
    "latency": _latency,
    "intake": _intake,
    "scoring_cost": _scoring_cost,
    "rescoring": _rescoring,
    "sending": _sending,
    "processes": _processes,
    "pages": _pages,
}

WITH_DATA = ("replay_speed", "accuracy")
"""What reads the event files of --data, and is left out without them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 unless the accuracy targets were checked and missed."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["faults"]:
        from benchmarks import faults

        return faults.main(given[1:])
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the promises of speed (faults: what goes wrong, and what it costs).",
    )
    parser.add_argument("--data", type=Path, help="folder of event files: measure replay and accuracy too")
    parser.add_argument("--only", nargs="+", choices=[*BENCHMARKS, *WITH_DATA], help="run only these")
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=list(ENGINES), help="only on these")
    parser.add_argument("--quick", action="store_true", help="short forms, for a look rather than a record")
    options = parser.parse_args(given)
    wanted = options.only or [*BENCHMARKS, *(WITH_DATA if options.data else [])]
    if set(wanted) & set(WITH_DATA) and (options.data is None or not options.data.is_dir()):
        parser.error(f"{' and '.join(WITH_DATA)} need --data with a folder of event files.")
    for name in wanted:
        if name in BENCHMARKS:
            print(show(BENCHMARKS[name](tuple(options.engine), options.quick)), flush=True)
    if "replay_speed" in wanted:
        from benchmarks import replay_speed

        print(show(replay_speed.table(options.data, options.quick)), flush=True)
    if "accuracy" not in wanted:
        return 0
    from benchmarks.accuracy import report

    return 0 if report(options.data) else 1


if __name__ == "__main__":
    sys.exit(main())
