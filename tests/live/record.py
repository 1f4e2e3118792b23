"""Records clients at the tap, each into a capture of its own, for ``tests/golden/captures``.

Run as root: ``python -m tests.live.record FOLDER [CLIENT...]``. Another run differs in times, ports and random
numbers only.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.live.clients import CLIENTS, stage
from tests.live.tap import TAP, Recorder, tap

RECORDED = ("openssl-tls", "openvpn-udp", "openvpn-tcp", "wireguard", "chromium")
"""The others are recorded by ``tests/golden/record.sh``."""


def record(folder: Path, names: tuple[str, ...]) -> None:
    """Write ``recorded-NAME.pcap`` for each client."""
    for name in names:
        # A tap of its own: nothing of the client before comes late.
        with tempfile.TemporaryDirectory() as work, tap() as made, stage(made, Path(work)) as where:
            recorder = Recorder(made.sensor, TAP, Path(work) / "recorded.pcap", "ip")
            CLIENTS[name].act(where)
            time.sleep(0.5)
            packets = recorder.stop()
            target = folder / f"recorded-{name}.pcap"
            target.write_bytes(recorder.path.read_bytes())
            print(f"{target}: {packets} packets, {target.stat().st_size} bytes")


if __name__ == "__main__":
    record(Path(sys.argv[1]), tuple(sys.argv[2:]) or RECORDED)
