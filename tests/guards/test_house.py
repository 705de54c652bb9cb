"""The rules of the house that a machine can check: small files and functions, words about each module, and doors that nobody goes round."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("foundation", "committees", "alerts", "coordination")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
OTHERS = sorted(path for room in ("benchmarks", "scripts") for path in (ROOT / room).rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
# Who may ask the environment: what starts the program. Everybody else is given a Config.
READS_ENVIRONMENT = {
    "foundation/config.py",
    "coordination/app.py",
    "coordination/cli.py",
    "coordination/commands/*",
}
# The doctor looks at the database server itself, outside any session.
LOOKS_AT_SERVER = {"coordination/commands/doctoring.py"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def every(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, kinds):
                yield f"{name_of(path)}:{getattr(node, 'lineno', 0)}", node


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 80


@pytest.mark.parametrize("path", [*MODULES, *OTHERS], ids=name_of)
def test_a_module_is_small_and_says_what_lives_in_it(path: Path) -> None:
    words = path.read_text(encoding="utf-8")
    assert len(words.splitlines()) <= LONGEST_FILE
    docstring = ast.get_docstring(ast.parse(words))
    assert docstring, "no docstring"
    assert docstring.split("\n")[0].rstrip().endswith((".", ":", "?", ",")) or "\n" in docstring


def test_a_function_fits_on_a_page() -> None:
    long = [
        (where, node.name)
        for where, node in every(ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_every_public_function_and_class_says_what_it_is_for() -> None:
    silent = []
    for path in MODULES:
        for node in tree(path).body:
            if (
                isinstance(node, ast.FunctionDef | ast.ClassDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                silent.append(f"{name_of(path)}: {node.name}")
    assert silent == []


def test_only_what_starts_the_program_reads_the_environment() -> None:
    found = {
        where.partition(":")[0]
        for where, node in every(ast.Attribute)
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv")
        and ast.unparse(node.value) == "os"
    }
    assert [
        name for name in sorted(found) if not any(Path(name).match(allowed) for allowed in READS_ENVIRONMENT)
    ] == []


def test_only_the_clock_asks_for_the_time() -> None:
    asking = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now"}
    found = {where for where, node in every(ast.Attribute) if ast.unparse(node) in asking}
    assert {where.partition(":")[0] for where in found} <= {"foundation/clock.py"}


def goes_round(node: ast.Call) -> str:
    """What this call would do to the policy, or nothing."""
    called = node.func
    if isinstance(called, ast.Name):
        return {
            "text": "plain SQL",
            "Session": "a session without a principal",
            "sessionmaker": "a session without a principal",
        }.get(called.id, "")
    if not isinstance(called, ast.Attribute):
        return ""
    on_session = ast.unparse(called.value).endswith("session")
    if called.attr in ("from_statement", "exec_driver_sql"):
        return "plain SQL"
    if on_session and called.attr in (
        "merge",
        "expunge",
        "expunge_all",
        "connection",
        "refresh_all",
        "bulk_insert_mappings",
    ):
        return f"session.{called.attr}"
    return ""


def test_nobody_goes_round_the_policy() -> None:
    found = []
    for path in MODULES:
        name = name_of(path)
        if name.startswith("foundation/") or name in LOOKS_AT_SERVER:
            continue
        module = tree(path)
        # The condition of a partial index is words of the schema; no session ever sees it.
        schema = {
            id(inner)
            for call in ast.walk(module)
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "Index"
            for inner in ast.walk(call)
        }
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and id(node) not in schema and (what := goes_round(node)):
                found.append(f"{name}:{node.lineno} {what}")
            if isinstance(node, ast.Attribute) and node.attr == "__table__":
                found.append(f"{name}:{node.lineno} __table__")
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "session.merge(row)",
        "text('select 1')",
        "Session(engine)",
        "visit.session.expunge(row)",
        "self.session.connection()",
    ],
)
def test_a_way_round_would_be_noticed(line: str) -> None:
    call = ast.parse(line).body[0].value  # type: ignore[attr-defined]
    assert goes_round(call)


SIDES = re.compile(
    r"(?:margin|padding|border|inset)-(?:left|right)|(?<![\w-])(?:left|right)\s*:|(?:text-align|float|clear)\s*:\s*(?:left|right)\b"
)


def styles() -> list[Path]:
    return sorted(
        path for room in ROOMS for kind in ("*.css", "*.html") for path in (ROOT / room).rglob(kind)
    )


@pytest.mark.parametrize("path", styles(), ids=name_of)
def test_no_page_knows_left_from_right(path: Path) -> None:
    """Half of the languages run the other way: styles say start and end."""
    words = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
    assert SIDES.findall(words) == []


@pytest.mark.parametrize("rule", ["margin-left: 1px", "p { left: 0 }", "text-align:right", "float: left"])
def test_a_side_would_be_noticed(rule: str) -> None:
    assert SIDES.search(rule)


def test_nothing_on_a_page_runs_inline() -> None:
    """The content policy would stop it; better that it is not written."""
    found = []
    for path in styles():
        if path.suffix == ".html":
            words = path.read_text(encoding="utf-8")
            inline = re.search(
                r"<script(?![^>]*\bsrc=)|<style|\son\w+\s*=\s*[\"']|\sstyle\s*=|javascript:", words
            )
            if inline:
                found.append((name_of(path), inline.group(0)))
    assert found == []
