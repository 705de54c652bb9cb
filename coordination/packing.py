"""The style sheet and the scripts, packed for the way: a third of the bytes on a slow line.

Pages are not packed: the size of a packed page that holds both a secret and somebody's words can give the secret away. What lies
here is the same for everybody. Only the application imports this module.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from flask import Response, request

KINDS = frozenset({".css", ".js", ".json", ".svg"})


def packed(response: Response, path: Path) -> Response:
    """The answer with a whole file, packed if the browser takes it so; any other answer as it is."""
    if path.suffix not in KINDS:
        return response
    response.vary.add("Accept-Encoding")
    if response.status_code == 200 and request.method == "GET" and request.accept_encodings.quality("gzip"):
        _close(response)
        response.direct_passthrough = False
        response.set_data(_packed(path, path.stat().st_mtime_ns))
        response.headers["Content-Encoding"] = "gzip"
        response.set_etag(response.get_etag()[0] or "", weak=True)  # the same file, in other bytes
    return response


@cache
def _packed(path: Path, _edition: int) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def _close(response: Response) -> None:
    """Close the open file that would have been sent."""
    close = getattr(response.response, "close", None)
    if close:
        close()
