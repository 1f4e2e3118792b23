"""What is installed works without the checkout, and has the rules inside."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.long


def call(*command: str | Path, cwd: Path) -> str:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_built_package_works_elsewhere(tmp_path: Path, kind: str) -> None:
    maturin = Path(sys.executable).parent / "maturin"
    words = ["build", "--release"] if kind == "wheel" else ["sdist"]
    call(maturin, *words, "--out", tmp_path / "dist", cwd=ROOT)
    (package,) = (tmp_path / "dist").iterdir()
    call(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    binaries = tmp_path / "venv" / "bin"
    call(binaries / "pip", "install", "--quiet", package, cwd=tmp_path)
    assert call(binaries / "blocktap", "--version", cwd=tmp_path).startswith("blocktap ")
    script = "import sensor, pathlib; print(pathlib.Path(sensor.__file__).parent)"
    installed = Path(call(binaries / "python", "-c", script, cwd=tmp_path).strip())
    assert tmp_path in installed.parents
    rules = {path.relative_to(ROOT / "rules") for path in (ROOT / "rules").rglob("*") if path.is_file()}
    inside = {
        path.relative_to(installed / "_rules") for path in (installed / "_rules").rglob("*") if path.is_file()
    }
    assert inside == rules
    call(binaries / "python", "-c", "import sensor._core", cwd=tmp_path)
