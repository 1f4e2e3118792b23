"""A stranger's folder: which files are in it, read without leaving it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from sensor.dataset.limits import MOST_BYTES, MOST_FILES, is_plain_path
from sensor.errors import DatasetError

_CHUNK = 1 << 20
_DEEPEST = 3


@dataclass(frozen=True)
class Folder:
    """Regular files of a folder, by path relative to it, with their sizes."""

    root: Path
    sizes: dict[str, int]

    def read(self, path: str, most: int) -> bytes:
        """Read a file whole.

        Raises
        ------
        DatasetError
            It is missing, too large, or cannot be read.
        """
        if path not in self.sizes:
            raise DatasetError(f"{path}: is missing")
        with self._open(path) as file:
            data: bytes = file.read(most + 1)
        if len(data) > most:
            raise DatasetError(f"{path}: is larger than the {most:,} bytes that such a file may have")
        return data

    def digest(self, path: str) -> str:
        """SHA-256 of a file."""
        found = hashlib.sha256()
        with self._open(path) as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
        return found.hexdigest()

    def _open(self, path: str):  # type: ignore[no-untyped-def] # what open returns has a private type
        try:
            return os.fdopen(os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error


def list_folder(root: Path) -> Folder:
    """List the files.

    Raises
    ------
    DatasetError
        There is no folder, or something in it is no plain file or has no plain name; symbolic links are not followed.
    """
    root = root.absolute()
    if not root.is_dir():
        raise DatasetError(f"{root} is no folder")
    sizes: dict[str, int] = {}
    total = 0
    waiting = [root]
    while waiting:
        try:
            entries = sorted(os.scandir(waiting.pop()), key=lambda entry: entry.name)
        except OSError as error:
            raise DatasetError(f"{root} cannot be read: {error.strerror}") from error
        for entry in entries:
            path = Path(entry.path).relative_to(root).as_posix()
            if not is_plain_path(path):
                raise DatasetError(f"{ascii(path)[1:-1]}: no file of a data set has such a name")
            found = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                waiting.append(Path(entry.path))
            elif stat.S_ISREG(found.st_mode):
                sizes[path] = found.st_size
                total += found.st_size
            else:
                raise DatasetError(f"{path}: is a link or no plain file; it is not followed")
            if len(sizes) + len(waiting) > MOST_FILES or total > MOST_BYTES:
                raise DatasetError(
                    f"{root} has more than {MOST_FILES:,} files or {MOST_BYTES:,} bytes: too large for a data set"
                )
    return Folder(root, sizes)
