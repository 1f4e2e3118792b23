"""Where in a rule file a thing stands: tomllib parses, but forgets the lines.

A light scan of the text, used only to word an error, so it prefers a near line to none: a
file that tomllib has accepted always yields a line that exists.
"""

from __future__ import annotations

import re

_SERVICE_TABLE = re.compile(r"\s*\[\[\s*(?:service|\"service\"|'service')\s*\]\]")
_TOML_POSITION = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


class RuleLines:
    """The lines of one file, split at its ``[[service]]`` headers.

    Parameters
    ----------
    text : str
        The whole file.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        headers = [number for number, line in enumerate(self._lines) if _SERVICE_TABLE.match(line)]
        self._starts = headers
        self._ends = [*headers[1:], len(self._lines)]

    def header(self, table: int) -> int:
        """Line of the header of the table with this ordinal, counted from 1."""
        return self._starts[table] + 1 if table < len(self._starts) else 1

    def key(self, table: int | None, key: str) -> int:
        """Line of ``key =`` in a service table, or before the first table when it is None."""
        start, end = self._span(table)
        pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]")
        for number in range(start, end):
            if pattern.match(self._lines[number]):
                return number + 1
        return start + 1

    def value(self, table: int | None, key: str, value: str) -> int:
        """Line of a quoted string in the value of ``key``; the key's own line where it is not found."""
        first = self.key(table, key)
        _, end = self._span(table)
        for number in range(first - 1, end):
            if f'"{value}"' in self._lines[number] or f"'{value}'" in self._lines[number]:
                return number + 1
        return first

    def _span(self, table: int | None) -> tuple[int, int]:
        if table is None:
            # Top-level keys stand before the first table, a stray table anywhere.
            return 0, len(self._lines)
        if table >= len(self._starts):
            return 0, len(self._lines)
        return self._starts[table], self._ends[table]


def line_of_toml_error(message: str, text: str) -> int:
    """Line that a tomllib message speaks of; the last one for an error at the end of the file."""
    found = _TOML_POSITION.search(message)
    if found and found.group(1):
        return int(found.group(1))
    return max(1, len(text.splitlines()))
