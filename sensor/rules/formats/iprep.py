"""Suricata's IP reputation lists: ``address,category,reputation``."""

from sensor.rules.address import parse_cidr
from sensor.rules.formats.lines import read_lines
from sensor.rules.gather import ListReader
from sensor.rules.mistake import TextError
from sensor.rules.source import Source

LAST_CATEGORY = 60
LAST_REPUTATION = 127


def read(source: Source, reader: ListReader) -> None:
    """Read the addresses of all categories; Suricata itself clears bits behind a length."""

    def parse(text: str, number: int) -> None:
        fields = [cell.strip() for cell in text.split(",")]
        if len(fields) != 3:
            raise TextError("not three fields", "write 192.0.2.1,1,100")
        address, category, reputation = fields
        if not _is_number(category, LAST_CATEGORY) or not _is_number(reputation, LAST_REPUTATION):
            raise TextError(
                "not a category and a reputation",
                f"write numbers up to {LAST_CATEGORY} and {LAST_REPUTATION}",
            )
        reader.add(parse_cidr(address, mask_host_bits=True), number)

    read_lines(source, reader, parse)


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= most
