"""Somebody who has nothing but the package and a data set: a new environment, no store, no checkout."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


@pytest.mark.long
def test_a_data_set_of_the_model_holds_in_a_fresh_environment(tmp_path: Path, root: Path) -> None:
    """Export the model scenario here, check it there."""
    here = [sys.executable, "-m", "sensor"]
    store, dataset = tmp_path / "store", tmp_path / "dataset"
    run([*here, "simulate", "model-2017", "--store", str(store), "--flows", "200000"], root)
    run([*here, "dataset", "export", "--store", str(store), "-o", str(dataset)], root)
    shutil.rmtree(store)
    run([sys.executable, "-m", "venv", str(tmp_path / "fresh")], tmp_path)
    python = tmp_path / "fresh" / "bin" / "python"
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    run([str(python), "-m", "pip", "install", "-q", *project["dependencies"]], tmp_path)
    # What a wheel would have put there; building one takes a compiler and minutes.
    site = next((tmp_path / "fresh" / "lib").glob("python3*/site-packages"))
    left_out = shutil.ignore_patterns("core", "__pycache__", "target")
    shutil.copytree(root / "sensor", site / "sensor", ignore=left_out)
    there = [str(python), "-m", "sensor"]
    run([*there, "dataset", "verify", str(dataset)], tmp_path)
    run([*there, "report", "--dataset", str(dataset), "-o", str(tmp_path / "page.html")], tmp_path)
    data = dataset / "data" / "use.parquet"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    ended = subprocess.run([*there, "dataset", "verify", str(dataset)], cwd=tmp_path, check=False)
    assert ended.returncode == 1


def run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True)
