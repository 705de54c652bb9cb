"""Gather every string that a person reads into the catalogues foundation/web/translations/*.po; keep what is translated.

Run as `python scripts/words.py`; with --check it writes nothing and fails where a catalogue is behind the sources. Strings stand in
Python (`_`, `N_`, `gettext`, `ngettext`), in templates, and as labels in the catalogues of incident types and of the starter profile.
"""

import sys
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import yaml
from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "foundation" / "web" / "translations"
LANGUAGES = ("bn", "dv", "hi", "si", "ta", "ur")
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
ROOMS = ("foundation", "committees", "alerts", "coordination")
#: As coordination/app.py reads templates; one that cannot be read is told, or none of its words would be found.
TEMPLATES = {"extensions": "jinja2.ext.do", "silent": "false"}


def gathered() -> Catalog:
    """A template catalogue of every string, with the files where it stands."""
    catalogue = Catalog(
        project="Concord", version="1", copyright_holder="the founders of Concord", fuzzy=False
    )
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            place = str(path.relative_to(ROOT))
            if path.suffix == ".py":
                _take(catalogue, place, extract("python", BytesIO(path.read_bytes()), KEYWORDS))
            elif path.suffix == ".html":
                _take(
                    catalogue,
                    place,
                    extract(
                        "jinja2.ext:babel_extract", BytesIO(path.read_bytes()), KEYWORDS, options=TEMPLATES
                    ),
                )
    for place, label in labels():
        catalogue.add(label, locations=[(place, 0)])
    return catalogue


def _take(catalogue: Catalog, place: str, found: Iterator[tuple[int, object, list[str], object]]) -> None:
    for _line, message, _comments, _context in found:
        # Without line numbers, so that a catalogue changes only where words do.
        catalogue.add(message, locations=[(place, 0)])  # type: ignore[arg-type]


def labels() -> Iterator[tuple[str, str]]:
    """The labels that stand in data files, with the file."""
    kinds = tomllib.loads((ROOT / "committees" / "incident_types.toml").read_text(encoding="utf-8"))
    for kind in kinds.values():
        yield from (
            ("committees/incident_types.toml", kind[key]) for key in ("label", "ask") if kind.get(key)
        )
    profile = yaml.safe_load((ROOT / "committees" / "starter_profile.yaml").read_text(encoding="utf-8"))
    for part in ("threats", "indicators", "triggers", "rules"):
        for row in profile[part]:
            yield from (
                ("committees/starter_profile.yaml", row[key]) for key in ("label", "about") if row.get(key)
            )
    for path in sorted((ROOT / "committees" / "profile_templates").glob("*.yaml")):
        template, place = (
            yaml.safe_load(path.read_text(encoding="utf-8")),
            f"committees/profile_templates/{path.name}",
        )
        yield from ((place, template[key]) for key in ("label", "about", "left_out"))
        for row in template["headings"]:
            yield from ((place, row[key]) for key in ("heading", "hint"))


def updated(language: str) -> Catalog:
    """A language's catalogue brought up to the sources; what no source uses any more is dropped."""
    path = FOLDER / f"{language}.po"
    catalogue = Catalog(locale=language, project="Concord", version="1")
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
    catalogue.update(gathered(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def written(catalogue: Catalog) -> bytes:
    """The catalogue as a file, without dates, so that the same words give the same bytes."""
    out = BytesIO()
    write_po(out, catalogue, width=120, omit_header=False, sort_output=True, include_lineno=False)
    lines = out.getvalue().splitlines(keepends=True)
    return b"".join(
        line for line in lines if not line.startswith((b'"POT-Creation-Date', b'"PO-Revision-Date'))
    )


def missing(catalogue: Catalog) -> list[str]:
    """The strings without a translation."""
    empty = [
        m for m in catalogue if m.id and not (all(m.string) if isinstance(m.string, tuple) else m.string)
    ]
    return [str(m.id) for m in empty]


def main(check: bool) -> int:
    """Update every catalogue, or check that none is behind; say what is missing."""
    failed = 0
    for language in LANGUAGES:
        catalogue = updated(language)
        path, content = FOLDER / f"{language}.po", written(catalogue)
        empty = missing(catalogue)
        print(f"{language}: {len(catalogue)} strings, {len(empty)} without a translation")
        if check:
            behind = not path.exists() or path.read_bytes() != content
            failed += behind or bool(empty)
            for text in empty[:20]:
                print(f"  not translated: {text}")
            if behind:
                print("  the catalogue is behind the sources: run python scripts/words.py")
        else:
            path.write_bytes(content)
    return 1 if failed and check else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
