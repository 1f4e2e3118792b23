"""Collectors to export to: nfcapd, and one of our own that keeps every message; and a decoder not ours."""

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sensor.export.elements import TEMPLATES, VARIABLE

HOST = "127.0.0.1"
PATIENCE_S = 20


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as some:
        some.bind((HOST, 0))
        return int(some.getsockname()[1])


@dataclass
class Keeping:
    """A collector that keeps the messages it got."""

    port: int
    messages: list[bytes] = field(default_factory=list)
    connections: int = 0

    def wait_for(self, records: int) -> None:
        end = time.monotonic() + PATIENCE_S
        while sum(map(data_records, self.messages)) < records and time.monotonic() < end:
            time.sleep(0.02)

    @property
    def stream(self) -> bytes:
        return b"".join(self.messages)


@contextmanager
def keeping(transport: str) -> Iterator[Keeping]:
    """A collector of our own, over UDP or TCP."""
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as ear:
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        ear.bind((HOST, 0))
        ear.settimeout(0.1)
        if transport == "tcp":
            ear.listen()
        kept = Keeping(ear.getsockname()[1])
        over = threading.Event()
        listen = _take_streams if transport == "tcp" else _take_datagrams
        thread = threading.Thread(target=listen, args=(ear, kept, over))
        thread.start()
        try:
            yield kept
        finally:
            over.set()
            thread.join()


def _take_datagrams(ear: socket.socket, kept: Keeping, over: threading.Event) -> None:
    while not over.is_set():
        try:
            kept.messages.append(ear.recv(65_535))
        except TimeoutError:
            continue


def _take_streams(ear: socket.socket, kept: Keeping, over: threading.Event) -> None:
    while not over.is_set():
        try:
            way, _ = ear.accept()
        except TimeoutError:
            continue
        kept.connections += 1
        with way, way.makefile("rb") as stream:
            while len(head := stream.read(4)) == 4:
                kept.messages.append(head + stream.read(int.from_bytes(head[2:], "big") - 4))


def data_records(message: bytes) -> int:
    """Records of flows in a message of one set; whole ones are told by the decoder, this only counts."""
    number = int.from_bytes(message[16:18], "big")
    if number < 256 or number >= 260:
        return 0
    template = next(one for one in TEMPLATES if one.number == number)
    place, count = 20, 0
    while place < len(message):
        for element in template.elements:
            place += 1 + message[place] if element.length == VARIABLE else element.length
        count += 1
    return count


def decode(stream: bytes, enterprise: int = 32473) -> list[dict[str, Any]]:
    """Flow records as the package ipfix reads them, a decoder that has nothing of ours."""
    import io

    ipfix = pytest.importorskip("ipfix")
    ipfix_reader = pytest.importorskip("ipfix.reader")
    # As numbers: it takes the times for Unix times.
    for number, name in ((156, "flowStartNanoseconds"), (157, "flowEndNanoseconds")):
        ipfix.ie.for_spec(f"{name}({number})<unsigned64>[8]")
    ipfix.ie.use_iana_default()
    ipfix.ie.use_5103_default()
    for element in {one for template in TEMPLATES for one in template.elements if one.owner == "own"}:
        kind = "string" if element.length == VARIABLE else f"unsigned{8 * element.length}"
        ipfix.ie.for_spec(f"{element.name}({enterprise}/{element.number})<{kind}>[{element.length}]")
    reader = ipfix_reader.from_stream(io.BytesIO(stream))
    return [record for record in reader.namedict_iterator() if "flowId" in record]


@dataclass
class NfDump:
    """A running nfcapd, and what nfdump says of what it wrote."""

    port: int
    folder: Path
    process: "subprocess.Popen[str]"

    def stop(self) -> str:
        """End the collector when it has read everything; give its own words."""
        self.wait_until_read()
        time.sleep(0.2)  # what it read last is still being taken apart
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE_S)[0]

    def wait_until_read(self) -> None:
        """Wait until nothing is in its buffer."""
        end = time.monotonic() + PATIENCE_S
        while waiting_bytes(self.port) and time.monotonic() < end:
            time.sleep(0.01)

    def totals(self) -> dict[str, int]:
        """Flows, packets and bytes, both directions together."""
        words = self._dump("-I")
        found = dict(line.split(": ", 1) for line in words.splitlines() if ": " in line)
        return {name: int(found[name.capitalize()]) for name in ("flows", "packets", "bytes")}

    def rows(self) -> list[list[str]]:
        """Source, destination, ports, protocol, packets and bytes of both directions, start."""
        lines = self._dump("-q", "-o", "fmt:%sa,%da,%sp,%dp,%pr,%ipkt,%ibyt,%opkt,%obyt,%ts", "-6", "-N")
        return [[part.strip() for part in line.split(",")] for line in lines.splitlines() if "," in line]

    def _dump(self, *words: str) -> str:
        ended = subprocess.run(
            ["nfdump", "-R", str(self.folder), *words], check=True, capture_output=True, text=True,
            env={"PATH": "/usr/bin:/bin", "TZ": "UTC"},
        )  # fmt: skip
        return ended.stdout


@contextmanager
def nfcapd() -> Iterator[NfDump]:
    """A collector that people have."""
    if shutil.which("nfcapd") is None or shutil.which("nfdump") is None:
        pytest.skip("nfdump is not installed")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            ["nfcapd", "-b", HOST, "-p", str(port), "-w", folder, "-B", str(1 << 23)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            _wait_until_bound(port)
            yield NfDump(port, Path(folder), process)
        finally:
            process.kill()
            process.wait()


def waiting_bytes(port: int) -> int | None:
    """Bytes that wait at a port; None where nobody listens."""
    for line in Path("/proc/net/udp").read_text().splitlines():
        fields = line.split()
        if fields[1].endswith(f":{port:04X}"):
            return int(fields[4].split(":")[1], 16)
    return None


def _wait_until_bound(port: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if waiting_bytes(port) is not None:
            return
        time.sleep(0.05)
    pytest.fail("nfcapd did not start")
