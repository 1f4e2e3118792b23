"""Inside addresses with use: how many a day, in each block, and how often each was met."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sensor.study.facts import Dimension

_NO_COUNTRY = {"EU", "AP", "XX", "ZZ"}


class Met(NamedTuple):
    """How many addresses were seen at all, on exactly one day, and on exactly two."""

    seen: int
    once: int
    twice: int


class HostCounts(Protocol):
    """What a study asks of the inside addresses, whether it knows each of them or only how many there were."""

    def per_day(self, days: int, without: str | None = None) -> NDArray[np.float64]:
        """Distinct addresses of each day of the period, those of one block left out."""

    def days_seen(self) -> list[int]:
        """Positions of the days with an address."""

    def seen(self) -> int:
        """Distinct addresses over all days."""

    def by_block(self) -> dict[str, int]:
        """Distinct addresses of each block over all days."""

    def met(self) -> Met | None:
        """How often addresses were met; None where that is not known."""

    def registered_country(self, block: str) -> str | None:
        """ISO code under which the registries have the block's addresses."""


@dataclass(frozen=True)
class Hosts:
    """Inside addresses with use, a row a local day, block and address; DNS counts, it is activity."""

    day: NDArray[np.int64]
    block: Dimension
    address: Dimension

    def per_day(self, days: int, without: str | None = None) -> NDArray[np.float64]:
        """See `HostCounts`."""
        kept = np.ones(len(self.day), bool)
        if without in self.block.words:
            kept = self.block.codes != self.block.words.index(without or "")
        pairs = np.unique(self.day[kept] * self._width + self.address.codes[kept])
        return np.bincount(pairs // self._width, minlength=days).astype(float)

    def days_seen(self) -> list[int]:
        """See `HostCounts`."""
        return sorted(set(self.day.tolist()))

    def seen(self) -> int:
        """See `HostCounts`."""
        return len(set(self.address.codes.tolist()))

    def by_block(self) -> dict[str, int]:
        """See `HostCounts`."""
        pairs = set(zip(self.block.codes.tolist(), self.address.codes.tolist(), strict=True))
        counted = np.bincount([block for block, _ in pairs], minlength=len(self.block.words))
        return {word: int(counted[number]) for number, word in enumerate(self.block.words)}

    def met(self) -> Met:
        """See `HostCounts`."""
        pairs = np.unique(self.day * self._width + self.address.codes)
        times = np.bincount(pairs % self._width, minlength=self._width)
        return Met(int((times > 0).sum()), int((times == 1).sum()), int((times == 2).sum()))

    def registered_country(self, block: str) -> str | None:
        """See `HostCounts`."""
        if block not in self.block.words:
            return None
        here = self.block.codes == self.block.words.index(block)
        addresses = sorted({self.address.words[code] for code in self.address.codes[here].tolist()})
        return _commonest_country(addresses)

    @property
    def _width(self) -> int:
        return max(len(self.address.words), 1)


def _commonest_country(addresses: list[str]) -> str | None:
    import iptocc

    counts: Counter[str] = Counter()
    for address in addresses:
        code = iptocc.country_code(address)
        if code and code not in _NO_COUNTRY:
            counts[code] += 1
    return min(counts, key=lambda code: (-counts[code], code)) if counts else None
