"""A sender that counts each frame, what a process costs, and whether everything sent is somewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.daemon import Daemon, query
from tests.live.namespaces import Namespace, cable, need, wait_for

SOURCE = Path(__file__).with_name("sender.c")
WATCHED = "10.0.0.0/8"
"""Where the sender's watched frames come from."""
TAP, FAR = "tap", "far"
FATES = ("packets_matched", "packets_unmatched", "packets_malformed")
NEVER_SEEN = ("packets_dropped_kernel", "packets_dropped_interface")
ACCOUNTS = (
    *FATES, *NEVER_SEEN, "packets_seen", "packets_prefiltered", "packets_dropped_store", "rows_dropped_store",
    "flows_created",
)  # fmt: skip


@dataclass(frozen=True)
class Traffic:
    """What to send: watched frames in a hundred, their flows, packets a second (0: all that go)."""

    watched_percent: int = 1
    flows: int = 1000
    rate: int = 0
    malformed_every: int = 1000


@dataclass(frozen=True)
class Sent:
    """What was sent, by what should become of it, and what the sender cost."""

    sent: int
    matched: int
    unmatched: int
    malformed: int
    refused: int
    error: str
    seconds: float
    user_s: float
    system_s: float

    @property
    def rate(self) -> float:
        """Packets a second."""
        return self.sent / self.seconds

    @property
    def cpu_s(self) -> float:
        """The sender's, which on such a cable includes the receiver's interrupt work."""
        return self.user_s + self.system_s


class Wire:
    """Two namespaces with a cable, and the sender's program.

    Parameters
    ----------
    sensor, sender
        The ends.
    program
        The compiled sender.
    """

    def __init__(self, sensor: Namespace, sender: Namespace, program: Path) -> None:
        self.sensor = sensor
        self._sender = sender
        self._program = program

    def start(self, traffic: Traffic, seconds: float) -> subprocess.Popen[str]:
        """Begin to send."""
        words = (seconds, traffic.watched_percent, traffic.flows, traffic.rate, traffic.malformed_every)
        return self._sender.start(
            self._program, FAR, *map(str, words),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def send(self, traffic: Traffic, seconds: float) -> Sent:
        """Send for so long."""
        return finish(self.start(traffic, seconds))


def finish(sender: subprocess.Popen[str]) -> Sent:
    """Wait for a sender's end and its counts."""
    out, errors = sender.communicate(timeout=120)
    assert sender.returncode == 0, errors
    return Sent(**json.loads(out))


def compile_sender(folder: Path) -> Path:
    """Build the sender; skip, loudly, without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("NOT TESTED: missing cc")
    program = folder / "sender"
    subprocess.run([compiler, "-O2", "-o", program, SOURCE], check=True)
    return program


@contextmanager
def wire(folder: Path) -> Iterator[Wire]:
    """A cable: what the sender's end takes comes out at the sensor's."""
    need("ethtool")
    program = compile_sender(folder)
    with Namespace("sensor") as sensor, Namespace("sender") as sender:
        cable((sensor, TAP), (sender, FAR))
        yield Wire(sensor, sender, program)


def cpu_s(process: int) -> float:
    """User and system time of all threads of a process, to the nanosecond."""
    return time.clock_gettime((~process << 3) | 2)


def sensor_process(daemon: Daemon) -> int:
    """The daemon's own process: `ip netns exec` has become it."""
    return int(daemon.process.pid)


def resident_bytes(process: int) -> int:
    """Memory of a process that is in use, shared or not."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


def accounts(store: Path) -> dict[str, int]:
    """Sums over the accounting table."""
    words = ", ".join(f"sum({name})::BIGINT AS {name}" for name in ACCOUNTS)
    (sums,) = query(store, f"SELECT {words} FROM {{accounting}}")
    return {name: int(value or 0) for name, value in sums.items()}


def stored_packets(store: Path) -> int:
    """Packets counted in the flow records of a store."""
    (sums,) = query(store, "SELECT sum(packets_out + packets_in)::BIGINT AS packets FROM {flows}")
    return int(sums["packets"] or 0)


def check_identity(found: Mapping[str, int], sent: Sent) -> None:
    """Every frame sent is somewhere, exactly; where none was lost, each is where it belongs."""
    assert found["packets_seen"] == sum(found[fate] for fate in FATES)
    lost = sum(found[kind] for kind in NEVER_SEEN)
    assert sent.sent == found["packets_seen"] + lost, (found, sent)
    if lost == 0:
        assert [found[fate] for fate in FATES] == [sent.matched, sent.unmatched, sent.malformed]


def check_store(store: Path, sent: Sent) -> dict[str, int]:
    """The identity by the accounting, and that flow records hold all matched packets but those counted lost."""
    found = accounts(store)
    check_identity(found, sent)
    assert stored_packets(store) == found["packets_matched"] - found["packets_dropped_store"]
    return found


def metric_counts(daemon: Daemon) -> dict[str, int]:
    """The same counts by the metrics."""
    found = daemon.metrics()

    def sum_of(name: str, **labels: str) -> int:
        wanted = set(labels.items())
        return int(sum(value for has, value in found.get(name, {}).items() if wanted <= set(has)))

    counts = {
        f"packets_{outcome}": sum_of("blocktap_packets_total", outcome=outcome)
        for outcome in ("matched", "unmatched", "malformed")
    }
    counts["packets_seen"] = sum(counts.values())
    for reason in ("kernel", "interface", "store"):
        counts[f"packets_dropped_{reason}"] = sum_of("blocktap_dropped_packets_total", reason=reason)
    counts["packets_prefiltered"] = sum_of("blocktap_dropped_packets_total", reason="prefilter")
    return counts


def wait_for_metrics(daemon: Daemon, sent: Sent) -> dict[str, int]:
    """Wait until the metrics account for everything, and check it."""
    counts: dict[str, int] = {}

    def all_there() -> bool:
        counts.update(metric_counts(daemon))
        return counts["packets_seen"] + sum(counts[kind] for kind in NEVER_SEEN) >= sent.sent

    wait_for("everything sent is in the metrics", all_there, patience_s=30)
    check_identity(counts, sent)
    return counts
