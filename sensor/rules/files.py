"""Rule files of every format, each to what it says."""

from collections.abc import Sequence
from pathlib import Path

from sensor.errors import RuleError
from sensor.rules.blocks import read_blocks
from sensor.rules.formats import BLOCKS, NAMES, READERS
from sensor.rules.gather import Gathered, ListReader, check_name
from sensor.rules.mistake import TextError, nearest, printable, printable_path
from sensor.rules.recognise import recognise
from sensor.rules.source import Source, read_source

RIR = "rir"


def read_files(paths: Sequence[Path], given_format: str | None, gathered: Gathered) -> None:
    """Gather what rule files say, in the format given or the one each is recognised by.

    Raises
    ------
    RuleError
        There is no such format, or a file cannot be read, has no usable line, or is a ``blocks.toml`` with a
        mistake.
    """
    format_name, country = _parse_format(given_format)
    for path in paths:
        source = read_source(path)
        _read_file(source, format_name or recognise(source), country or source.country, gathered)


def _parse_format(given: str | None) -> tuple[str | None, str]:
    if given is None:
        return None, ""
    name, colon, country = given.partition(":")
    if name not in NAMES:
        guess, listed = nearest(name, NAMES), f"known are {', '.join(NAMES)}"
        mend = listed if guess == listed else f"{guess} {listed}"
        raise RuleError(f"unknown format {printable(given)!r}; {mend}")
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
