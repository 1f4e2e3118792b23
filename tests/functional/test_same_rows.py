"""The same packets give the same rows, however many workers count them and however they come."""

import gzip
import lzma
import subprocess
import sys
from collections import defaultdict
from ipaddress import IPv4Address
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pytest

from sensor.config import Config, FlowSettings
from tests.functional.capture_files import both_ways, in_pieces
from tests.functional.replays import (
    Counts,
    Flow,
    Replayed,
    add,
    identity,
    in_order,
    packets_of,
    replay,
    totals,
    watching,
)
from tests.functional.traffic import INSIDE, read_traffic, write_traffic

ROOT = Path(__file__).resolve().parents[2]

REAL = [
    "ndpi--netflix.pcap",
    "ndpi--reddit.pcap",
    "ndpi--capwap.pcap",
    "ndpi--synscan.pcap",
    "ndpi--dnscrypt-v1-and-resolver-pings.pcap",
    "mercury--dns_packet.capture2.pcap",
    "pcap-parser--wireshark_samples-test.pcapng",
    "zeek--dns-edns-ecs.pcap",
]


@pytest.fixture(scope="module")
def demo() -> Path:
    return ROOT / "tests" / "golden" / "captures" / "demo.pcap"


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traffic") / "traffic.pcap"
    assert write_traffic(path, flows=20_000, packets_each=10) == 200_000
    return path


def accounting(replayed: Replayed) -> tuple[pa.Table, list[int]]:
    """What workers saw, by interval and interface, and what they did, in all.

    A flow is told of in the interval in which its worker got to it.
    """
    rows = replayed.rows.table("accounting")
    counts = [name for name in rows.column_names if rows[name].type == pa.uint64()]
    seen = [name for name in counts if name.startswith(("packets_", "bytes_")) and "duplicate" not in name]
    by_interval = rows.group_by(["time", "interface"]).aggregate([(name, "sum") for name in seen])
    # A worker that only counted what others had read may have an interval of its own.
    by_interval = by_interval.filter(pc.greater(by_interval["packets_seen_sum"], 0))
    return in_order(by_interval), [pc.sum(rows[name]).as_py() for name in counts]


def assert_same(one: Replayed, other: Replayed) -> None:
    assert one.rows.table("flows").equals(other.rows.table("flows"))
    assert one.result.flows == other.result.flows
    assert accounting(one) == accounting(other)


class TestWorkers:
    @pytest.mark.parametrize("workers", [2, 4])
    def test_demo(self, demo: Path, workers: int) -> None:
        assert_same(replay(demo), replay(demo, workers=workers))

    @pytest.mark.parametrize("name", REAL)
    def test_real(self, shared_captures: Path, name: str) -> None:
        alone = replay(shared_captures / name)
        for workers in (2, 4):
            assert_same(alone, replay(shared_captures / name, workers=workers))

    def test_much_traffic(self, traffic: Path) -> None:
        plan = watching(INSIDE)
        alone = replay(traffic, plan=plan)
        assert alone.result.matched == alone.result.packets == 200_000
        reasons = set(alone.rows.table("flows")["end_reason"].to_pylist())
        assert reasons == {"active", "idle", "fin", "rst", "end"}
        for workers in (2, 4):
            assert_same(alone, replay(traffic, plan=plan, workers=workers))

    def test_much_traffic_is_counted_exactly(self, traffic: Path) -> None:
        records = read_traffic(traffic)
        expected: dict[Flow, Counts] = defaultdict(lambda: [0, 0, 0, 0])
        columns = ("protocol", "source", "source_port", "destination", "destination_port", "ip_bytes")
        for protocol, *ends, ip_bytes in zip(*(records[name].tolist() for name in columns), strict=True):
            # Ports of fragments are for other tests to know.
            ports = (ends[1], ends[3]) if protocol == 6 else (0, 0)
            first, second = (str(IPv4Address(ends[0])), ports[0]), (str(IPv4Address(ends[2])), ports[1])
            add(expected, protocol, (first, second), (1, ip_bytes, 0, 0))
        here: dict[Flow, Counts] = defaultdict(lambda: [0, 0, 0, 0])
        for (protocol, *ends), counts in totals(replay(traffic, workers=2).flows).items():
            first, second = ends if protocol == 6 else ((address, 0) for address, _ in ends)
            add(here, protocol, (first, second), counts)
        assert here == expected

    @pytest.mark.parametrize("workers", [1, 2, 4])
    def test_little_room_loses_no_packet(self, traffic: Path, workers: int) -> None:
        config = Config(flow=FlowSettings(max_flows=50))
        replayed = replay(traffic, plan=watching(INSIDE), config=config, workers=workers)
        assert replayed.result.evicted > 1000
        assert identity(replayed.result)
        rows = replayed.rows.table("flows")
        assert pc.sum(rows["packets_out"]).as_py() + pc.sum(rows["packets_in"]).as_py() == 200_000


class TestWays:
    """A file, packed or not, and standard input."""

    @pytest.fixture(params=["demo", "netflix"])
    def capture(self, request: pytest.FixtureRequest, demo: Path) -> Path:
        if request.param == "demo":
            return demo
        return request.getfixturevalue("shared_captures") / "ndpi--netflix.pcap"

    @pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
    def test_packed(self, capture: Path, tmp_path: Path, suffix: str) -> None:
        packed = tmp_path / f"{capture.name}{suffix}"
        if suffix == ".zst":
            with pa.CompressedOutputStream(str(packed), "zstd") as target:
                target.write(capture.read_bytes())
        else:
            pack = gzip.compress if suffix == ".gz" else lzma.compress
            packed.write_bytes(pack(capture.read_bytes()))
        plain, unpacked = replay(capture), replay(packed)
        assert unpacked.result.inputs[0].format.endswith(suffix)
        assert unpacked.rows.table("flows").equals(plain.rows.table("flows"))
        assert unpacked.result.packets == plain.result.packets

    def test_standard_input(self, capture: Path, tmp_path: Path) -> None:
        watch = ["--watch", "0.0.0.0/0", "--watch", "::/0"]
        command = [sys.executable, "-m", "sensor", "replay", "-", "--store", str(tmp_path / "store"), *watch]
        with capture.open("rb") as file:
            subprocess.run(command, stdin=file, check=True, capture_output=True, timeout=60)
        stored = pa.dataset.dataset(tmp_path / "store" / "flows").to_table()
        expected = replay(capture).rows.table("flows")
        assert in_order(stored.select(expected.column_names)).equals(expected)


class TestSeveralFiles:
    """A stream that was written to several files is the same stream."""

    def test_rotated(self, demo: Path, tmp_path: Path) -> None:
        pieces = in_pieces(demo, tmp_path, packets_each=100)
        assert len(pieces) > 3
        assert replay(*pieces).rows.table("flows").equals(replay(demo).rows.table("flows"))
        backwards = replay(*reversed(pieces))
        assert backwards.rows.table("flows").equals(replay(demo).rows.table("flows"))

    def test_one_direction_each(self, demo: Path, tmp_path: Path) -> None:
        ways = both_ways(demo, tmp_path)
        whole = replay(demo)
        for workers in (1, 3):
            merged = replay(*ways, workers=workers)
            assert merged.result.packets == whole.result.packets
            assert merged.rows.table("flows").equals(whole.rows.table("flows"))
        assert packets_of(replay(ways[0]).flows) < whole.result.matched
