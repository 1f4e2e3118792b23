"""The demo capture is what its script writes."""

import runpy
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_script_writes_the_committed_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    script = runpy.run_path(str(HERE / "make_demo.py"))
    written = tmp_path / "demo.pcap"
    script["main"].__globals__["OUTPUT"] = written
    script["main"]()
    for name in ("demo_frames", "demo_payloads"):
        sys.modules.pop(name, None)
    assert written.read_bytes() == (HERE / "captures" / "demo.pcap").read_bytes()
