"""The typed example, the notebook and the page on Python run as they are written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def test_the_example_is_typed(root: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "tests/api/example.py"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=root)
    assert ended.returncode == 0, ended.stdout


def test_a_wrong_word_is_a_type_error(root: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text('import sensor\nsensor.Study("store", colour="red")\nsensor.replay("x", worker=1)\n')
    command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", str(wrong)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=root)
    assert ended.stdout.count("[call-arg]") == 2, ended.stdout


def test_the_example_runs(root: Path, demo: Path, store: Path) -> None:
    command = [sys.executable, "tests/api/example.py", str(demo), str(store)]
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=root, env=_environment(root)
    )
    assert ended.returncode == 0, ended.stderr
    assert "Facebook" in ended.stdout


def test_the_notebook_runs(root: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    path = root / "docs" / "notebooks" / "first-look.ipynb"
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute(env=_environment(root))
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


def test_the_notebook_tells_nothing_of_its_machine(root: Path) -> None:
    text = (root / "docs" / "notebooks" / "first-look.ipynb").read_text()
    assert not re.search(r"/(?:tmp|home|work|root|usr)/", text)


def test_the_page_on_python_runs(
    root: Path, demo: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.pcap").write_bytes(demo.read_bytes())
    (tmp_path / "my-blocks.txt").write_text("175.45.176.0/22\n")
    (tmp_path / "store").symlink_to(store)
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", (root / "docs" / "python.md").read_text(), re.DOTALL)
    assert code
    exec(compile("\n".join(code), "python.md", "exec"), {})


def _environment(root: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
