"""What travels packed: the style sheet and the scripts, and pages, a quarter of the bytes on a slow line.

The size of a packed page that holds both a secret and somebody's words can give the secret away, to whoever listens on the way and can make
a browser ask again and again. So a page is packed only where no other site made the browser ask for it, and to its length some letters are
added that nobody can foretell. Only the application imports this module.
"""

from __future__ import annotations

import gzip
import io
import re
import secrets
from functools import cache
from pathlib import Path

from flask import Response, request

#: Only where a line begins: never inside a text.
_COMMENT, _INDENT = re.compile(r"^[ ]*(?:/\*.*?\*/|//[^\n]*)\n", re.S | re.M), re.compile(r"^ +", re.M)
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


def packed_page(response: Response) -> Response:
    """The answer, if it is a page, packed for a browser that takes it so and was not sent here by another site."""
    if response.mimetype != "text/html" or response.is_streamed or request.method == "HEAD":
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") and _asked_by_the_person():
        response.set_data(_with_a_random_length(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _asked_by_the_person() -> bool:
    """Whether a browser says that no other site asked for this page, or is nobody's: then nothing in it is theirs alone."""
    return request.headers.get("Sec-Fetch-Site") in ("same-origin", "none") or not request.cookies


def _with_a_random_length(page: bytes) -> bytes:
    """Pack; the name of a file, which the form of gzip carries and nobody reads, is of a random length."""
    out = io.BytesIO()
    name = secrets.token_urlsafe(75)[: 1 + secrets.randbelow(100)]
    with gzip.GzipFile(filename=name, mode="wb", compresslevel=6, fileobj=out, mtime=0) as small:
        small.write(page)
    return out.getvalue()


def lean(script: str) -> str:
    """A script without its comments and the spaces before its lines: a tenth less on every slow line, and nothing that it does."""
    return _INDENT.sub("", _COMMENT.sub("", script)).replace("\n\n", "\n")


@cache
def _packed(path: Path, _edition: int) -> bytes:
    whole = path.read_text(encoding="utf-8")
    return gzip.compress((lean(whole) if path.suffix == ".js" else whole).encode(), 9, mtime=0)


def _close(response: Response) -> None:
    """Close the open file that would have been sent."""
    close = getattr(response.response, "close", None)
    if close:
        close()
