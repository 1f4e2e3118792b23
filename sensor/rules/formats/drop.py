"""Spamhaus DROP: the text form, ``CIDR ; SBLnumber``, and the form of one JSON object a line."""

import json

from sensor.rules.address import parse_cidr
from sensor.rules.formats.lines import read_lines
from sensor.rules.gather import ListReader
from sensor.rules.mistake import TextError
from sensor.rules.source import Source


def read_text(source: Source, reader: ListReader) -> None:
    """Read ``CIDR ; SBLnumber`` lines; a line that begins with ``;`` is a comment."""

    def parse(text: str, number: int) -> None:
        reader.add(parse_cidr(text.partition(";")[0].rstrip()), number)

    read_lines(source, reader, parse)


def read_json(source: Source, reader: ListReader) -> None:
    """Read objects with a ``cidr``, one a line; the object of type ``metadata`` is skipped."""

    def parse(text: str, number: int) -> None:
        try:
            entry = json.loads(text)
        except (ValueError, RecursionError):
            raise TextError(
                "not a JSON object", 'write one object a line, {"cidr": "192.0.2.0/24"}'
            ) from None
        if isinstance(entry, dict) and entry.get("type") == "metadata":
            return
        cidr = entry.get("cidr") if isinstance(entry, dict) else None
        if not isinstance(cidr, str):
            raise TextError("an entry without a cidr", 'write {"cidr": "192.0.2.0/24"}')
        reader.add(parse_cidr(cidr.strip()), number)

    read_lines(source, reader, parse)
