"""DuckDB reads object storage through pyarrow, by the pieces that a query needs. No extension is loaded for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fsspec import AbstractFileSystem

if TYPE_CHECKING:
    import pyarrow as pa

    from sensor.store.place.objects import ObjectPlace

KEPT_OPEN = 4096
_WRITTEN = datetime(2000, 1, 1, tzinfo=UTC)  # segments never change


class SegmentFiles(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    """The segments that one connection reads, and nothing else.

    Their sizes are known from the list; opening one costs one request, once, and each read one for its bytes alone.
    DuckDB asks for the end of a segment and for the columns that a query needs, and keeps what it got in memory. A
    segment of up to two megabytes it takes as a whole: one request more would cost more time.
    """

    cachable = False

    def __init__(self, place: ObjectPlace, paths: list[str]) -> None:
        super().__init__()
        self.protocol = place.address.scheme
        self._place = place
        self._paths = {self._strip_protocol(place.url(path)): path for path in paths}
        self._open: OrderedDict[str, pa.NativeFile] = OrderedDict()
        self._guard = threading.Lock()

    def open(self, path: str, mode: str = "rb", **_options: Any) -> SegmentFile:
        """Open a segment for reading."""
        if "w" in mode or "a" in mode or "+" in mode:
            raise PermissionError(f"{path}: a store is read here, not written")
        inside = self._inside(path)
        return SegmentFile(self, inside, self._place.size(inside))

    def info(self, path: str, **_options: Any) -> dict[str, Any]:
        """Name, size and kind."""
        inside = self._inside(path)
        return {"name": path, "size": self._place.size(inside), "type": "file"}

    def glob(self, path: str, **_options: Any) -> list[str]:
        """Every name stands for itself."""
        return [path] if self._strip_protocol(path) in self._paths else []

    def modified(self, _path: str) -> datetime:
        """Segments never change."""
        return _WRITTEN

    def fetch(self, inside: str, start: int, count: int) -> bytes:
        """So many bytes of a segment."""
        size = self._place.size(inside)
        stop = min(start + count, size)
        if stop <= start:
            return b""
        return self._get(inside, start, stop - start)

    def _get(self, inside: str, start: int, count: int) -> bytes:
        content = bytes(self._source(inside).read_at(count, start))
        if len(content) != count:
            raise OSError(f"{self._place.name}/{inside} is shorter than it was")
        return content

    def _source(self, inside: str) -> pa.NativeFile:
        with self._guard:
            source = self._open.get(inside)
        if source is None:
            source = self._place.source(inside)
            with self._guard:
                self._open[inside] = source
                while len(self._open) > KEPT_OPEN:
                    self._open.popitem(last=False)
        return source

    def _inside(self, path: str) -> str:
        inside = self._paths.get(self._strip_protocol(path))
        if inside is None:
            raise FileNotFoundError(path)
        return inside

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.partition("://")[2] or path


class SegmentFile:
    """A segment that is open; what DuckDB asks of a Python file."""

    def __init__(self, files: SegmentFiles, inside: str, size: int) -> None:
        self._files = files
        self._inside = inside
        self._size = size
        self._at = 0

    def read(self, count: int = -1) -> bytes:
        """The next bytes."""
        content = self._files.fetch(self._inside, self._at, self._size if count < 0 else count)
        self._at += len(content)
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go somewhere."""
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        """Where the next bytes come from."""
        return self._at

    def seekable(self) -> bool:
        """It is."""
        return True

    def flush(self) -> None:
        """There is nothing to write."""

    def close(self) -> None:
        """There is nothing to let go of."""
