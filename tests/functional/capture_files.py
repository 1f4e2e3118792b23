"""Captures taken apart into several files."""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

FILE_HEADER_BYTES = 24
RECORD_HEADER_BYTES = 16


def records_of(capture: Path) -> Iterator[bytes]:
    """Records of a little-endian pcap with their headers."""
    data = capture.read_bytes()
    place = FILE_HEADER_BYTES
    while place < len(data):
        (captured,) = struct.unpack_from("<I", data, place + 8)
        end = place + RECORD_HEADER_BYTES + captured
        yield data[place:end]
        place = end


def write_like(capture: Path, path: Path, records: Iterable[bytes]) -> Path:
    """Write records under the file header of the capture they come from."""
    path.write_bytes(capture.read_bytes()[:FILE_HEADER_BYTES] + b"".join(records))
    return path


def in_pieces(capture: Path, folder: Path, packets_each: int) -> list[Path]:
    """Files of so many packets each, as a capture program rotates them."""
    records = list(records_of(capture))
    return [
        write_like(capture, folder / f"piece-{start}.pcap", records[start : start + packets_each])
        for start in range(0, len(records), packets_each)
    ]


def both_ways(capture: Path, folder: Path) -> tuple[Path, Path]:
    """Two files, as two taps of one direction each write them: by the order of the hardware addresses."""
    ways: tuple[list[bytes], list[bytes]] = [], []
    for record in records_of(capture):
        frame = record[RECORD_HEADER_BYTES:]
        ways[frame[:6] < frame[6:12]].append(record)
    one, other = (
        write_like(capture, folder / f"way-{number}.pcap", records) for number, records in enumerate(ways)
    )
    return one, other
