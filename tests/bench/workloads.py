"""The files that the benchmark works on, made once into a cache: programs, captures, lists of prefixes."""

import json
import random
import struct
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHARED_CAPTURES = ROOT.parent / "shared" / "captures"
OWN_CAPTURES = ROOT / "tests" / "golden" / "captures"

BASELINE_PACKETS = 10
MIX_PACKETS = 6_000_000
MIX_WINDOW_S = 600
WATCHED_PREFIXES = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]


@dataclass(frozen=True)
class Cache:
    """A folder of files that are made when they are not there; `scale` shrinks the workloads, for trials."""

    folder: Path
    scale: float = 1.0

    def part(self, share: float) -> "Cache":
        """The same with smaller workloads: so much of their packets and of their flows."""
        return replace(self, scale=self.scale * share)

    def program(self, name: str) -> Path:
        """A program compiled from its source beside this file, as fast as this machine runs it."""
        source, target = HERE / f"{name}.c", self.folder / name
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            self.folder.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cc", "-O3", "-march=native", "-o", target, source], check=True)
        return target

    def workload(self, name: str) -> Path:
        """The capture of a workload."""
        target = self.folder / (f"{name}.pcap" if self.scale == 1 else f"{name}-{self.scale}.pcap")
        if not target.exists():
            print(f"making {target}", file=sys.stderr)
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_suffix(".part")
            self._mix(unfinished) if name == "mix" else self._synthetic(name, unfinished)
            unfinished.rename(target)
        return target

    def baseline(self, name: str) -> Path:
        """The first packets of a workload: a replay of them costs what any replay costs."""
        target = self.workload(name).with_suffix(".head.pcap")
        if not target.exists():
            target.write_bytes(first_packets(self.workload(name), BASELINE_PACKETS))
        return target

    def prefixes(self, count: int) -> Path:
        """A list of that many prefixes, all of which together watch the same traffic of small-udp."""
        target = self.folder / f"prefixes-{count}.txt"
        if not target.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            target.write_text("\n".join(make_prefixes(count)) + "\n")
        return target

    def _synthetic(self, name: str, target: Path) -> None:
        command = [
            sys.executable,
            str(HERE / "make_workloads.py"),
            name,
            str(target),
            "--scale",
            str(self.scale),
        ]
        subprocess.run(command, check=True)

    def _mix(self, target: Path) -> None:
        folder = SHARED_CAPTURES if SHARED_CAPTURES.is_dir() else OWN_CAPTURES
        captures = usable_captures(folder)
        mix = [str(self.program("mix")), str(target)]
        one_copy = subprocess.run([*mix, "1", str(MIX_WINDOW_S), *captures], check=True, capture_output=True)
        copies = max(1, round(MIX_PACKETS * self.scale / json.loads(one_copy.stdout)["packets"]))
        subprocess.run([*mix, str(copies), str(MIX_WINDOW_S), *captures], check=True, capture_output=True)


def usable_captures(folder: Path) -> list[str]:
    """The captures of a folder that the mix can take: Ethernet, little-endian pcap."""
    usable = []
    for path in sorted(folder.glob("*.pcap")):
        head = path.open("rb").read(24)
        magics = (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")
        if len(head) == 24 and head[:4] in magics and head[20:22] == b"\x01\x00":
            usable.append(str(path))
    return usable


def first_packets(capture: Path, count: int) -> bytes:
    """The header of a little-endian pcap and its first records."""
    with capture.open("rb") as file:
        out = file.read(24)
        for _ in range(count):
            head = file.read(16)
            out += head + file.read(struct.unpack("<8xI4x", head)[0])
    return out


def make_prefixes(count: int) -> list[str]:
    """The wide prefixes, and random ones where they do not change what of small-udp is watched.

    Half of the random ones lie inside 10.0.0.0/8, so that looking up a source goes deep; the others above
    128.0.0.0, where small-udp has no address.
    """
    rng = random.Random(1_000_000)
    prefixes = dict.fromkeys(WATCHED_PREFIXES)
    while len(prefixes) < count:
        length = rng.randrange(18, 31)
        address = 10 << 24 | rng.getrandbits(24) if len(prefixes) % 2 else rng.randrange(128 << 24, 224 << 24)
        address &= -1 << (32 - length)
        dotted = ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
        prefixes[f"{dotted}/{length}"] = None
    return list(prefixes)
