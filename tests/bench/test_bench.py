"""The benchmark's own parts work, at a small size and on a stand-in for the product."""

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import dpkt
import pytest

HERE = Path(__file__).resolve().parent
OWN_CAPTURE = HERE.parent / "golden" / "captures" / "demo.pcap"

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled programs."""
    folder = tmp_path_factory.mktemp("programs")
    for name in ("floor", "mix"):
        subprocess.run(["cc", "-O1", "-o", folder / name, HERE / f"{name}.c"], check=True)
    return folder


def call(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def frames(capture: Path) -> list[bytes]:
    with capture.open("rb") as file:
        return [frame for _, frame in dpkt.pcap.Reader(file)]


@pytest.mark.parametrize(("kind", "packets", "flows"), [("small-udp", 10_000, 1_000), ("elephant", 2_000, 1)])
def test_workload_holds_the_flows_it_should(
    programs: Path, tmp_path: Path, kind: str, packets: int, flows: int
) -> None:
    capture = tmp_path / "workload.pcap"
    call(sys.executable, HERE / "make_workloads.py", kind, capture, "--scale", "0.001")
    said = json.loads(call(programs / "floor", "flow", capture))
    assert (said["packets"], said["flows"]) == (packets, flows)
    assert len(frames(capture)) == packets


@pytest.mark.parametrize("kind", ["small-udp", "elephant"])
def test_workload_is_well_formed(tmp_path: Path, kind: str) -> None:
    capture = tmp_path / "workload.pcap"
    call(sys.executable, HERE / "make_workloads.py", kind, capture, "--scale", "0.0001")
    for frame in frames(capture):
        packet = dpkt.ethernet.Ethernet(frame).data
        assert dpkt.in_cksum(frame[14:34]) == 0
        assert packet.len == len(frame) - 14


def test_one_flow_of_a_thousand_is_watched(tmp_path: Path) -> None:
    capture = tmp_path / "workload.pcap"
    call(sys.executable, HERE / "make_workloads.py", "unwatched", capture, "--scale", "0.01")
    sources = {frame[26:30] + frame[34:36] for frame in frames(capture)}
    assert sum(source[0] == 10 for source in sources) == 10


def flow_of(frame: bytes) -> frozenset[bytes] | None:
    """Both ends of an untagged IPv4 frame, in no order."""
    return frozenset((frame[26:30], frame[30:34])) if frame[12:15] == b"\x08\x00\x45" else None


def test_copies_of_a_mix_talk_to_others(programs: Path, tmp_path: Path) -> None:
    pairs = []
    for copies in ("1", "3"):
        said = json.loads(call(programs / "mix", tmp_path / f"{copies}.pcap", copies, "60", OWN_CAPTURE))
        mixed = frames(tmp_path / f"{copies}.pcap")
        assert len(mixed) == said["packets"] == int(copies) * len(frames(OWN_CAPTURE))
        pairs.append({flow for frame in mixed if (flow := flow_of(frame))})
    # Two copies meet only where addresses of one capture differ by the difference of the copies' numbers.
    assert len(pairs[1]) > 0.98 * 3 * len(pairs[0])


def test_mix_mends_checksums_and_sorts_by_time(programs: Path, tmp_path: Path) -> None:
    call(programs / "mix", tmp_path / "mix.pcap", "2", "60", OWN_CAPTURE)
    with (tmp_path / "mix.pcap").open("rb") as file:
        records = list(dpkt.pcap.Reader(file))
    assert [time for time, _ in records] == sorted(time for time, _ in records)
    checked = 0
    for _, frame in records:
        if flow_of(frame) is None or len(frame) < 34:
            continue
        assert dpkt.in_cksum(frame[14:34]) == 0
        ip = dpkt.ethernet.Ethernet(frame).data
        if ip.p in (6, 17) and not ip.mf and not ip.offset and len(ip.data):
            segment = frame[34 : 14 + ip.len]
            if len(segment) >= 8 and any(segment):
                pseudo = ip.src + ip.dst + struct.pack("!HH", ip.p, len(segment))
                assert dpkt.in_cksum(pseudo + segment) == 0
                checked += 1
    assert checked > 1_000


def test_prefix_lists_watch_the_same_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    from workloads import make_prefixes

    prefixes = make_prefixes(5_000)
    assert len(set(prefixes)) == 5_000
    firsts = {int(prefix.split(".")[0]) for prefix in prefixes}
    assert not firsts & set(range(11, 100)), "the other ends of small-udp are watched by neither list"


def test_runner_prints_a_line_for_each_part(tmp_path: Path) -> None:
    product = f"{sys.executable} {HERE / 'fake_product.py'}"
    out = call(
        sys.executable, HERE / "run.py", "--cache", tmp_path, "--product", product, "--scale", "0.001",
        "--only", "small-udp", "--only", "workers",
    )  # fmt: skip
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    assert [result["part"] for result in results] == ["speed", "memory", "workers", "workers"]
    assert "small-udp" in out
    assert "2 workers to 1" in out
