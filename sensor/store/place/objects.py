"""A store on object storage, by pyarrow's file systems."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sensor.schema import TABLES
from sensor.store.layout import Segment, parse_segment
from sensor.store.place.address import Address, open_file_system, parse_address
from sensor.store.place.lease import Lease
from sensor.store.place.model import Found
from sensor.store.place.state import State, default_folder

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.fs

GRACE_S = 3600.0
"""So long what was replaced or pruned stays, for whoever is reading it."""
_AT_ONCE = 16
TICKS_A_SECOND = 50


def object_place(address: str, state: State | None = None) -> ObjectPlace:
    """The place of an address."""
    return ObjectPlace(parse_address(address), state)


def ticks() -> int:
    """Now, as a number for a segment. Writers take even numbers and mergers odd ones, so they never meet."""
    return int(time.time() * TICKS_A_SECOND) * 2


class ObjectPlace:
    """A bucket and a prefix; see `sensor.store.place.model.Place`.

    It asks of the storage that an object appears as a whole, and that reads and lists tell of every write that
    has returned. Amazon S3, Google Cloud Storage, Azure and the common servers do.
    """

    shares_locks = False

    def __init__(self, address: Address, state: State | None = None) -> None:
        self.address = address
        self.state = state or State(default_folder())
        self._sizes: dict[str, int] = {}
        self._highest: dict[str, int] = {}
        self._marks: dict[str, int] = {}
        self._maintenance: Lease | None = None
        self._now = 0.0

    @cached_property
    def _opened(self) -> tuple[pyarrow.fs.FileSystem, str]:
        return open_file_system(self.address)

    @property
    def file_system(self) -> pyarrow.fs.FileSystem:
        """Pyarrow's file system."""
        return self._opened[0]

    @property
    def name(self) -> str:
        return self.address.name

    @property
    def disk(self) -> Path:
        return self.state.folder

    def at(self, path: str) -> str:
        """The path of an object as the file system has it."""
        return f"{self._opened[1]}/{path}"

    def url(self, path: str) -> str:
        return f"{self.name}/{path}"

    def is_new(self) -> bool:
        return not self.exists("store.toml") and not self.names()

    def names(self) -> list[str]:
        return sorted({path.split("/")[0] for path in self._list("")})

    def files(self, folder: str) -> list[Found]:
        return [Found(path, one.size) for path, one in self._list(folder).items()]

    def times(self, folder: str) -> dict[str, float]:
        """When each object of a folder was written, by the storage's clock, in seconds since 1970."""
        return {path: one.mtime_ns / 1e9 for path, one in self._list(folder).items()}

    def modified(self, path: str) -> float:
        """When an object was written, by the storage's clock."""
        return float(self._info(path).mtime_ns / 1e9)

    def segments(self, tables: tuple[str, ...]) -> Iterable[Segment]:
        found: list[Segment] = []
        for table in tables:
            for path, one in self._list(table).items():
                segment = parse_segment(path)
                if segment is not None:
                    self._sizes[path] = one.size
                    self._highest[segment.sensor] = max(
                        segment.sequence, self._highest.get(segment.sensor, 0)
                    )
                    found.append(segment)
        return found

    def exists(self, path: str) -> bool:
        try:
            self._info(path)
        except FileNotFoundError:
            return False
        return True

    def size(self, path: str) -> int:
        if path not in self._sizes:
            self._sizes[path] = self._info(path).size
        return self._sizes[path]

    def total_bytes(self) -> int:
        return sum(self.size(one.relative_path) for one in self.segments(tuple(TABLES)) if not one.state)

    def read_text(self, path: str) -> str:
        return self.read(path).decode()

    def read_texts(self, paths: Sequence[str]) -> dict[str, str]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return {
                path: text
                for path, text in zip(paths, pool.map(self._text, paths), strict=True)
                if text is not None
            }

    def read(self, path: str) -> bytes:
        """A whole object."""
        with self.file_system.open_input_stream(self.at(path)) as source:
            return bytes(source.read())

    def write_text(self, path: str, text: str) -> None:
        self.write(path, text.encode())

    def write(self, path: str, content: bytes | pa.Buffer) -> None:
        """Put a whole object. One call has all of it: what fails halfway does not appear."""
        sink = self.file_system.open_output_stream(self.at(path))
        sink.write(content)
        sink.close()

    def write_rows(self, path: str, rows: pa.Table, run: str | None) -> int:
        from sensor.store.parquet import encode

        content = encode(rows, run)
        self.write(path, content)
        return len(content)

    def source(self, path: str) -> Any:
        return self.file_system.open_input_file(self.at(path))

    def remove(self, paths: Iterable[str]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(self._remove, list(paths)):
                pass

    def publish(self, hidden: str, final: str) -> None:
        # Carried out before the crash that brought us here, the hidden one may be gone.
        if not self.exists(final):
            self.file_system.copy_file(self.at(hidden), self.at(final))

    def leaves_hidden(self) -> bool:
        return True

    def may_carry_out(self, journal: str) -> bool:
        if self._maintenance is None:
            raise ValueError("whoever carries swaps out holds the maintenance lock")
        self._now = self._now or self._maintenance.now()
        return self.modified(journal) < self._now - GRACE_S

    def sync(self, _folders: Iterable[str]) -> None:
        """What a call has returned from is there for good."""

    def prepare(self) -> None:
        """Object storage has no folders, and its readers no locks."""

    def next_sequence(self, sensor: str) -> int:
        highest = self._highest.get(sensor, 0)
        number = max(ticks(), highest + highest % 2) + 1
        self._highest[sensor] = number
        return number

    def may_merge(self, segment: Segment) -> bool:
        return segment.sequence % 2 == 1 or segment.sequence <= self._shipped(segment.sensor)

    def writer_lock(self, sensor: str) -> Lease:
        return Lease(self, f"{sensor}.writer", self.state)

    def maintenance_lock(self) -> Lease:
        self._maintenance = Lease(self, "maintenance", self.state)
        self._marks.clear()
        self._now = 0.0
        return self._maintenance

    def share_with_readers(self, _timeout_s: float) -> None:
        return None

    def exclude_readers(self, _timeout_s: float) -> _Nothing:
        return _Nothing()

    def shipped(self, sensor: str) -> int:
        """The mark of a sensor: no segment up to this number will ever be brought again; -1 where there is none."""
        try:
            return int(self.read_text(mark_path(sensor)))
        except (FileNotFoundError, ValueError):
            return -1

    def _shipped(self, sensor: str) -> int:
        if sensor not in self._marks:
            self._marks[sensor] = self.shipped(sensor)
        return self._marks[sensor]

    def _text(self, path: str) -> str | None:
        try:
            return self.read_text(path)
        except FileNotFoundError:
            return None

    def _remove(self, path: str) -> None:
        try:
            self.file_system.delete_file(self.at(path))
        except FileNotFoundError:
            pass

    def _list(self, folder: str) -> dict[str, pyarrow.fs.FileInfo]:
        from pyarrow import fs

        where = self.at(folder).rstrip("/")
        selector = fs.FileSelector(where, allow_not_found=True, recursive=True)
        skip = len(self._opened[1]) + 1
        found = self.file_system.get_file_info(selector)
        return {one.path[skip:]: one for one in found if one.type == fs.FileType.File}

    def _info(self, path: str) -> pyarrow.fs.FileInfo:
        from pyarrow import fs

        info = self.file_system.get_file_info(self.at(path))
        if info.type != fs.FileType.File:
            raise FileNotFoundError(f"{self.name}/{path} is not there")
        return info


def mark_path(sensor: str) -> str:
    """Where a sensor's mark lies."""
    return f".locks/{sensor}.shipped"


class _Nothing:
    """The lock of readers who hold none: they are given time instead."""

    def acquire(self, _timeout_s: float = 0.0) -> bool:
        return True

    def release(self) -> None:
        pass

    def write(self, _text: str) -> None:
        pass

    def read(self) -> str:
        return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
