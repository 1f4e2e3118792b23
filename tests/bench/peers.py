"""The programs that the sensor is compared with: how each is run, on the same files, one worker each."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from budgets import BUDGETS
from install_peers import DEBIAN, DONE
from measure import Usage, alternate, run
from parts import WATCH_ALL, Bench

HERE = Path(__file__).resolve().parent
WORKLOADS = ("small-udp", "mix", "storm-tls", "storm-quic")
ROUNDS = 5
SOFTFLOWD_FLOWS = {"mix": 8_192}
SOFTFLOWD_FLOWS_ELSEWHERE = 4_000_000
PYTHON_PEERS = {"nfstream": "nfstream", "dpkt": "loops", "scapy": "loops"}
SLOWEST = {"scapy", "dpkt", "tshark", "nfstream"}
"""Those that take minutes for a workload: they are run once, beside one run of the sensor, not five times."""


@dataclass(frozen=True)
class PeerRatio:
    """How many times the sensor's CPU a peer takes for a workload, both as whole processes."""

    workload: str
    peer: str
    value: float
    least: float | None
    cpu_s: float
    spread: float
    peak_bytes: int
    product_cpu_s: float
    product_spread: float
    product_peak_bytes: int

    @property
    def met(self) -> bool:
        """Whether the peer is as far behind as it should be, where that is asked."""
        return self.least is None or self.value >= self.least

    def as_json(self) -> dict[str, Any]:
        """All of it, for the file of results."""
        return {"part": "peer", **asdict(self), "met": self.met}


def names_of_peers() -> list[str]:
    """Every peer there may be."""
    return [*DEBIAN, *PYTHON_PEERS]


def peer_command(peer: str, root: Path, workload: str, capture: Path, scratch: Path) -> list[str] | None:
    """The command of a peer; None where it is neither installed by us nor on the machine."""
    if peer in PYTHON_PEERS:
        place = root / PYTHON_PEERS[peer]
        if not (place / DONE).exists():
            return None
        return [str(place / "bin" / "python"), str(HERE / "peer_loop.py"), peer, str(capture)]
    program = _program(peer, root / peer)
    if program is None:
        return None
    flows = SOFTFLOWD_FLOWS.get(workload, SOFTFLOWD_FLOWS_ELSEWHERE)
    words = {
        # Nobody listens at the port of discard: what it exports is made, sent and lost. With a control socket it
        # sometimes waits for somebody to connect.
        "softflowd": ["-r", capture, "-d", "-m", flows, "-n", "127.0.0.1:9",
                      "-c", "none", "-p", scratch / "pid"],
        "nfpcapd": ["-r", capture, "-w", scratch],
        "pmacctd": ["-f", scratch / "pmacctd.conf"],
        "argus": ["-r", capture, "-w", scratch / "argus.out"],
        "ndpiReader": ["-i", capture, "-q"],
        "tshark": ["-n", "-q", "-r", capture, "-z", "conv,tcp", "-z", "conv,udp"],
    }  # fmt: skip
    return [*program, *map(str, words[peer])]


def _program(peer: str, place: Path) -> list[str] | None:
    """The unpacked program with its libraries, or that of the machine."""
    for folder in ("usr/bin", "usr/sbin"):
        if (place / folder / peer).exists():
            libraries = sorted({str(file.parent) for file in place.rglob("*.so*")})
            return ["env", f"LD_LIBRARY_PATH={os.pathsep.join(libraries)}", str(place / folder / peer)]
    found = shutil.which(peer)
    return None if found is None else [found]


def _run_peer(peer: str, root: Path, workload: str, capture: Path, folder: Path) -> Usage:
    with tempfile.TemporaryDirectory(prefix="peer-", dir=folder) as made:
        scratch = Path(made)
        (scratch / "pmacctd.conf").write_text(
            f"daemonize: false\npcap_savefile: {capture}\nplugins: print\n"
            "aggregate: src_host,dst_host,src_port,dst_port,proto\n"
            "print_output: csv\nprint_output_file: /dev/null\nprint_cache_entries: 131101\n"
        )
        command = peer_command(peer, root, workload, capture, scratch)
        assert command is not None, peer
        return run(command)


def missing_peers(root: Path) -> list[str]:
    """Those that cannot be run here."""
    nowhere = Path("/nonexistent")
    return [peer for peer in names_of_peers() if peer_command(peer, root, "mix", nowhere, nowhere) is None]


def peers(bench: Bench) -> list[PeerRatio]:
    """Every peer there is on every workload that has one to compare, taking turns with the sensor."""
    root = bench.peers
    absent = missing_peers(root)
    there = [peer for peer in names_of_peers() if peer not in absent]
    results = []
    for workload in WORKLOADS:
        capture = bench.cache.workload(workload)
        product = partial(bench.replay, capture, "--workers", "1", *WATCH_ALL)
        for slow in (False, True):
            names = [peer for peer in there if (peer in SLOWEST) is slow]
            commands: list[Callable[[], Usage]] = [
                partial(_run_peer, peer, root, workload, capture, bench.cache.folder) for peer in names
            ]
            if not names:
                continue
            rounds = 1 if slow else ROUNDS
            ours, *others = alternate(product, *commands, least=rounds, most=rounds, warm_up=not slow)
            for peer, other in zip(names, others, strict=True):
                results.append(
                    PeerRatio(
                        workload, peer, other.cpu_s / ours.cpu_s, BUDGETS[workload].peers.get(peer),
                        other.cpu_s, other.spread, int(other.peak_bytes),
                        ours.cpu_s, ours.spread, int(ours.peak_bytes),
                    )
                )  # fmt: skip
    return results
