"""What a packet costs: the sensor, the kernel's receive path, the sender, with each prefilter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from tests.live.daemon import running
from tests.live.load import (
    TAP,
    WATCHED,
    Traffic,
    Wire,
    check_store,
    cpu_s,
    sensor_process,
    wait_for_metrics,
    wire,
)

RUNS = 3
SECONDS = 8
TRAFFIC = Traffic(watched_percent=1)
SAVED_LEAST = 5
"""By the socket prefilter, of the sensor's own CPU."""


@dataclass(frozen=True)
class Cost:
    """CPU in nanoseconds a packet sent."""

    sensor: float
    user: float
    receiving: float
    sender: float
    rate: float

    @property
    def without_sender(self) -> float:
        """What the machine spends on a packet besides sending it."""
        return self.sensor + self.receiving


@pytest.fixture
def cabled(tmp_path: Path) -> Iterator[Wire]:
    """The kernel receives in a thread of its own, whose CPU is nobody else's: not the sender's, as is usual."""
    with wire(tmp_path) as made:
        made.sensor.run("ethtool", "-K", TAP, "gro", "on")
        made.sensor.run("sh", "-c", f"echo 1 > /sys/class/net/{TAP}/threaded")
        yield made


def receiving_threads() -> set[int]:
    """The kernel's threads that receive for an interface of this name."""
    found = set()
    for name in Path("/proc").glob("[0-9]*/comm"):
        try:
            if name.read_text().startswith(f"napi/{TAP}-"):
                found.add(int(name.parent.name))
        except OSError:
            continue
    return found


def user_s(process: int) -> float:
    """User time of a process, by the kernel's clock ticks."""
    return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11]) / 100


def measure(cabled: Wire, folder: Path, prefilter: str, others: set[int], workers: int) -> Cost:
    folder.mkdir()
    settings = {"rules": {"watch": [WATCHED]}, "capture": {"prefilter": prefilter}}
    options = ("--workers", str(workers))
    with running(cabled.sensor, folder, TAP, settings=settings, options=options) as daemon:
        process = sensor_process(daemon)
        threads = receiving_threads() - others
        assert threads, "the kernel receives in a thread"
        before = cpu_s(process), user_s(process), sum(map(cpu_s, threads))
        sent = cabled.send(TRAFFIC, SECONDS)
        after = cpu_s(process), user_s(process), sum(map(cpu_s, threads))
        wait_for_metrics(daemon, sent)
        assert daemon.stop().status == 0
        check_store(daemon.store, sent)
    sensor, user, receiving = (
        (end - begin) / sent.sent * 1e9 for begin, end in zip(before, after, strict=True)
    )
    return Cost(sensor, user, receiving, sent.cpu_s / sent.sent * 1e9, sent.rate)


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 2])
def test_a_prefilter_saves_cpu(cabled: Wire, tmp_path: Path, workers: int) -> None:
    others = receiving_threads()
    # The one there is now belongs to this cable.
    others -= {max(others)} if others else set()
    kinds = ("none", "socket", "xdp")
    runs: dict[str, list[Cost]] = {kind: [] for kind in kinds}
    for number in range(RUNS):
        for kind in kinds:
            runs[kind].append(measure(cabled, tmp_path / f"{kind}{number}", kind, others, workers))

    def middle(kind: str, what: str) -> float:
        return median(getattr(cost, what) for cost in runs[kind])

    columns = ("sensor", "user", "receiving", "without_sender", "sender", "rate")
    print(f"\n{workers} workers; nanoseconds of CPU a packet sent, median of {RUNS} runs of {SECONDS} s")
    print("".join(f"{name:>16}" for name in ("prefilter", *columns)))
    for kind in kinds:
        print(f"{kind:>16}" + "".join(f"{middle(kind, name):16,.1f}" for name in columns))
    saved = middle("none", "sensor") / middle("socket", "sensor")
    print(f"the sensor's own CPU with none is {saved:.1f} times that with socket")
    assert saved >= SAVED_LEAST
