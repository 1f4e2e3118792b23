"""The line of every key and array element of a TOML text, which ``tomllib`` does not tell.

The text must already have been accepted by ``tomllib``: this scan trusts its syntax.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|\n"
    r"|[\[\]{}=,.]"
    r"|[^\s\[\]{}=,.#\"']+",
    re.DOTALL,
)


class _Token(NamedTuple):
    text: str
    line: int


class _Scan:
    """One pass over the tokens; ``lines`` is what it leaves behind."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._tokens = self._tokenise(text)
        self._next = next(self._tokens, None)
        self._table_counts: dict[Path, int] = {}

    def run(self) -> None:
        table: Path = ()
        while token := self._next:
            if token.text == "\n":
                self._take()
            elif token.text == "[":
                table = self._header()
            else:
                self._key_value(table)

    @staticmethod
    def _tokenise(text: str) -> Iterator[_Token]:
        line = 1
        for match in _TOKEN.finditer(text):
            word = match[0]
            if not word.startswith("#"):
                yield _Token(word, line)
            line += word.count("\n")

    def _take(self) -> _Token:
        token = self._next or _Token("\n", 0)
        self._next = next(self._tokens, None)
        return token

    def _peek(self) -> str:
        return self._next.text if self._next else "\n"

    def _header(self) -> Path:
        line = self._take().line
        is_array = self._peek() == "["
        keys = self._keys(until="]")
        path: Path = ()
        for key in keys:
            path = (*self._current(path), key)
        if is_array:
            self._take()
            self._table_counts[path] = self._table_counts.get(path, 0) + 1
            self.lines.setdefault(path, line)
            path = self._current(path)
        self.lines.setdefault(path, line)
        return path

    def _current(self, path: Path) -> Path:
        """Go on from an array of tables to its last table."""
        count = self._table_counts.get(path, 0)
        return (*path, count - 1) if count else path

    def _keys(self, until: str) -> list[str]:
        keys = []
        while self._next and self._peek() != until:
            text = self._take().text
            if text not in {".", "[", "\n"}:
                keys.append(text[1:-1] if text[0] in "\"'" else text)
        self._take()
        return keys

    def _key_value(self, table: Path) -> None:
        line = self._next.line if self._next else 0
        for key in self._keys(until="="):
            table = (*table, key)
            self.lines.setdefault(table, line)
        self._value(table)

    def _value(self, path: Path) -> None:
        opening = self._take().text
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            while self._peek() not in {"\n", ",", "]", "}"}:
                self._take()

    def _array(self, path: Path) -> None:
        index = 0
        while self._next and self._peek() != "]":
            if self._peek() in {"\n", ","}:
                self._take()
                continue
            self.lines[(*path, index)] = self._next.line
            self._value((*path, index))
            index += 1
        self._take()

    def _inline_table(self, path: Path) -> None:
        while self._next and self._peek() != "}":
            if self._peek() in {"\n", ","}:
                self._take()
            else:
                self._key_value(path)
        self._take()


def toml_lines(text: str) -> dict[Path, int]:
    """Map each key and array element to its line.

    Parameters
    ----------
    text : str
        TOML that ``tomllib.loads`` accepts.

    Returns
    -------
    dict
        Paths such as ``("block", 0, "prefixes", 2)`` to lines, from 1.
    """
    scan = _Scan(text)
    with suppress(RecursionError):  # whatever lies too deep is told by the line of what is around it
        scan.run()
    return scan.lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of a path, or of the nearest thing around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1
