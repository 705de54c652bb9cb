"""Little memory for a process with many threads: asked of the C library once, before the first of them begins.

What lives here: the asking. How much a process holds is measured by the benchmark `processes`. The commands that start a process call it.
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # <malloc.h>


def hold_little() -> None:
    """Let all threads share one heap of the C library.

    Otherwise glibc makes eight heaps for each core, and what one of them has given back no other uses: 15 to 25 MiB of a sender.
    Python's lock lets one thread work at a time anyway. Where the C library is another one nothing changes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
