"""A source of metrics with numbers made up, of any size."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sensor.metrics import Drop, FlushTimes, RuleState, Spooled, StoreState

if TYPE_CHECKING:
    from sensor._core import HeavyFlow, Snapshot


def counts() -> dict[str, int]:
    return {
        "packets_seen": 100, "bytes_seen": 10_000, "packets_matched": 70, "packets_unmatched": 20,
        "packets_malformed": 10, "bytes_matched": 7000, "bytes_malformed": 1000, "packets_truncated": 0,
        "packets_duplicate": 0, "packets_prefiltered": 0, "packets_dropped_store": 3, "rows_dropped_store": 1,
        "packets_dropped_kernel": 6, "packets_dropped_interface": 0,
    }  # fmt: skip


def empty_snapshot() -> "Snapshot":
    return {
        "interfaces": {}, "active_flows": 0, "flows_created": 0, "flows_expired": 0, "flows_evicted": 0,
        "names_evicted": 0, "fragments_evicted": 0, "hosts_evicted": 0,
        "blocks": [], "services": [],        "countries": [], "applications": [], "dns": [], "names": [],
        "flows": [], "labels_refused": 0, "records_forgotten": 0,
    }  # fmt: skip


def heavy(number: int, bytes_out: int, *, alive: bool = True) -> "HeavyFlow":
    key = ("block", "192.0.2.1", f"198.51.100.{number}", 443, 6, None)
    return key, (1, 2, bytes_out, 0), alive


def small_snapshot() -> "Snapshot":
    return {
        "interfaces": {"tap0": counts()},
        "active_flows": 5,
        "flows_created": 9,
        "flows_expired": 3,
        "flows_evicted": 1,
        "names_evicted": 2,
        "fragments_evicted": 3,
        "hosts_evicted": 4,
        "blocks": [("Star JV", 40, 30, 4000, 3000), ('odd"\\\n', 0, 0, 0, 0)],
        "services": [("Star JV", "Facebook", 2, 300, 400)],
        "countries": [("Star JV", "US", 500, 600)],
        "applications": [("Star JV", "tls", 4)],
        "dns": [("Star JV", "NXDOMAIN", 6)],
        "names": [("tls_sni", 2), ("dns_answer", 0)],
        "flows": [heavy(7, 1000)],
        "labels_refused": 0,
        "records_forgotten": 0,
    }


def large_snapshot(
    blocks: int = 3, services: int = 250, countries: int = 100, applications: int = 30
) -> "Snapshot":
    """As many series as a busy sensor has."""
    names = [f"block-{number}" for number in range(blocks)]
    big = 123_456_789_012
    return small_snapshot() | {
        "blocks": [(block, 1, 2, big, big) for block in names],
        "services": [(block, f"Service {n}", n, big + n, big) for block in names for n in range(services)],
        "countries": [
            (block, chr(65 + n % 26) + chr(65 + n // 26), big, n) for block in names for n in range(countries)
        ],
        "applications": [(block, f"application_{n}", n) for block in names for n in range(applications)],
        "dns": [(block, f"R{n}", n) for block in names for n in range(8)],
        "flows": [heavy(number, number) for number in range(60)],
    }


@dataclass
class FakeSource:
    taken: "Snapshot" = field(default_factory=small_snapshot)
    dropped: tuple[Drop, ...] = (Drop("tap0", "interface", 8), Drop("tap1", "prefilter", 9))
    flush_times: FlushTimes = field(default_factory=FlushTimes)
    asked: int = 0

    def snapshot(self) -> "Snapshot":
        self.asked += 1
        return self.taken

    def drops(self) -> Sequence[Drop]:
        return self.dropped

    def store(self) -> StoreState:
        return StoreState({"flows": 11, "dns": 6}, bytes=4096, spooled=Spooled(2, 300, 41, 5))

    def rules(self) -> RuleState:
        return RuleState(True, 1_500_000_000.5, {"blocks": 2, "services": 1})

    def flushes(self) -> FlushTimes:
        return self.flush_times
