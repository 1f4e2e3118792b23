"""MISP warning lists: one JSON object whose ``list`` holds addresses and CIDRs."""

import json
import re
from collections.abc import Iterator

from sensor.errors import RuleError
from sensor.rules.address import parse_prefixes
from sensor.rules.gather import ListReader
from sensor.rules.mistake import TextError, printable_path
from sensor.rules.source import Source

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def read(source: Source, reader: ListReader) -> None:
    """Read the strings of ``list``.

    Raises
    ------
    RuleError
        The file is not such an object.
    """
    text = source.text()
    strings = _strings(text)
    line = 1
    for entry in _entries(source, text):
        if not isinstance(entry, str):
            reader.refuse(line, json.dumps(entry), TextError("not a string", 'write "192.0.2.0/24"'))
            continue
        # JSON has no line numbers: go on to where this string stands.
        line = next((number for value, number in strings if value == entry), line)
        try:
            for prefix in parse_prefixes(entry.strip()):
                reader.add(prefix, line)
        except TextError as mistake:
            reader.refuse(line, entry, mistake)


def _strings(text: str) -> Iterator[tuple[str, int]]:
    """Yield each string behind the key ``list`` with its line."""
    position = max(text.find('"list"'), 0)
    line = text.count("\n", 0, position) + 1
    for match in _STRING.finditer(text, position):
        line += text.count("\n", position, match.start())
        position = match.start()
        value = json.loads(match[0], strict=False) if "\\" in match[0] else match[0][1:-1]
        yield value, line


def _entries(source: Source, text: str) -> list[object]:
    shown = printable_path(source.path)
    try:
        document = json.loads(text)
    except RecursionError:
        raise RuleError(f"{shown}: JSON nested too deeply for a warning list") from None
    except json.JSONDecodeError as error:
        raise RuleError(f"{shown}:{error.lineno}: not JSON: {error.msg} at column {error.colno}") from None
    except ValueError:
        raise RuleError(f"{shown}: a number too large for a warning list") from None
    entries = document.get("list") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise RuleError(f'{shown}: a JSON file without a "list"; write {{"list": ["192.0.2.0/24"]}}')
    return entries
