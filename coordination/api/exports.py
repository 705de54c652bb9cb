"""GET /exports/{kind}: the files of `concord export`, within the caller's rights.

Which rows, columns and tags there are is coordination/exporting.py.
"""

from __future__ import annotations

from typing import Literal

from flask import Response
from pydantic import RootModel

from coordination import exporting
from coordination.api.door import Call, endpoint
from coordination.api.schemas import Input
from foundation.errors import Invalid, NotFound

MEDIA = {"csv": "text/csv", "json": "application/json", "geojson": "application/geo+json"}


class FileOut(RootModel[str]):
    """A file: CSV with a row of HXL tags under its first line, JSON or GeoJSON."""


class ExportQuery(Input):
    """In which form."""

    format: Literal["csv", "json", "geojson"] = "csv"


@endpoint(
    "GET", "/exports/<kind>", scope="read", asks=ExportQuery, gives=FileOut, media=tuple(MEDIA.values())
)
def export(call: Call, kind: str) -> Response:
    """Export incidents, scores, alerts or evaluation, as far as the caller may see them."""
    if kind not in exporting.KINDS:
        raise NotFound
    form = call.query.format
    if form == "geojson" and not exporting.KINDS[kind].placed:
        raise Invalid("format", f"{kind} has no places to draw.", "Send format=csv or format=json.")
    rows = exporting.KINDS[kind].rows(call.session, call.principal)
    answer = Response(exporting.written(kind, form, rows), mimetype=MEDIA[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{kind}.{form}"'
    return answer
