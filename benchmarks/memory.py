"""The memory of a process, as Linux counts it. Imports nothing, so that asking adds nothing. Only benchmarks use this module."""

from __future__ import annotations


def peak(process: int) -> int:
    """The peak memory of a process since it began its program, in MiB.

    Not `ru_maxrss`: that begins with what the process had that started it.
    """
    return _read(process, "VmHWM")


def now(process: int) -> int:
    """The memory of a process now, in MiB."""
    return _read(process, "VmRSS")


def _read(process: int, name: str) -> int:
    with open(f"/proc/{process}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith(name))
