"""CSV with a header: the columns that hold addresses are known by their names, others are ignored."""

import csv
from dataclasses import dataclass

from sensor.rules.address import Prefix, parse_cidr, parse_prefixes, parse_range
from sensor.rules.formats.lines import read_lines
from sensor.rules.gather import ListReader
from sensor.rules.mistake import TextError
from sensor.rules.source import Source

DELIMITERS = (",", ";", "\t", "|")
PREFIX_COLUMNS = (
    "cidr", "prefix", "network", "subnet", "range", "netblock", "ip", "ipaddress", "address", "addr",
    "ipv4", "ipv6", "srcip", "dstip", "ipprefix", "ipnetwork", "iprange",
)  # fmt: skip
RANGE_COLUMNS = (
    ("start", "end"), ("startip", "endip"), ("ipstart", "ipend"), ("rangestart", "rangeend"),
    ("startaddress", "endaddress"), ("first", "last"), ("firstip", "lastip"), ("from", "to"),
    ("ipfrom", "ipto"),
)  # fmt: skip
NAME_COLUMNS = ("block", "name", "set")


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns stand: one with a prefix, or two with the ends of a range; and the name."""

    delimiter: str
    columns: tuple[int, ...]
    name: int | None


def parse_header(line: str) -> Header | None:
    """Return what a line says as a header, or None if it names no column of addresses."""
    for delimiter in DELIMITERS:
        cells = [_normal(cell) for cell in split_row(line, delimiter)]
        columns = _address_columns(cells)
        if columns:
            name = next((cells.index(word) for word in NAME_COLUMNS if word in cells), None)
            return Header(delimiter, columns, name)
    return None


def read(source: Source, reader: ListReader) -> None:
    """Read the rows behind the header; a name or block column names the block."""
    header: Header | None = None

    def parse(text: str, number: int) -> None:
        nonlocal header
        if header is None:
            header = parse_header(text)
            if header is None:
                raise TextError(
                    "no header with a column of addresses", "begin the file with a header such as cidr,name"
                )
            return
        cells = [cell.strip() for cell in split_row(text, header.delimiter)]
        if max(header.columns) >= len(cells):
            raise TextError("the row ends before its address", "give each row as many fields as the header")
        name = cells[header.name] if header.name is not None and header.name < len(cells) else ""
        for prefix in _prefixes([cells[column] for column in header.columns]):
            reader.add(prefix, number, name)

    read_lines(source, reader, parse)


def split_row(line: str, delimiter: str) -> list[str]:
    """Split one row; a quoted field does not reach past its line."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        raise TextError("the quotes do not match", 'quote a field as in "a, b"') from None


def _prefixes(cells: list[str]) -> list[Prefix]:
    if len(cells) == 2:
        return parse_range(*cells)
    return parse_prefixes(cells[0]) if "-" in cells[0] else [parse_cidr(cells[0])]


def _address_columns(cells: list[str]) -> tuple[int, ...]:
    for word in PREFIX_COLUMNS:
        if word in cells:
            return (cells.index(word),)
    for first, last in RANGE_COLUMNS:
        if first in cells and last in cells:
            return cells.index(first), cells.index(last)
    return ()


def _normal(cell: str) -> str:
    return cell.strip().lower().translate(str.maketrans("", "", " _-."))
