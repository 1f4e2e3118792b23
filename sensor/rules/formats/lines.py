"""The loop that every format of one entry a line shares."""

from collections.abc import Callable

from sensor.rules.gather import ListReader
from sensor.rules.mistake import TextError
from sensor.rules.source import MAXIMUM_LINE_BYTES, Source

LineParser = Callable[[str, int], None]
"""Takes the text of a line, stripped, and its number; raises TextError for a line to leave out."""

COMMENT_SIGNS = ("#", ";")

_TOO_LONG = TextError("the line is too long", f"use at most {MAXIMUM_LINE_BYTES} bytes a line")
_NOT_UTF8 = TextError("not UTF-8", "save the file as UTF-8")


def read_lines(source: Source, reader: ListReader, parse: LineParser) -> None:
    """Hand every line that is neither blank nor a comment to ``parse``; refuse those it cannot use."""
    for number, raw in source.lines():
        if len(raw) > MAXIMUM_LINE_BYTES:
            reader.refuse(number, _readable(raw), _TOO_LONG)
            continue
        try:
            text = raw.decode().strip()
        except UnicodeDecodeError:
            reader.refuse(number, _readable(raw), _NOT_UTF8)
            continue
        try:
            if text and not text.startswith(COMMENT_SIGNS):
                parse(text, number)
        except TextError as mistake:
            reader.refuse(number, text, mistake)


def _readable(raw: bytes) -> str:
    return raw[:256].decode(errors="backslashreplace").strip()
