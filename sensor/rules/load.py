"""Rule files and blocks given by hand, in any format, to one plan."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from sensor.errors import RuleError
from sensor.rules.address import parse_prefixes
from sensor.rules.blocks import read_blocks
from sensor.rules.columns import Columns, columns_of_gathered
from sensor.rules.formats import BLOCKS, NAMES, READERS
from sensor.rules.gather import Gathered, ListReader, check_name
from sensor.rules.location import shipped
from sensor.rules.mistake import TextError, nearest, printable, printable_path
from sensor.rules.model import BY_HAND, Block, Plan
from sensor.rules.overlaps import find_overlaps
from sensor.rules.recognise import recognise
from sensor.rules.source import Source, read_source

RIR = "rir"


def load_plan(blocks_files: Sequence[Path], watch: Sequence[str], *, format: str | None = None) -> Plan:  # noqa: A002
    """Load every rule file and every block given by hand into one plan.

    Parameters
    ----------
    blocks_files : sequence of Path
        Rule files; ``FILE#KP`` takes one country of a registry's file. With neither files nor
        ``watch``, the shipped ``blocks.toml``.
    watch : sequence of str
        Prefixes or ranges, each a block named by its own text.
    format : str, optional
        Format of all files, where recognition is not wanted; ``rir:KP`` takes one country.

    Returns
    -------
    Plan
        What the core compiles, with warnings and the lines that were left out.

    Raises
    ------
    RuleError
        A file cannot be read, has no usable line, or is a ``blocks.toml`` with a mistake.
    """
    format_name, country = _parse_format(format)
    gathered = Gathered()
    files = list(blocks_files) or ([] if watch else [shipped() / "blocks.toml"])
    for path in files:
        source = read_source(path)
        _read_file(source, format_name or recognise(source), country or source.country, gathered)
    for text in watch:
        _watch(text, gathered)
    return compile_plan(gathered)


def _parse_format(given: str | None) -> tuple[str | None, str]:
    if given is None:
        return None, ""
    name, colon, country = given.partition(":")
    if name not in NAMES:
        raise RuleError(f"unknown format {printable(given)!r}; {nearest(name, NAMES)}")
    if colon and (name != RIR or not (len(country) == 2 and country.isascii() and country.isalpha())):
        raise RuleError(
            f"unknown format {printable(given)!r}; a country is taken of a registry's file, as in rir:KP"
        )
    return name, country.upper()


def _read_file(source: Source, format_name: str, country: str, gathered: Gathered) -> None:
    shown = printable_path(source.path)
    if country and format_name != RIR:
        raise RuleError(
            f"{shown}: a country is taken of a registry's file only, and this is read as {format_name}"
        )
    if format_name == BLOCKS:
        read_blocks(source, gathered)
        return
    name = f"{source.name}-{country}" if country else source.name
    try:
        check_name(name)
    except TextError as mistake:
        raise RuleError(
            f"{shown}: {mistake.reason}, which is the file's name; rename the file: {mistake.mend}"
        ) from None
    reader = ListReader(gathered, source.path, name, country)
    if country != source.country:
        source = Source(source.path, source.name, source.data, country)
    READERS[format_name](source, reader)
    reader.finish(format_name)


def _watch(text: str, gathered: Gathered) -> None:
    try:
        prefixes = parse_prefixes(text.strip())
    except TextError as mistake:
        raise RuleError(f"{BY_HAND} {printable(text)}: {mistake.reason}; {mistake.mend}") from None
    if any(block.path == BY_HAND and block.name == text.strip() for block in gathered.blocks):
        gathered.warnings.append(f"{BY_HAND} {text.strip()} is given twice")
        return
    gathered.begin(gathered.new_block(Block(text.strip(), path=BY_HAND)))
    for prefix in prefixes:
        gathered.add(prefix, 1)


def compile_plan(gathered: Gathered) -> Plan:
    """Make the plan of what was gathered: duplicates left out, overlaps told."""
    columns = columns_of_gathered(gathered)
    findings = find_overlaps(columns)
    columns = columns.without(findings.duplicates)
    return Plan(
        blocks=columns.blocks,
        addresses=columns.addresses.tobytes(),
        lengths=columns.lengths.tobytes(),
        block_indices=columns.block_indices.tobytes(),
        valid_from_ns=columns.valid_from_ns.tobytes(),
        valid_until_ns=columns.valid_until_ns.tobytes(),
        warnings=(*gathered.warnings, *_same_names(columns), *findings.warnings),
        refused=tuple(gathered.refused),
    )


def _same_names(columns: Columns) -> list[str]:
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for block in columns.blocks:
        paths[block.name].append(printable_path(block.path))
    return [
        f"{printable(name)} is the name of a block in {' and in '.join(files)}: their flows will look alike"
        for name, files in paths.items()
        if len(files) > 1
    ]
