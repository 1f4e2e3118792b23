"""The loop that every format of one entry a line shares."""

from collections.abc import Callable

from sensor.rules.gather import ListReader
from sensor.rules.mistake import Mistake
from sensor.rules.source import MAXIMUM_LINE_BYTES, Source

LineParser = Callable[[str, int], None]
"""Takes the text of a line, stripped, and its number; raises Mistake for a line to leave out."""

COMMENT_SIGNS = ("#", ";")


def read_lines(source: Source, reader: ListReader, parse: LineParser) -> None:
    """Hand every line that is neither blank nor a comment to ``parse``; refuse those it cannot use."""
    for number, raw in source.lines():
        if len(raw) > MAXIMUM_LINE_BYTES:
            mistake = Mistake("the line is too long", f"use at most {MAXIMUM_LINE_BYTES} bytes a line")
            reader.refuse(number, raw[:256].decode(errors="backslashreplace"), mistake)
            continue
        try:
            text = raw.decode().strip()
            if text and not text.startswith(COMMENT_SIGNS):
                parse(text, number)
        except Mistake as mistake:
            reader.refuse(number, text, mistake)
        except UnicodeDecodeError:
            mistake = Mistake("not UTF-8", "save the file as UTF-8")
            reader.refuse(number, raw[:256].decode(errors="backslashreplace").strip(), mistake)
