"""The formats address lists come in, one file a format, recognised by what they hold."""

from collections.abc import Callable
from typing import Final

from sensor.rules.formats import csv_table, drop, iprep, ipset, misp, nft, plain, rir
from sensor.rules.gather import ListReader
from sensor.rules.source import Source

ListFormat = Callable[[Source, ListReader], None]

BLOCKS: Final = "blocks"
"""Name of the project's own format, which is no list of third parties."""

READERS: Final[dict[str, ListFormat]] = {
    "plain": plain.read,
    "p2p": plain.read_named_ranges,
    "drop": drop.read_text,
    "drop-json": drop.read_json,
    "rir": rir.read,
    "ipset": ipset.read,
    "nft": nft.read,
    "iprep": iprep.read,
    "misp": misp.read,
    "csv": csv_table.read,
}

NAMES: Final = (BLOCKS, *READERS)
