"""Columns by their HXL tags: which of Concord's own columns each tag means, whatever the column is called and wherever it stands.

HXL (Humanitarian Exchange Language, https://hxlstandard.org) writes a row of tags such as #date+occurred under the names of columns.
Pure; csv_files.py asks it.
"""

from __future__ import annotations

from collections.abc import Sequence

# Each of our columns with the tags that may mean it, the most telling first. A tag of a file fits one of these
# if it has the same word and at least these attributes: order and further attributes do not matter in HXL.
TAGS: dict[str, tuple[str, ...]] = {
    "id": ("#event+id", "#activity+id", "#meta+id"),
    "source": ("#meta+source", "#meta+src", "#contact+org"),
    "locality": ("#adm5+code", "#adm4+code", "#adm3+code", "#adm2+code", "#adm1+code", "#adm+code", "#loc+code"),
    "name": ("#adm5+name", "#adm4+name", "#adm3+name", "#adm2+name", "#adm1+name", "#adm+name", "#loc+name"),
    "country": ("#country+name", "#country"),
    "latitude": ("#geo+lat",),
    "longitude": ("#geo+lon",),
    "kind": ("#event+type", "#event+category", "#event"),
    "severity": ("#severity+num", "#severity"),
    "occurred_at": ("#date+occurred", "#date+event", "#date+start", "#date"),
    "known_at": ("#date+reported", "#date+known"),
    "grade": ("#meta+grade", "#meta+reliability"),
    "how_known": ("#meta+how_known",),
    "people": ("#affected+band", "#indicator+people"),
    "text": ("#description+text", "#description"),
}  # fmt: skip


def is_tags(row: Sequence[str]) -> bool:
    """Whether a row of a file is one of tags: nothing in it but tags and empty cells."""
    filled = [cell.strip() for cell in row if cell.strip()]
    return bool(filled) and all(cell.startswith("#") for cell in filled)


def own_columns(tags: Sequence[str]) -> list[str]:
    """For each column of a tagged file the name of ours, or nothing where none is meant; each name is given once."""
    parts = [_parts(tag) for tag in tags]
    names = [""] * len(parts)
    for name, wanted in TAGS.items():
        at = next(
            (n for want in wanted for n, has in enumerate(parts) if not names[n] and _fits(has, want)), None
        )
        if at is not None:
            names[at] = name
    return names


def _parts(tag: str) -> tuple[str, frozenset[str]]:
    word, *attributes = [part.strip() for part in tag.strip().casefold().replace(" ", "").split("+")]
    return word, frozenset(attributes)


def _fits(has: tuple[str, frozenset[str]], want: str) -> bool:
    word, attributes = _parts(want)
    return has[0] == word and attributes <= has[1]
