"""A store in a folder of this machine, or of a file system that looks like one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.store import durable
from sensor.store.layout import FOLDERS, Segment, list_segments, lock_folder
from sensor.store.lock import (
    READER_LOCKS,
    FileLock,
    Sequence,
    exclude_readers,
    maintenance_lock,
    share_with_readers,
    writer_lock,
)
from sensor.store.place.model import Found

if TYPE_CHECKING:
    import pyarrow as pa


class LocalPlace:
    """A folder; see `sensor.store.place.model.Place`."""

    shares_locks = True

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def name(self) -> str:
        return str(self.root)

    @property
    def disk(self) -> Path:
        return self.root

    def url(self, path: str) -> str:
        return str(self.root / path)

    def is_new(self) -> bool:
        return not self.root.exists() or not self.names()

    def names(self) -> list[str]:
        return sorted(os.listdir(self.root))

    def files(self, folder: str) -> list[Found]:
        try:
            entries = list(os.scandir(self.root / folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = []
        for entry in entries:
            try:
                if entry.is_file():
                    found.append(Found(f"{folder}/{entry.name}", entry.stat().st_size))
            except FileNotFoundError:
                pass  # removed since
        return found

    def segments(self, tables: tuple[str, ...]) -> Iterable[Segment]:
        return list_segments(self.root, tables)

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()

    def size(self, path: str) -> int:
        return (self.root / path).stat().st_size

    def total_bytes(self) -> int:
        total = 0
        for segment in self.root.glob("*/day=*/*.parquet"):
            # Compaction may just have removed it.
            with suppress(FileNotFoundError):
                total += segment.stat().st_size
        return total

    def read_text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def read_texts(self, paths: list[str]) -> dict[str, str]:
        texts = {}
        for path in paths:
            with suppress(FileNotFoundError):
                texts[path] = self.read_text(path)
        return texts

    def write_text(self, path: str, text: str) -> None:
        durable.write_text(self.root / path, text)

    def write_rows(self, path: str, rows: pa.Table, run: str | None) -> int:
        from sensor.store.parquet import write_parquet

        size = write_parquet(self.root / path, rows, run)
        durable.sync_folder((self.root / path).parent)
        return size

    def source(self, path: str) -> Path:
        return self.root / path

    def remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            durable.remove(self.root / path)

    def publish(self, hidden: str, final: str) -> None:
        try:
            os.rename(self.root / hidden, self.root / final)
        except FileNotFoundError:
            pass  # renamed before the crash that brought us here

    def leaves_hidden(self) -> bool:
        return False

    def may_carry_out(self, _journal: str) -> bool:
        return True

    def sync(self, folders: Iterable[str]) -> None:
        for folder in folders:
            if (self.root / folder).is_dir():
                durable.sync_folder(self.root / folder)

    def prepare(self) -> None:
        created = [durable.create_folder(self.root / folder) for folder in FOLDERS]
        # All are synced at once: nothing is in them before that.
        if any(created):
            durable.sync_folder(self.root)
        for name in READER_LOCKS:
            if not (lock_folder(self.root) / name).exists():
                durable.create_file(lock_folder(self.root) / name)

    def next_sequence(self, sensor: str) -> int:
        return Sequence(self.root, sensor).next()

    def may_merge(self, _segment: Segment) -> bool:
        return True

    def writer_lock(self, sensor: str) -> FileLock:
        return writer_lock(self.root, sensor)

    def maintenance_lock(self) -> FileLock:
        return maintenance_lock(self.root)

    def confirm_maintenance(self) -> None:
        """The kernel holds the lock."""

    def share_with_readers(self, timeout_s: float) -> FileLock | None:
        return share_with_readers(self.root, timeout_s)

    def exclude_readers(self, timeout_s: float) -> FileLock | None:
        return exclude_readers(self.root, timeout_s)
