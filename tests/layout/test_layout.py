"""The tree reads like the pipeline: small files, imports in one direction, the border in one place."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "sensor"
CRATE = PACKAGE / "core" / "src"

MOST_LINES = 500
SOURCE_SUFFIXES = {".py", ".pyi", ".rs", ".c", ".h", ".sh"}

TOP_LEVEL = {
    ".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "deploy", "docs",
    "pyproject.toml", "rules", "sensor", "tests",
}  # fmt: skip

# The way of a packet: a stage uses only those before it, and what stands outside the way.
STAGES = ["source", "decode", "watch", "flow", "name", "classify", "hosts", "tally", "batch"]
USED_BY_ALL_STAGES = {"error", "counters"}

# The way of a batch, with what each part may use besides itself.
GROUND = {"errors", "schema", "memory", "config"}
MAY_USE = {
    "errors": set(),
    "schema": {"errors"},
    "rules": {"errors", "schema"},
    "memory": {"errors"},
    "config": {"errors", "schema", "memory", "rules"},
    "community_id": {"errors"},
    "store": GROUND | {"rules", "community_id", "_core"},
    "metrics": GROUND | {"rules", "_core"},
    "interface": GROUND | {"rules"},
    "prefilter": GROUND | {"rules", "interface"},
    "capture": GROUND | {"rules", "store", "metrics", "interface", "prefilter", "_core"},
    "export": GROUND | {"rules", "store", "community_id"},
    "daemon": GROUND | {"rules", "store", "metrics", "interface", "prefilter", "capture", "export", "_core"},
    "study": GROUND | {"rules", "store"},
    "report": GROUND | {"rules", "store", "study"},
    "dataset": GROUND | {"rules", "store", "study", "report"},
    "simulate": GROUND | {"rules", "store"},
    "api": GROUND | {"rules", "store", "community_id", "capture", "study"},
}
KNOW_ALL = {"cli", "__init__", "__main__"}


def files_of_the_project() -> list[Path]:
    """Everything that is committed or would be."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).exists()]


def code(path: Path) -> str:
    """A Rust file without its line comments."""
    return re.sub(r"//.*", "", path.read_text())


def rust_files() -> list[Path]:
    return sorted(CRATE.rglob("*.rs"))


def python_files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if PACKAGE / "core" not in path.parents)


def part(path: Path, top: Path) -> str:
    """The stage or part a file belongs to: the first step below the top, without its suffix."""
    return path.relative_to(top).parts[0].split(".")[0]


def imported_parts(path: Path) -> set[str]:
    """The parts of the package that a Python file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == "sensor":
            names.update(f"sensor.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return {name.split(".")[1] for name in names if name.startswith("sensor.")} - {"__version__"}


def test_top_level_is_the_designed_one() -> None:
    assert {path.parts[0] for path in files_of_the_project()} - TOP_LEVEL == set()


def test_files_are_small() -> None:
    long = {
        str(path): lines
        for path in files_of_the_project()
        if path.parts[0] in {"sensor", "tests"} and path.suffix in SOURCE_SUFFIXES
        and (lines := len((ROOT / path).read_text().splitlines())) > MOST_LINES
    }  # fmt: skip
    assert long == {}


def test_stages_use_only_earlier_stages() -> None:
    wrong = []
    for path in rust_files():
        stage = part(path, CRATE)
        if stage not in STAGES:
            continue
        allowed = {*STAGES[: STAGES.index(stage) + 1], *USED_BY_ALL_STAGES}
        used = set(re.findall(r"\bcrate::(?:\{\s*)?(\w+)", code(path)))
        wrong += [
            f"{path.relative_to(ROOT)} uses {other}" for other in sorted(used - allowed) if other.islower()
        ]
    assert wrong == []


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_parts_use_only_earlier_parts(path: Path) -> None:
    name = part(path, PACKAGE)
    if name in KNOW_ALL:
        return
    assert name in MAY_USE, f"say in {Path(__file__).name} what sensor.{name} may use"
    assert imported_parts(path) - MAY_USE[name] - {name} == set()


def test_packages_import_absolutely() -> None:
    relative = [
        str(path.relative_to(ROOT))
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert relative == []


def test_unsafe_stands_in_the_ring_map_alone() -> None:
    found = [path.name for path in rust_files() if re.search(r"\bunsafe\b", code(path))]
    assert set(found) <= {"ring_map.rs"}


def test_the_border_to_python_stands_in_one_place() -> None:
    found = [part(path, CRATE) for path in rust_files() if re.search(r"\bpyo3\b", code(path))]
    assert {name for name in found if not name.startswith("python")} == set()


def test_rules_are_inside_the_package() -> None:
    link = PACKAGE / "_rules"
    assert not link.is_symlink() or (PACKAGE / link.readlink()).resolve() == ROOT / "rules"


def test_rules_are_where_the_packager_looks() -> None:
    rules = [path.relative_to("rules") for path in files_of_the_project() if path.parts[0] == "rules"]
    assert [str(path) for path in rules if len(path.parts) > 2 or not path.suffix] == []
