"""Runs: what was replayed into a store, so that a capture is not counted twice unawares."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from sensor.errors import StoreError
from sensor.store.place import Place, Where, place_of
from sensor.store.place.model import reason_of
from sensor.store.swap import swaps_around

_FINGERPRINT_BYTES = 1 << 16


@dataclass(frozen=True)
class RunInput:
    """One capture of a run. Standard input and pipes have neither size nor fingerprint."""

    path: str
    size: int | None = None
    fingerprint: str | None = None


@dataclass(frozen=True)
class RunInfo:
    """What a replay tells its writer: the inputs, and a digest of the watched blocks."""

    inputs: tuple[RunInput, ...]
    blocks_digest: str
    id: str = field(default_factory=lambda: os.urandom(8).hex())


@dataclass(frozen=True)
class Run:
    """One replay as the store remembers it; ``complete`` is false while it runs and after a crash."""

    id: str
    sensor: str
    inputs: tuple[RunInput, ...]
    blocks_digest: str
    started: str
    complete: bool


def fingerprint(path: str | os.PathLike[str]) -> RunInput:
    """Describe a capture by its size and its first and last 64 KiB; ``-`` is standard input."""
    name = os.fspath(path)
    if name == "-":
        return RunInput(name)
    with open(path, "rb") as capture:
        status = os.fstat(capture.fileno())
        if not stat.S_ISREG(status.st_mode):
            return RunInput(name)
        digest = hashlib.sha256(status.st_size.to_bytes(8, "little"))
        digest.update(capture.read(_FINGERPRINT_BYTES))
        capture.seek(max(0, status.st_size - _FINGERPRINT_BYTES))
        digest.update(capture.read(_FINGERPRINT_BYTES))
    return RunInput(name, status.st_size, digest.hexdigest())


def begin(info: RunInfo, sensor: str) -> Run:
    """The record of a run that starts now."""
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return Run(info.id, sensor, info.inputs, info.blocks_digest, started, complete=False)


def relative_path(run: Run) -> str:
    """Where a run's record lies in the store."""
    return f"runs/{run.id}.json"


def write_run(place: Place, run: Run, *, relative: str | None = None) -> None:
    """Write a run's record as a whole, to its own place or another. The caller holds the maintenance lock."""
    place.write_text(relative or relative_path(run), as_text(run))


def as_text(run: Run) -> str:
    """A run's record as it is written."""
    return json.dumps(asdict(run), indent=2) + "\n"


def read_runs(where: Where) -> list[Run]:
    """Every run of a store, the oldest first."""
    place = place_of(where)
    try:
        found, swaps = swaps_around(place, lambda: [one.path for one in place.files("runs")])
    except OSError as error:
        raise StoreError(f"cannot list the runs of {place.name}: {reason_of(error)}") from error
    paths = {path for path in found if path.endswith(".json") and not path.startswith("runs/.")}
    removed: set[str] = set()
    for swap in swaps.values():
        paths |= {
            hidden for hidden, final in swap.publish if final.startswith("runs/") and final not in paths
        }
        removed |= set(swap.remove)
    runs = [_read(place, path) for path in paths - removed]
    return sorted(runs, key=lambda run: (run.started, run.id))


def earlier_runs(where: Where, inputs: Iterable[RunInput]) -> list[Run]:
    """The runs that read one of these inputs, by content; none where there is no store yet."""
    wanted = _fingerprints(inputs)
    return [run for run in read_runs(where) if wanted & _fingerprints(run.inputs)]


def runs_to_replace(place: Place, info: RunInfo) -> list[Run]:
    """The earlier runs that a new one stands in for.

    Raises
    ------
    StoreError
        An earlier run also read other captures, whose rows would be lost with it.
    """
    wanted = _fingerprints(info.inputs)
    earlier = earlier_runs(place, info.inputs)
    for run in earlier:
        others = [one.path for one in run.inputs if one.fingerprint is None or one.fingerprint not in wanted]
        if others:
            raise StoreError(
                f"cannot replace the replay of {run.started}: it also read {', '.join(others)}; "
                "replay these captures together with the others to replace it"
            )
    return earlier


def _fingerprints(inputs: Iterable[RunInput]) -> set[str]:
    return {one.fingerprint for one in inputs if one.fingerprint is not None}


def _read(place: Place, path: str) -> Run:
    try:
        data = json.loads(place.read_text(path))
        data["inputs"] = tuple(RunInput(**one) for one in data["inputs"])
        return Run(**data)
    except OSError as error:
        raise StoreError(f"cannot read {place.name}/{path}: {reason_of(error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{place.name}/{path} is damaged: {error}") from error
