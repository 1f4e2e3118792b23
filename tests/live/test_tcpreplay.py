"""Captures of others put onto a wire by tcpreplay at full speed: live rows are those of a replay."""

from __future__ import annotations

import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.functional.replays import Flow, replay, totals
from tests.live.compare import Row, differences, replayed, stored
from tests.live.daemon import running
from tests.live.namespaces import Namespace, cable, namespaces, need
from tests.live.tap import Recorder, interface_counts

LARGEST_MTU = 65_535
SO_TIMESTAMPNS = 35
SELECTED = (
    "ndpi--netflix.pcap", "ndpi--pinterest.pcap", "ndpi--reddit.pcap", "ndpi--sites.pcapng", "ndpi--android.pcap",
    "ndpi--quic-28.pcap", "ndpi--quic-forcing-vn-with-data.pcapng", "ndpi--quic_frags_different_dcid.pcapng",
    "ndpi--tls_ech.pcapng",
    "ndpi--dtls.pcapng", "ndpi--openvpn.pcapng", "ndpi--bitcoin-public.pcap", "ndpi--monero.pcap",
    "ndpi--telegram.pcap", "ndpi--viber.pcapng", "ndpi--zoom.pcapng", "ndpi--synscan.pcap",
    "mercury--dns_packet.capture2.pcap", "mercury--geneve.pcap", "libpcap--AH-IPcomp-IPv4.pcap",
    "ndpi--zoom2.pcap", "dpkt--nb6-http.pcap", "pcpp--650HttpResponses.pcap", "pcpp--PPPoESession.pcap",
)  # fmt: skip


@dataclass
class Played:
    """What went over the wire, and what a daemon made of it."""

    sent: int
    not_sent: dict[str, int]
    """Packets that no interface takes, by capture: shorter than a header."""
    recording: Path
    recorded: int
    received: dict[str, int]
    store: Path
    status: int

    @property
    def flows(self) -> list[Row]:
        return stored(self.store, "flows")


def play(captures: list[Path], folder: Path) -> Played:
    """Send captures one after the other into an interface that a daemon watches whole."""
    need("ethtool", "tcpdump", "tcpreplay")
    with namespaces("far", "sensor") as (far, sensor), same_times():
        cable((far, "far"), (sensor, "near"), mtu=LARGEST_MTU)
        # Else the kernel answers what is addressed to nobody here.
        far.ip("link", "set", "far", "arp", "off")
        recorder = Recorder(sensor, "near", folder / "recording.pcap")
        with running(sensor, folder, "near") as daemon:
            sent, not_sent = 0, {}
            for capture in captures:
                count, failed = send(far, capture)
                sent += count
                if failed:
                    not_sent[capture.name] = failed
            daemon.wait_until_quiet()
            status = daemon.stop().status
        recorded = recorder.stop()
        received = interface_counts(sensor, "near")
    return Played(sent, not_sent, recorder.path, recorded, received, daemon.store, status)


def send(namespace: Namespace, capture: Path) -> tuple[int, int]:
    """Packets sent, and packets that the interface did not take."""
    said = namespace.run("tcpreplay", "--intf1=far", "--topspeed", "--preload-pcap", capture).stdout
    counts = [re.search(rf"{words}:\s+(\d+)", said) for words in ("Successful packets", "Failed packets")]
    sent, failed = (int(count[1]) if count else 0 for count in counts)
    return sent, failed


@contextmanager
def same_times() -> Iterator[None]:
    """While one socket of the machine asks for it, the kernel notes the time of each frame as it comes.

    Else each reader of an interface takes the time for itself, and two of them differ.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        yield


def is_ethernet(capture: Path) -> bool:
    """Whether tcpreplay can put a capture onto a wire."""
    said = subprocess.run(
        ["tcpdump", "-r", capture, "-c", "1", "-w", "/dev/null"], capture_output=True, text=True, check=False
    )
    return "link-type EN10MB" in said.stderr and said.returncode == 0


def check(played: Played) -> None:
    """Nothing was lost on the way, and rows are those of a replay of what tcpdump recorded meanwhile."""
    assert played.status == 0
    assert played.sent == played.recorded == played.received["packets"]
    accounts = stored(played.store, "accounting")
    seen, matched, unmatched, malformed, kernel, interface = (
        sum(row[f"packets_{word}"] for row in accounts)
        for word in ("seen", "matched", "unmatched", "malformed", "dropped_kernel", "dropped_interface")
    )
    assert played.sent == seen == matched + unmatched + malformed
    assert (kernel, interface) == (0, 0)
    again = replayed(played.recording)
    for table in ("flows", "dns", "hosts"):
        assert not differences(stored(played.store, table), again[table])


def without_times(rows: list[Row]) -> tuple[dict[Flow, list[int]], Counter[tuple[str, ...]]]:
    """What a capture says however long it took: counts of each tuple, and what flows carried themselves."""
    said: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        words = (*(row["names"] or ()), row["ja4"] or "", row["application"] or "")
        if any(words):
            said[words] = 1
    return totals(rows), said


@pytest.mark.long
@pytest.mark.parametrize("name", SELECTED)
def test_live_rows_are_those_of_the_capture(shared_captures: Path, tmp_path: Path, name: str) -> None:
    need("tcpdump")
    assert is_ethernet(shared_captures / name)
    played = play([shared_captures / name], tmp_path)
    check(played)
    if played.not_sent:
        pytest.skip(f"NOT COMPARED with the capture itself: {played.not_sent} packets could not be sent")
    assert without_times(played.flows) == without_times(replay(shared_captures / name).flows)


@pytest.mark.long
def test_all_captures_in_a_row(shared_captures: Path, tmp_path: Path) -> None:
    """Everything of Ethernet at once: 5-tuples of different captures meet, and times are those of now."""
    need("tcpdump")
    captures = [
        path for path in sorted(shared_captures.glob("*.pcap*")) if path.suffix != ".gz" and is_ethernet(path)
    ]
    assert len(captures) > 50
    check(play(captures, tmp_path))


def test_own_captures_in_a_row(own_captures: Path, tmp_path: Path) -> None:
    check(play(sorted(own_captures.glob("*.pcap")), tmp_path))
