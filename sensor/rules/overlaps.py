"""Which prefixes are given twice, and which lie in a prefix of another block."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensor.rules.address import MAPPED_BITS, show_prefix
from sensor.rules.columns import Columns
from sensor.rules.mistake import printable, printable_path
from sensor.rules.model import BY_HAND

MAPPED_PREFIX = 0xFFFF
"""The lower half of a mapped IPv4 address, above its 32 bits; the upper half is zero."""
MAXIMUM_WARNINGS = 20
"""Most duplicates and overlaps that are told; the rest are counted."""


@dataclass(slots=True)
class Findings:
    """What was found: rows to leave out, and warnings about the first few of all."""

    columns: Columns
    duplicates: list[int]
    warnings: list[str]
    count: int = 0

    def tell(self, row: int, what: str, other: int) -> None:
        """Count a finding, and put it into words while there are few."""
        self.count += 1
        if len(self.warnings) < MAXIMUM_WARNINGS:
            self.warnings.append(
                f"{self.place(row)}: {self.name(row)} {what} {self.name(other)}, {self.place(other)}"
            )

    def place(self, row: int) -> str:
        """Return file and line of a row."""
        columns = self.columns
        path = columns.block(row).path
        return path if path == BY_HAND else f"{printable_path(path)}:{columns.lines[row]}"

    def name(self, row: int) -> str:
        """Return prefix and block of a row."""
        columns = self.columns
        prefix = show_prefix(columns.addresses[row].tobytes(), int(columns.lengths[row]))
        return f"{prefix} of {printable(columns.block(row).name)}"


def find_overlaps(columns: Columns) -> Findings:
    """Find duplicates within blocks and overlaps between different blocks that hold at one time."""
    findings = Findings(columns, [], [])
    order = sorted_order(columns)
    _find_duplicates(columns, order, findings)
    if len(columns.blocks) > 1:
        kept = order[~np.isin(order, findings.duplicates)] if findings.duplicates else order
        _find_nesting(columns, kept, findings)
    unlisted = findings.count - len(findings.warnings)
    if unlisted:
        findings.warnings.append(f"and {unlisted} more duplicates and overlaps")
    return findings


def sorted_order(columns: Columns) -> NDArray[np.int64]:
    """Return the rows by family, address and length, equal ones as they were read."""
    high, low = columns.halves()
    return np.lexsort((columns.lengths, low, high, is_ipv4(columns)))


def is_ipv4(columns: Columns) -> NDArray[np.bool_]:
    """Tell which rows are IPv4."""
    high, low = columns.halves()
    rows: NDArray[np.bool_] = columns.lengths >= MAPPED_BITS
    rows &= (high == 0) & (low >> np.uint64(32) == np.uint64(MAPPED_PREFIX))
    return rows


def _find_duplicates(columns: Columns, order: NDArray[np.int64], findings: Findings) -> None:
    high, low = columns.halves()
    equal = np.ones(max(len(order) - 1, 0), dtype=bool)
    for column in (high, low, columns.lengths):
        in_order = column[order]
        equal &= in_order[1:] == in_order[:-1]
    seen: dict[tuple[int, int, int], int] = {}
    previous = -1
    for position in np.flatnonzero(equal).tolist():
        if position != previous + 1 or previous < 0:
            seen = {columns.meaning(int(order[position])): int(order[position])}
        previous = position
        row = int(order[position + 1])
        first = seen.setdefault(columns.meaning(row), row)
        if first != row:
            findings.duplicates.append(row)
            findings.tell(row, "is given twice, first as", first)


def _find_nesting(columns: Columns, order: NDArray[np.int64], findings: Findings) -> None:
    high, low = columns.halves()
    families = is_ipv4(columns)[order].tolist()
    around: list[tuple[int, int]] = []  # (last address, row) of the prefixes that hold the current one
    family = None
    rows = zip(
        order.tolist(),
        high[order].tolist(),
        low[order].tolist(),
        columns.lengths[order].tolist(),
        strict=True,
    )
    for position, (row, upper, lower, length) in enumerate(rows):
        first = upper << 64 | lower
        if families[position] != family:
            family = families[position]
            around.clear()
        while around and around[-1][0] < first:
            around.pop()
        outer = next((other for _, other in reversed(around) if _conflict(columns, row, other)), None)
        if outer is not None:
            same = columns.lengths[outer] == length
            findings.tell(row, "is also" if same else "lies in", outer)
        around.append((first | (1 << (128 - length)) - 1, row))


def _conflict(columns: Columns, row: int, other: int) -> bool:
    block, valid_from_ns, valid_until_ns = columns.meaning(row)
    other_block, other_from_ns, other_until_ns = columns.meaning(other)
    return block != other_block and valid_from_ns < other_until_ns and other_from_ns < valid_until_ns
