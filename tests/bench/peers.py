"""The programs that the sensor is compared with: how each is run, on the same files, one worker each."""

import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from budgets import BUDGETS
from install_peers import DEBIAN, DONE
from measure import CommandFailedError, Series, Usage, alternate, run
from parts import WATCH_ALL, Bench

HERE = Path(__file__).resolve().parent
WORKLOADS = ("small-udp", "mix", "storm-tls", "storm-quic")
ROUNDS = 5
SOFTFLOWD_FLOWS = {"mix": 8_192}
SOFTFLOWD_FLOWS_ELSEWHERE = 4_000_000
PYTHON_PEERS = {"nfstream": "nfstream", "dpkt": "loops", "scapy": "loops"}
QUICK_S = 5.0
"""A peer that takes longer for a workload is run once, not five times."""
PARTS_OF_WORKLOAD = {"scapy": 0.02, "dpkt": 0.1, "tshark": 0.1, "nfstream": 0.1}
"""Those that take minutes get workloads of the same kind with so many of the packets and the flows; what they took
is scaled by the packets. With fewer flows a packet costs a peer less, if anything."""
PATIENCE_S = 600.0


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
    rounds: int = ROUNDS
    part_of_workload: float = 1.0
    """What the peer was given; its CPU is that for the whole, its peak memory is not."""

    @property
    def met(self) -> bool:
        """Whether the peer is as far behind as it should be, where that is asked."""
        return self.least is None or self.value >= self.least

    def as_json(self) -> dict[str, Any]:
        """All of it, for the file of results."""
        return {"part": "peer", **asdict(self), "met": self.met}


@dataclass(frozen=True)
class PeerFailure:
    """A peer that did not come to its end."""

    workload: str
    peer: str
    why: str
    met: bool = True

    def as_json(self) -> dict[str, Any]:
        """All of it, for the file of results."""
        return {"part": "peer failed", **asdict(self)}


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
        return run(command, PATIENCE_S)


def missing_peers(root: Path) -> list[str]:
    """Those that cannot be run here."""
    nowhere = Path("/nonexistent")
    return [peer for peer in names_of_peers() if peer_command(peer, root, "mix", nowhere, nowhere) is None]


def peers(bench: Bench) -> list[PeerRatio | PeerFailure]:
    """Every peer there is on every workload that has one to compare, taking turns with the sensor."""
    absent = missing_peers(bench.peers)
    there = [peer for peer in names_of_peers() if peer not in absent]
    return [result for workload in WORKLOADS for result in _peers_on(bench, workload, there)]


def _peers_on(bench: Bench, workload: str, there: list[str]) -> list[PeerRatio | PeerFailure]:
    once: dict[str, Usage] = {}
    failures = []
    for peer in there:
        try:
            once[peer] = _one_run(bench, peer, workload)
        except CommandFailedError as error:
            print(f"{peer} on {workload}: {error}", file=sys.stderr)
            failures.append(PeerFailure(workload, peer, str(error).splitlines()[-1]))
    quick = [peer for peer, usage in once.items() if peer not in PARTS_OF_WORKLOAD and usage.cpu_s < QUICK_S]
    # The one run has warmed the caches.
    ours, *others = alternate(
        partial(bench.replay, bench.cache.workload(workload), "--workers", "1", *WATCH_ALL),
        *(partial(_one_run, bench, peer, workload) for peer in quick),
        least=ROUNDS, most=ROUNDS, warm_up=False,
    )  # fmt: skip
    series = {peer: Series([usage]) for peer, usage in once.items()} | dict(zip(quick, others, strict=True))
    least = BUDGETS[workload].peers
    return failures + [
        PeerRatio(
            workload, peer, other.cpu_s / ours.cpu_s, least.get(peer), other.cpu_s, other.spread,
            int(other.peak_bytes), ours.cpu_s, ours.spread, int(ours.peak_bytes),
            len(other.runs), PARTS_OF_WORKLOAD.get(peer, 1.0),
        )
        for peer, other in series.items()
    ]  # fmt: skip


def _one_run(bench: Bench, peer: str, workload: str) -> Usage:
    """One run of a peer, as if on the whole workload."""
    whole = bench.cache.workload(workload)
    if peer not in PARTS_OF_WORKLOAD:
        return _run_peer(peer, bench.peers, workload, whole, bench.cache.folder)
    part = bench.cache.part(PARTS_OF_WORKLOAD[peer]).workload(workload)
    usage = _run_peer(peer, bench.peers, workload, part, bench.cache.folder)
    packets, of_them = (
        json.loads(bench.floor("flow", capture).output)["packets"] for capture in (whole, part)
    )
    return replace(usage, cpu_s=usage.cpu_s * packets / of_them)
