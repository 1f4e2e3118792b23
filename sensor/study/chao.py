"""How many were never seen: the lower bound of Chao (1987) from those seen once and twice."""

from __future__ import annotations

import math
from dataclasses import dataclass

_Z = 1.959963984540054


@dataclass(frozen=True)
class Bound:
    """A lower bound of a number of kinds with its 95 % interval."""

    value: float
    low: float
    high: float


def chao2(seen: int, once: int, twice: int, units: int) -> Bound:
    """Chao2: kinds by how many sampling units met them, with a log-normal interval.

    Parameters
    ----------
    seen
        Kinds that were met.
    once, twice
        Kinds met in exactly one unit, and in exactly two.
    units
        Number of sampling units.

    Returns
    -------
    Bound
        Never below what was seen.
    """
    if units < 1 or once == 0:
        return Bound(float(seen), float(seen), float(seen))
    correction = (units - 1) / units
    if twice > 0:
        unseen = correction * once**2 / (2 * twice)
        ratio = once / twice
        variance = twice * (
            correction / 2 * ratio**2 + correction**2 * ratio**3 + correction**2 / 4 * ratio**4
        )
    else:
        unseen = correction * once * (once - 1) / 2
        total = seen + unseen
        variance = (
            correction * once * (once - 1) / 2
            + correction**2 * once * (2 * once - 1) ** 2 / 4
            - correction**2 * once**4 / (4 * total)
        )
    if unseen <= 0:
        return Bound(float(seen), float(seen), float(seen))
    spread = math.exp(_Z * math.sqrt(math.log1p(max(variance, 0.0) / unseen**2)))
    return Bound(seen + unseen, seen + unseen / spread, seen + unseen * spread)
