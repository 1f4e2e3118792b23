"""``blocks.toml``: the project's own format, with holders, doubts and dates; strict to the letter."""

import re
from collections.abc import Iterator
from typing import cast, get_args

from sensor.rules.address import parse_prefixes
from sensor.rules.dates import end_ns, first_ns, parse_day
from sensor.rules.gather import Gathered, check_name
from sensor.rules.mistake import TextError
from sensor.rules.model import ALWAYS_FROM_NS, FOREVER_UNTIL_NS, Block, Confidence, Role
from sensor.rules.source import Source
from sensor.rules.table import Table, read_tables

KEYS = (
    "name", "prefixes", "holder", "claimed_country", "registered_country", "confidence", "role", "valid_from",
    "valid_to", "note", "source",
)  # fmt: skip
REQUIRED_KEYS = ("name", "prefixes")

_COUNTRY = re.compile(r"[A-Z]{2}|")


def read_blocks(source: Source, gathered: Gathered) -> None:
    """Read a ``blocks.toml`` whole, or refuse it whole.

    Entries of one name are one block, whose prefixes may differ in their dates.

    Raises
    ------
    RuleError
        With file, line, the offending text and the mend.
    """
    indices: dict[str, int] = {}
    for table in read_tables(source, "block"):
        block = _block(table)
        valid_from_ns, valid_until_ns = _validity(table)
        index = indices.get(block.name)
        if index is None:
            index = indices[block.name] = gathered.new_block(block)
        else:
            _check_same(table, block, gathered.blocks[index])
        gathered.begin(index, valid_from_ns, valid_until_ns)
        for number, text in enumerate(table.texts("prefixes")):
            try:
                prefixes = parse_prefixes(text.strip())
            except TextError as mistake:
                raise table.error(mistake, text, "prefixes", number) from None
            line = table.line("prefixes", number)
            for prefix in prefixes:
                gathered.add(prefix, line)


def _block(table: Table) -> Block:
    table.check_keys(KEYS, REQUIRED_KEYS)
    name = table.text("name")
    try:
        check_name(name)
    except TextError as mistake:
        raise table.error(mistake, name, "name") from None
    claimed, registered = (_country(table, key) for key in ("claimed_country", "registered_country"))
    return Block(
        name=name,
        holder=table.text("holder"),
        claimed_country=claimed,
        confidence=cast("Confidence", table.word("confidence", get_args(Confidence), Block(name).confidence)),
        role=cast("Role", table.word("role", get_args(Role), Block(name).role)),
        note=table.text("note"),
        source=table.text("source"),
        path=table.file,
        registered_country=registered,
    )


def _country(table: Table, key: str) -> str:
    country = table.text(key)
    if not _COUNTRY.fullmatch(country):
        mend = "write the two capital letters of ISO 3166, such as KP"
        raise table.error(TextError("not a country code", mend), country, key)
    return country


def _validity(table: Table) -> tuple[int, int]:
    valid_from_ns, valid_until_ns = ALWAYS_FROM_NS, FOREVER_UNTIL_NS
    for key in ("valid_from", "valid_to"):
        if key not in table.values:
            continue
        try:
            day = parse_day(table.values[key])
        except TextError as mistake:
            raise table.error(mistake, str(table.values[key]), key) from None
        if key == "valid_from":
            valid_from_ns = first_ns(day)
        else:
            valid_until_ns = end_ns(day)
    if valid_from_ns >= valid_until_ns:
        backwards = TextError("the block ends before it begins", "put valid_to behind valid_from")
        raise table.error(backwards, str(table.values["valid_to"]), "valid_to")
    return valid_from_ns, valid_until_ns


def _check_same(table: Table, block: Block, earlier: Block) -> None:
    for key in _differences(block, earlier):
        mistake = TextError(
            f"two blocks of one name with a different {key}", f"rename one, or give both the same {key}"
        )
        raise table.error(mistake, block.name, key if key in table.values else "name")


def _differences(one: Block, other: Block) -> Iterator[str]:
    keys = ("holder", "claimed_country", "registered_country", "confidence", "role", "note", "source")
    return (key for key in keys if getattr(one, key) != getattr(other, key))
