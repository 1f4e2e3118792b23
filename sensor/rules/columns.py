"""Gathered prefixes as arrays, one row a prefix."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sensor.rules.gather import Gathered
from sensor.rules.model import Block, Plan


@dataclass(frozen=True, slots=True)
class Columns:
    """The rows of a plan; ``addresses`` has a second axis of 16 bytes."""

    blocks: tuple[Block, ...]
    addresses: NDArray[np.uint8]
    lengths: NDArray[np.uint8]
    block_indices: NDArray[np.uint32]
    valid_from_ns: NDArray[np.int64]
    valid_until_ns: NDArray[np.int64]
    lines: NDArray[np.uint32]

    def halves(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the upper and the lower 64 bits of the addresses."""
        halves = self.addresses.view(">u8").astype(np.uint64)
        return halves[:, 0], halves[:, 1]

    def block(self, row: int) -> Block:
        """Return the block of a row."""
        return self.blocks[int(self.block_indices[row])]

    def meaning(self, row: int) -> tuple[int, int, int]:
        """Return block and validity of a row."""
        return int(self.block_indices[row]), int(self.valid_from_ns[row]), int(self.valid_until_ns[row])

    def without(self, rows: list[int]) -> "Columns":
        """Return the columns without some rows."""
        if not rows:
            return self
        kept = np.ones(len(self.lengths), dtype=bool)
        kept[rows] = False
        arrays = {item.name: getattr(self, item.name)[kept] for item in fields(self) if item.name != "blocks"}
        return Columns(blocks=self.blocks, **arrays)


def columns_of_gathered(gathered: Gathered) -> Columns:
    """Spread the runs of gathered prefixes over their rows."""
    starts = np.array([run.first for run in gathered.runs], dtype=np.int64)
    counts = np.diff(starts, append=len(gathered.lengths))

    def spread(values: list[int]) -> NDArray[np.int64]:
        return np.repeat(np.array(values, dtype="<i8"), counts)

    return Columns(
        blocks=tuple(gathered.blocks),
        addresses=np.frombuffer(gathered.addresses, dtype=np.uint8).reshape(-1, 16),
        lengths=np.frombuffer(gathered.lengths, dtype=np.uint8),
        block_indices=spread([run.block for run in gathered.runs]).astype("<u4"),
        valid_from_ns=spread([run.valid_from_ns for run in gathered.runs]),
        valid_until_ns=spread([run.valid_until_ns for run in gathered.runs]),
        lines=np.array(gathered.lines, dtype=np.uint32),
    )


def columns_of_plan(plan: Plan) -> Columns:
    """Read the columns of a plan back; the lines are no longer known."""
    return Columns(
        blocks=plan.blocks,
        addresses=np.frombuffer(plan.addresses, dtype=np.uint8).reshape(-1, 16),
        lengths=np.frombuffer(plan.lengths, dtype=np.uint8),
        block_indices=np.frombuffer(plan.block_indices, dtype="<u4"),
        valid_from_ns=np.frombuffer(plan.valid_from_ns, dtype="<i8"),
        valid_until_ns=np.frombuffer(plan.valid_until_ns, dtype="<i8"),
        lines=np.zeros(len(plan), dtype=np.uint32),
    )
