"""Places and their neighbours from files: a gazetteer as GeoJSON or CSV, and an adjacency list as CSV. A repeat changes nothing.

Gazetteer columns (or GeoJSON properties): code (or locality), name, name_LANGUAGE, parent, level, country, lat, lon, zone, number, watched,
scored, code_SCHEME. Adjacency columns: locality, neighbour, weight. A place that is stored keeps what it has; parents may stand
anywhere in the file. The command that calls this commits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from committees.intake import csv_files
from committees.intake.csv_files import Fields, Where
from committees.intake.foreign_places import LEVEL, ForeignPlaces
from committees.places import Locality, LocalityCode, Neighbour
from foundation.errors import Problem

CODES, LATITUDES, LONGITUDES = ("code", "locality", "pcode"), ("lat", "latitude"), ("lon", "lng", "longitude")
YES, NO = ("1", "true", "yes", "y"), ("0", "false", "no", "n")
Ring = list[list[float]]


@dataclass
class Imported:
    """What a file of places brought: rows read, new places or links, repeats, and (row, reason) of those refused."""

    what: str
    header: tuple[str, ...] = ()
    read: int = 0
    new: int = 0
    repeated: int = 0
    rejected: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """One place to be: its cells, its outline, and the row as it stood in the file."""

    fields: Fields
    raw: tuple[str, ...]
    area: dict[str, Any] | None = None


def read(session: Session, path: Path) -> Imported:
    """Import the places or the neighbours of a file, whichever it holds."""
    if path.suffix.casefold() in (".geojson", ".json"):
        header, rows = _geojson(path)
        return _places(session, Imported("places", header), rows)
    with csv_files.opened(path) as text:
        found = csv_files.table(text, path.name)
        header_row = found.header
        cells = [
            ({n: c.strip() for n, c in zip(header_row, row, strict=False)}, tuple(row))
            for _, row in found.rows
        ]
    if {"locality", "neighbour"} <= set(header_row):
        return _neighbours(session, Imported("neighbour links", tuple(header_row)), cells)
    if not set(CODES) & set(header_row):
        raise Problem(
            f"{path.name} has no column code.",
            "A gazetteer begins with: code,name,parent,level,lat,lon. Neighbours begin with: locality,neighbour.",
        )
    return _places(
        session, Imported("places", tuple(header_row)), [Row(fields, raw) for fields, raw in cells]
    )


# ---------------------------------------------------------------------------------------------- places


def _places(session: Session, result: Imported, rows: Sequence[Row]) -> Imported:
    found = ForeignPlaces(session)
    result.read, waiting = len(rows), list(rows)
    while waiting:
        # A parent may stand below its children: go round as long as something moves.
        later = [row for row in waiting if not _place(found, result, row)]
        if len(later) == len(waiting):
            result.rejected += [
                (row.raw, f"There is no place with the code {row.fields['parent']}: its parent is missing.")
                for row in later
            ]
            break
        waiting = later
    result.new, result.countries = len(found.made), found.countries
    return result


def _place(found: ForeignPlaces, result: Imported, row: Row) -> bool:
    """Import one place; False where it must wait for its parent."""
    fields = row.fields
    code, parent_code = _first(fields, CODES), fields.get("parent", "")
    parent = found.known(parent_code) if parent_code else None
    if parent_code and parent is None:
        return False
    try:
        if not code:
            raise ValueError("code is empty.")
        place = found.known(code)
        if place is not None:
            result.repeated += 1
        else:
            place = _make(found, code, parent, row)
        _other_codes(found.session, place, fields)
    except ValueError as error:
        result.rejected.append((row.raw, str(error)))
    return True


def _make(found: ForeignPlaces, code: str, parent: Locality | None, row: Row) -> Locality:
    fields, level = row.fields, row.fields.get("level") or LEVEL
    latitude = csv_files.degrees("lat", _first(fields, LATITUDES), 90)
    longitude = csv_files.degrees("lon", _first(fields, LONGITUDES), 180)
    country = fields.get("country") or (code if level == "country" else code.partition("-")[0])
    zone = fields.get("zone") or None
    if zone and zone not in available_timezones():
        raise ValueError(f"zone must be an IANA name such as Asia/Karachi, not {zone!r}.")
    names = {
        name.removeprefix("name_"): text for name, text in fields.items() if name.startswith("name_") and text
    }
    if fields.get("name"):
        names = {"en": fields["name"], **names}
    return found.make(
        Where(code, country=country, latitude=latitude, longitude=longitude),
        parent=parent,
        names=names,
        level=level,
        zone=zone,
        number=fields.get("number") or None,
        area=row.area,
        watched=_yes("watched", fields.get("watched", ""), level != "country"),
        scored=_yes("scored", fields.get("scored", ""), True),
    )


def _other_codes(session: Session, place: Locality, fields: Fields) -> None:
    for name, code in fields.items():
        scheme = name.removeprefix("code_")
        if name.startswith("code_") and code and session.get(LocalityCode, (scheme, code)) is None:
            session.add(LocalityCode(scheme=scheme, code=code, locality_id=place.id))
    session.flush()


def _first(fields: Fields, names: Sequence[str]) -> str:
    return next((fields[name] for name in names if fields.get(name)), "")


def _yes(column: str, text: str, otherwise: bool) -> bool:
    if not text:
        return otherwise
    if text.casefold() not in YES + NO:
        raise ValueError(f"{column} must be yes or no, not {text!r}.")
    return text.casefold() in YES


# ------------------------------------------------------------------------------------------ neighbours


def _neighbours(
    session: Session, result: Imported, cells: Sequence[tuple[Fields, tuple[str, ...]]]
) -> Imported:
    found = ForeignPlaces(session)
    for fields, raw in cells:
        result.read += 1
        try:
            if not fields.get("neighbour"):
                continue  # A place that has no neighbour may say so.
            csv_files.needed(fields, "locality")
            one, other = _stored(found, fields["locality"]), _stored(found, fields["neighbour"])
            weight = float(fields.get("weight") or 1)
            if one.id == other.id or not 0 < weight < 1_000_000:
                raise ValueError("A place is no neighbour of itself, and a weight is above 0.")
        except ValueError as error:
            result.rejected.append((raw, str(error)))
            continue
        if session.get(Neighbour, (one.id, other.id)):
            result.repeated += 1
            continue
        session.add(Neighbour(locality_id=one.id, neighbour_id=other.id, weight=weight))
        result.new += 1
    session.flush()
    return result


def _stored(found: ForeignPlaces, code: str) -> Locality:
    place = found.known(code)
    if place is None:
        raise ValueError(f"There is no place with the code {code}. Import its place or its incidents first.")
    return place


# --------------------------------------------------------------------------------------------- GeoJSON


def _geojson(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    try:
        with csv_files.opened(path) as text:
            document = json.load(text)
        features = document["features"]
        rows = list(_features(features))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Problem(
            f"{path.name} is not a GeoJSON FeatureCollection.",
            "Export the places as GeoJSON, in degrees (WGS 84).",
        ) from None
    header = tuple(dict.fromkeys(name for row in rows for name in row.fields))
    return header, [
        Row(row.fields, tuple(row.fields.get(name, "") for name in header), row.area) for row in rows
    ]


def _features(features: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for feature in features:
        given = dict(feature.get("properties") or {})
        fields = {str(name).casefold(): "" if value is None else str(value) for name, value in given.items()}
        if not _first(fields, CODES):
            fields["code"] = str(feature.get("id") or "")
        geometry = feature.get("geometry") or {}
        rings = _rings(geometry)
        points = rings[0] if rings else [geometry["coordinates"]] if geometry.get("type") == "Point" else []
        if points and not _first(fields, LATITUDES):
            fields["lon"] = f"{sum(float(p[0]) for p in points) / len(points):.6f}"
            fields["lat"] = f"{sum(float(p[1]) for p in points) / len(points):.6f}"
        yield Row(fields, (), {"rings": rings} if rings else None)


def _rings(geometry: Mapping[str, Any]) -> list[Ring]:
    """The outer rings of a polygon or of several, the longest first."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates") or []
    polygons = [coordinates] if kind == "Polygon" else coordinates if kind == "MultiPolygon" else []
    rings = [[[float(p[0]), float(p[1])] for p in polygon[0]] for polygon in polygons]
    return sorted(rings, key=len, reverse=True)
