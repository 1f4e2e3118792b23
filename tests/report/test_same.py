"""The same store gives the same bytes, whatever the machine is set to."""

import os
import subprocess
import sys
from pathlib import Path


def test_same_bytes(model_store: Path, tmp_path: Path, root: Path) -> None:
    written = []
    for seed, zone, language in (("0", "UTC", "C.UTF-8"), ("4711", "Pacific/Chatham", "C")):
        files = [tmp_path / f"{seed}.{ending}" for ending in ("html", "json", "md")]
        subprocess.run(
            [sys.executable, "-m", "sensor", "report", "--store", str(model_store), "--timezone", "Asia/Pyongyang",
             "-o", str(files[0]), "--json", str(files[1]), "--markdown", str(files[2])],
            check=True, capture_output=True, cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language},
        )  # fmt: skip
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
    assert all(len(text) > 10_000 for text in written[0])
