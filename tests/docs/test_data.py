"""Every datum that is shipped is in the list of sources and licences."""

import re
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = {".csv", ".dat", ".ipynb", ".json", ".mmdb", ".pcap", ".toml", ".txt"}
PLACES = ("rules", "sensor", "docs", "tests/golden/captures")


def data_files() -> list[str]:
    found = [path for place in PLACES for path in (ROOT / place).rglob("*") if path.suffix in DATA]
    relative = [path.relative_to(ROOT).as_posix() for path in found]
    # The last is made of the others when the project is built.
    made = ("sensor/core/", "sensor/_rules/", "rules/compiled.json")
    return [path for path in relative if not path.startswith(made)]


def test_every_data_file_has_its_source_and_licence() -> None:
    table = (ROOT / "docs" / "data.md").read_text()
    listed = re.findall(r"^\| `([^`]+/[^`]+)` \|.*Apache-2\.0", table, re.MULTILINE)
    files = data_files()
    assert files
    assert [path for path in files if not any(fnmatch(path, pattern) for pattern in listed)] == []
    assert [pattern for pattern in listed if not any(fnmatch(path, pattern) for path in files)] == []


def test_the_registries_data_are_those_that_are_built_in() -> None:
    manifest = (ROOT / "sensor" / "core" / "Cargo.toml").read_text()
    pinned = re.search(r'^iptocc = "=([^"]+)"', manifest, re.MULTILINE)
    assert pinned is not None
    assert f"`iptocc` {pinned[1]}" in (ROOT / "docs" / "data.md").read_text()


def test_services_name_their_source() -> None:
    lacking = [
        path.name
        for path in (ROOT / "rules" / "services").glob("*.toml")
        if "source =" not in path.read_text()
    ]
    assert lacking == []
