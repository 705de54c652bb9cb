"""What a person can be told went wrong is marked for translation where it is raised, and no sentence is put together from pieces.

A page translates a problem when it shows it; that finds nothing unless the words stand in the catalogues.
"""

import ast
from pathlib import Path

from scripts import words

ROOT = Path(__file__).parents[2]
PROBLEMS = {"Problem", "Invalid", "NotFound", "NotAllowed", "Conflict", "SignInNeeded", "TooMany"}
#: Whose problems only programs, operators and those who bring files read: the API, the commands, seeds, imports.
FOR_PROGRAMS = (
    "coordination/api/", "coordination/commands/", "coordination/seed", "coordination/cap_intake.py",
    "committees/intake/", "alerts/risk/", "alerts/channels/apprise.py", "alerts/channels/mail_server.py",
    "alerts/channel_checks.py",
)  # fmt: skip
#: What no page can bring about, only a program that makes its own ids or documents, or an installation without a seed.
ONLY_PROGRAMS = {
    "This id belongs to something else.", "Make a new id and send it once more.",
    "This id belongs to another version.", "Make a new id for a new version.",
    "This id belongs to another try.", "Make a new id and ask once more.",
    "A place in this file has no report numbers left.",
    "Report numbers are a letter and four digits per town: import into smaller places.",
    "A roster names only persons who hold the office.",
    "Give them the office first; the roster then says who of them is on duty.",
    "Name at least one holder of the office.", "Dates are 2026-11-30, times 18:00.",
    "There is no committee yet.", "Load a seed file first.",
}  # fmt: skip
#: Layers of a roster come by the API and by seed files only.
LAYERS = "committees/rosters.py"


def test_every_problem_has_its_words_in_the_catalogues() -> None:
    known = {part for m in words.gathered() for part in ([m.id] if isinstance(m.id, str) else m.id)}
    missing, pieced = [], []
    for room in words.ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            place = str(path.relative_to(ROOT))
            if place.startswith(FOR_PROGRAMS):
                continue
            for text in said(path.read_text(encoding="utf-8")):
                if isinstance(text, ast.JoinedStr):
                    if place != LAYERS:
                        pieced.append(f"{place}:{text.lineno}")
                elif text.value not in known | ONLY_PROGRAMS:
                    missing.append(f"{place}:{text.lineno} {text.value}")
    assert not missing, "mark them with N_(...)"
    assert not pieced, "fill the gaps with _(..., name=value)"


def said(source: str) -> list[ast.Constant | ast.JoinedStr]:
    """The literal words of every problem that a module makes; the name of a field is none."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (name := getattr(node.func, "id", "")) in PROBLEMS:
            found += node.args[1:] if name == "Invalid" else node.args
            found += [word.value for word in node.keywords]
        elif isinstance(node, ast.Assign) and _is_of_a_field(node.targets[0]):
            found.append(node.value)
    return [one for one in found if isinstance(one, ast.JoinedStr) or _is_text(one)]  # type: ignore[misc]


def _is_of_a_field(target: ast.expr) -> bool:
    """Whether this is what is wrong with one field, kept until all of them are told: wrong["reason"] = ..."""
    return isinstance(target, ast.Subscript) and getattr(target.value, "id", "") in ("wrong", "errors")


def _is_text(one: ast.expr) -> bool:
    return isinstance(one, ast.Constant) and isinstance(one.value, str) and bool(one.value)


def test_words_without_a_mark_are_seen() -> None:
    plain = 'raise Invalid("to", "Choose one", f"Not {to}")\nwrong["to"] = "Choose it"\nraise Conflict(N_("Over"))'
    assert {ast.unparse(one) for one in said(plain)} == {"'Choose one'", "f'Not {to}'", "'Choose it'"}
