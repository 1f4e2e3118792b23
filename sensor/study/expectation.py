"""What share of traffic each country is held against, and who says so."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from sensor.errors import ConfigError
from sensor.rules import shipped

SHIPPED = "shares of allocated IPv4 addresses (registries' delegation statistics)"
BLOCK_PREFIX = "block:"


@dataclass(frozen=True)
class Expectation:
    """Expected share of flows by country; a country that is missing has no expectation.

    Attributes
    ----------
    source
        What the shares are.
    shares
        Fractions by ISO code.
    block
        A block of the store that serves as expectation for the others, instead of `shares`.
    """

    source: str
    shares: dict[str, float]
    block: str | None = None


def load_expectation(given: str | None) -> Expectation:
    """Load the expectation that was asked for: the shipped one, a CSV file, or ``block:NAME``.

    Raises
    ------
    ConfigError
        The file cannot be read, or is no list of countries and shares.
    """
    if given is None:
        return Expectation(SHIPPED, read_shares(shipped() / "address-shares.csv"))
    if given.startswith(BLOCK_PREFIX):
        block = given.removeprefix(BLOCK_PREFIX)
        return Expectation(f"shares of block {block}", {}, block)
    path = Path(given)
    return Expectation(path.name, read_shares(path))


def read_shares(path: Path) -> dict[str, float]:
    """Read a CSV file with the columns ``country`` and ``share``; lines that begin with # are remarks.

    Raises
    ------
    ConfigError
        With the line and what is wrong with it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    kept = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    header = [word.strip() for word in kept[0][1].split(",")] if kept else []
    if not {"country", "share"} <= set(header):
        raise ConfigError(f"{path}: has no columns country and share; write them into the first line")
    shares: dict[str, float] = {}
    for number, line in kept[1:]:
        row = dict(zip(header, (word.strip() for word in next(csv.reader([line]))), strict=False))
        country, share = row.get("country", "").upper(), _number(row.get("share", ""))
        if len(country) != 2 or not country.isalpha() or share is None:
            raise ConfigError(
                f"{path}:{number}: {line!r} is no country and share; write a line such as IN,0.01 "
                "(two letters, and a fraction from 0 to 1)"
            )
        shares[country] = share
    total = sum(shares.values())
    if total > 1.001:
        raise ConfigError(f"{path}: the shares add up to {total:g}; they are fractions of one whole")
    return shares


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= 1 else None
