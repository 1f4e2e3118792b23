"""Outside addresses by country: taken from prefixes that a registry gave to that country as a whole."""

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from sensor.errors import RuleError

# Neighbouring addresses of a simulated country lie this far apart: no two in one small network.
_STRIDE = 263


@cache
def prefixes_by_country() -> dict[str, tuple[IPv4Network, ...]]:
    """Every country that addresses can be taken from, with its prefixes."""
    text = Path(__file__).with_name("places.toml").read_text(encoding="utf-8")
    return {country: tuple(map(IPv4Network, found)) for country, found in tomllib.loads(text).items()}


class Addresses:
    """Hands out outside addresses, none of them twice and none inside the watched prefixes."""

    def __init__(self, watched: Iterable[IPv4Network]) -> None:
        self._watched = tuple(watched)
        self._next = {country: self._all(country) for country in prefixes_by_country()}

    def take(self, country: str) -> str:
        """The next address of a country.

        Raises
        ------
        RuleError
            There are no more.
        """
        for address in self._next[country]:
            if not any(address in prefix for prefix in self._watched):
                return str(address)
        raise RuleError(f"the scenario wants more addresses of {country} than there are; let it have fewer")

    @staticmethod
    def _all(country: str) -> Iterator[IPv4Address]:
        prefixes = prefixes_by_country()[country]
        for number in range(max(prefix.num_addresses for prefix in prefixes)):
            for prefix in prefixes:
                # Odd and coprime to the size, so the walk meets every address of the prefix once.
                offset = (number * _STRIDE + 17) % prefix.num_addresses
                if number < prefix.num_addresses and offset % 256 not in (0, 255):
                    yield prefix[offset]
