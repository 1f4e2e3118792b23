"""How large a stranger's data set may be, and what may lie in it."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sensor.errors import DatasetError

MOST_FILES = 20_000
MOST_BYTES = 1 << 36
"""Of all files together; flow records are hashed, not loaded."""
MOST_TEXT_BYTES = 1 << 26
MOST_TABLE_BYTES = 1 << 30
"""Of one table's file."""
MOST_ROWS = 20_000_000
"""Of one table."""
MOST_LOADED_BYTES = 1 << 32
"""Of one table in memory."""
MOST_MEMORY_BYTES = 6 << 30
"""Address space that reading may take besides what the program has."""
MOST_DEPTH = 16
"""Of objects and lists in JSON."""
MOST_COLUMNS = 100
MOST_ROW_GROUPS = 10_000
MOST_FOOTER_BYTES = 1 << 24
MOST_PATH = 200

_PATH = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_=-]*(\.[A-Za-z0-9_=-]+)*(/[A-Za-z0-9][A-Za-z0-9_=-]*(\.[A-Za-z0-9_=-]+)*){0,3}"
)
# A text that never ends is taken to the end, lest each of its quotes be tried anew.
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def is_plain_path(text: object) -> bool:
    """Whether a text names a file inside the folder and nothing else: no URL, no ``..``, no root, no drive."""
    return isinstance(text, str) and len(text) <= MOST_PATH and _PATH.fullmatch(text) is not None


def read_json(data: bytes, name: str) -> Any:
    """Read JSON of a stranger.

    Raises
    ------
    DatasetError
        It is none, is nested too deeply, has a key twice, or a number that is none.
    """
    try:
        text = data.decode("utf-8")
        _refuse_depth(text, name)
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{name}: cannot be read as JSON ({error})") from error


def _refuse_depth(text: str, name: str) -> None:
    depth = 0
    for found in _STRUCTURE.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth > MOST_DEPTH:
                raise DatasetError(f"{name}: objects are nested more than {MOST_DEPTH} deep")
        elif found[0] in "]}":
            depth -= 1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a key twice")
    return found


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no number")


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Let whatever is read meanwhile fail rather than take the machine's memory: a few bytes can say they are many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _address_space() + MOST_MEMORY_BYTES
    if soft != resource.RLIM_INFINITY:
        most = min(most, soft)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
