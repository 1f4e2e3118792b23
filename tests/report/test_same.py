"""The same store gives the same bytes, whatever the machine is set to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("word", ["-o", "--markdown", "--json"])
def test_same_bytes(model_store: Path, tmp_path: Path, root: Path, word: str) -> None:
    written = []
    for seed, zone, language in (("0", "UTC", "C.UTF-8"), ("4711", "Pacific/Chatham", "C")):
        path = tmp_path / f"report-{seed}"
        subprocess.run(
            [sys.executable, "-m", "sensor", "report", "--store", str(model_store), "--timezone", "Asia/Pyongyang",
             word, str(path)],
            check=True, capture_output=True, cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language},
        )  # fmt: skip
        written.append(path.read_bytes())
    assert written[0] == written[1]
    assert len(written[0]) > 10_000
