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
    assert [result["part"] for result in results] == ["speed", "memory", "disk", "workers", "workers"]
    assert "small-udp" in out
    assert "2 workers to 1" in out


@pytest.mark.parametrize("kind", ["storm-tls", "storm-quic", "storm-dns"])
def test_storm_names_every_conversation(tmp_path: Path, kind: str) -> None:
    capture, store = tmp_path / "storm.pcap", tmp_path / "store"
    call(sys.executable, HERE / "make_workloads.py", kind, capture, "--scale", "0.001")
    told = json.loads(call(
        sys.executable, "-m", "sensor", "replay", capture, "--store", store, "--watch", "10.0.0.0/8", "--json"
    ))  # fmt: skip
    assert told["malformed"] == told["unmatched"] == 0
    assert told["flows"] == told["named"] > 100
    assert told["dns"] == (told["flows"] if kind == "storm-dns" else 0)
    for frame in frames(capture):
        assert dpkt.in_cksum(frame[14:34]) == 0
        assert dpkt.ethernet.Ethernet(frame).data.len == len(frame) - 14


def test_sealing_is_that_of_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test case 4 of the specification of GCM, without what overhangs its last block."""
    monkeypatch.syspath_prepend(str(HERE))
    import gcm
    import numpy as np

    def row(text: str) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
        return np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(1, -1)

    plain = (
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
        "b16aedf5aa0de657ba637b39"
    )
    sealed = gcm.seal(
        row("feffe9928665731c6d6a8f9467308308"), row("cafebabefacedbaddecaf888"),
        row("feedfacedeadbeeffeedfacedeadbeefabaddad2"), row(plain),
    )  # fmt: skip
    assert sealed.tobytes().hex() == (
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
        "1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"
    )  # fmt: skip


def test_a_command_that_hangs_is_killed_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    from measure import CommandFailedError, run

    with pytest.raises(CommandFailedError, match=r"not done after 0\.5 s"):
        run(["sh", "-c", "sleep 60 & wait"], patience_s=0.5)


def test_page_names_machine_figures_and_who_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    from peers import PeerFailure, PeerRatio, missing_peers, names_of_peers
    from report import page

    peer = PeerRatio("mix", "softflowd", 1.5, 2, 3.0, 0.1, 10**8, 2.0, 0.1, 2 * 10**8)
    slow = PeerRatio("mix", "scapy", 99.0, None, 198.0, 0, 10**8, 2.0, 0.1, 2 * 10**8, 1, 0.02)
    failed = PeerFailure("mix", "argus", "not done after 600 s, and killed")
    figures = {
        "date": "2026-01-02", "machine": "Linux", "processor": "A processor", "cores": 2, "scale": 1,
        "missing_peers": ["argus"], "results": [one.as_json() for one in (peer, slow, failed)],
    }  # fmt: skip
    text = page(figures)
    assert "2026-01-02, Linux, A processor, 2 cores" in text
    assert "installed: argus." in text
    row = next(line for line in text.splitlines() if "softflowd" in line and line.startswith("|"))
    assert [cell.strip() for cell in row.strip("|").split("|")][4:7] == ["1.5", "2", "NO"]
    assert "198.00 (one run of 0.02 of the packets)" in text
    assert "Not compared: argus on mix: not done after 600 s, and killed." in text
    assert set(missing_peers(Path("/nonexistent"))) <= set(names_of_peers())
