"""File operations that survive a crash: each is done as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def make_folder(path: Path) -> None:
    """Create a private folder, parents first, unless it is there; sync the folders it appears in."""
    if path.is_dir():
        return
    make_folder(path.parent)
    if create_folder(path):
        sync_folder(path.parent)


def create_folder(path: Path) -> bool:
    """Create a private folder unless it is there; whether it was created. Its parent is not synced."""
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        return False
    return True


def create_file(path: Path) -> None:
    """Create an empty private file, or empty the one that is there."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE))


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries are on the disk."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def write_text(path: Path, text: str) -> None:
    """Write a small file so that a reader finds the old content or the new, never a part; sync its folder."""
    replace_text(path, text)
    sync_folder(path.parent)


def replace_text(path: Path, text: str) -> None:
    """Write a small file as a whole. After a power cut it may be the old one until its folder is synced."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    create_file(temporary)
    try:
        temporary.write_text(text, encoding="utf-8")
        sync_file(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """Remove a file unless it is gone already."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
