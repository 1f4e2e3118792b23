"""What rules are once loaded: blocks, the lines that were refused, and the plan the core compiles."""

from dataclasses import dataclass
from typing import Literal

Confidence = Literal["high", "medium", "low"]
Role = Literal["holder", "relay"]

BY_HAND = "--watch"
"""``path`` of a block that was given by hand."""
ALWAYS_FROM_NS = -(2**63)
"""``valid_from_ns`` of a prefix that has no first day."""
FOREVER_UNTIL_NS = 2**63 - 1
"""``valid_until_ns`` of a prefix that has no last day."""


@dataclass(frozen=True, slots=True)
class Block:
    """One watched block: who is said to hold it, and how sure that is.

    Attributes
    ----------
    name : str
        What the ``block`` column says.
    holder : str
        Who is said to use the addresses; empty where nobody claims to know.
    claimed_country : str
        ISO 3166-1 code the holder is said to be in, or empty.
    registered_country : str
        ISO 3166-1 code under which a registry has the addresses, where somebody looked it up at the time;
        or empty.
    confidence : {"high", "medium", "low"}
        How sure the attribution is.
    role : {"holder", "relay"}
        Whether the addresses are used by the holder, or by others through it.
    note, source : str
        The doubts, and where the claim comes from.
    path : str
        The file that names the block, or ``--watch``.
    """

    name: str
    holder: str = ""
    claimed_country: str = ""
    confidence: Confidence = "medium"
    role: Role = "holder"
    note: str = ""
    source: str = ""
    path: str = ""
    registered_country: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One line of a list that was left out, why, and what to write instead."""

    file: str
    line: int
    text: str
    reason: str
    mend: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Every watched prefix, in the columns the core reads.

    Attributes
    ----------
    blocks : tuple of Block
        ``block_indices`` point into it.
    addresses : bytes
        16 bytes a prefix, big endian; IPv4 is mapped into ``::ffff:0:0/96``.
    lengths : bytes
        One uint8 a prefix, 0 to 128; an IPv4 ``/n`` is ``96 + n``.
    block_indices : bytes
        One uint32, little endian.
    valid_from_ns, valid_until_ns : bytes
        One int64 each, little endian, nanoseconds since 1970 UTC: the first at which the prefix is
        valid and the first at which it no longer is.
    warnings : tuple of str
        Duplicates and overlaps, each told once.
    refused : tuple of Refusal
        Lines that were left out of lists.
    """

    blocks: tuple[Block, ...]
    addresses: bytes
    lengths: bytes
    block_indices: bytes
    valid_from_ns: bytes
    valid_until_ns: bytes
    warnings: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()

    def __len__(self) -> int:
        """Return the number of prefixes."""
        return len(self.lengths)
