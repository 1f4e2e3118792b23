"""The core counts the same flows whether or not the prefilter took out what no block holds."""

import struct
from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path

import pytest

from sensor.config import TUNNELS, Config, DecodeSettings, Tunnel
from sensor.prefilter import Prefilter
from sensor.rules import load_plan
from tests.functional.replays import Replayed, replay
from tests.prefilter.frames import WATCH, seeded, whole
from tests.prefilter.test_judgement import passes

Load = Callable[..., Prefilter]


@cache
def frames_of_every_kind() -> list[tuple[int, bytes]]:
    """Frames with numbers."""
    return list(enumerate([*whole().values(), *seeded(2_000, seed=23)]))


def capture(path: Path, frames: Iterable[tuple[int, bytes]]) -> Path:
    """A capture of Ethernet frames, each at the second of its number."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for second, frame in frames:
            out.write(struct.pack("<IIII", second, 0, len(frame), len(frame)) + frame)
    return path


def counted(path: Path, tunnels: Collection[Tunnel]) -> Replayed:
    config = Config(decode=DecodeSettings(tunnels=tuple(tunnels)))
    return replay(path, plan=load_plan([], WATCH), config=config)


@pytest.mark.parametrize("kind", ["socket", "xdp"])
@pytest.mark.parametrize("tunnels", [TUNNELS, (), ("gre",), ("erspan", "vxlan")])
def test_same_rows(load: Load, tmp_path: Path, kind: str, tunnels: Collection[Tunnel]) -> None:
    prefilter = load(*WATCH, kind=kind, tunnels=tunnels)
    frames = frames_of_every_kind()
    kept = [(second, frame) for second, frame in frames if passes(prefilter, kind, frame)]
    assert len(frames) / 10 < len(kept) < len(frames) * 9 / 10
    everything = counted(capture(tmp_path / "everything.pcap", frames), tunnels)
    passed = counted(capture(tmp_path / "passed.pcap", kept), tunnels)
    assert passed.result.matched == everything.result.matched > 100
    assert passed.result.malformed == everything.result.malformed > 100
    assert everything.result.unmatched - passed.result.unmatched == len(frames) - len(kept)
    assert passed.rows.table("flows") == everything.rows.table("flows")
