"""Where the readers of all formats put what they find, before it becomes a plan."""

from array import array
from dataclasses import dataclass, field, replace

from sensor.errors import RuleError
from sensor.rules.address import Prefix
from sensor.rules.mistake import TextError, printable, printable_path
from sensor.rules.model import ALWAYS_FROM_NS, FOREVER_UNTIL_NS, Block, Refusal

MAXIMUM_PREFIXES = 1 << 24
"""Most prefixes of a plan; the core's own limit."""
MAXIMUM_BLOCKS = 1 << 16
"""Most blocks of a plan."""
MAXIMUM_REFUSALS = 1000
"""Most refused lines that are kept of one file; the rest are counted."""
MAXIMUM_NAME_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive prefixes of one block and one validity, from the prefix numbered ``first`` on."""

    first: int
    block: int
    valid_from_ns: int
    valid_until_ns: int


@dataclass(slots=True)
class Gathered:
    """Prefixes in the order they were read, with the line each came from."""

    blocks: list[Block] = field(default_factory=list)
    addresses: bytearray = field(default_factory=bytearray)
    lengths: bytearray = field(default_factory=bytearray)
    lines: "array[int]" = field(default_factory=lambda: array("I"))
    runs: list[Run] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def new_block(self, block: Block) -> int:
        """Add a block and return its index."""
        if len(self.blocks) >= MAXIMUM_BLOCKS:
            raise RuleError(f"{printable_path(block.path)}: more than {MAXIMUM_BLOCKS} blocks; join some")
        self.blocks.append(block)
        return len(self.blocks) - 1

    def begin(
        self, block: int, valid_from_ns: int = ALWAYS_FROM_NS, valid_until_ns: int = FOREVER_UNTIL_NS
    ) -> None:
        """Let the prefixes that follow belong to a block and be valid for a time."""
        run = Run(len(self.lengths), block, valid_from_ns, valid_until_ns)
        if not self.runs or replace(self.runs[-1], first=run.first) != run:
            self.runs.append(run)

    def add(self, prefix: Prefix, line: int) -> None:
        """Add one prefix to the block begun last."""
        if len(self.lengths) >= MAXIMUM_PREFIXES:
            raise RuleError(f"more than {MAXIMUM_PREFIXES} prefixes; split the lists over several sensors")
        self.addresses += prefix[0]
        self.lengths.append(prefix[1])
        self.lines.append(line)


class ListReader:
    """One third-party list on its way into a plan: its blocks by name, its refused lines.

    Parameters
    ----------
    gathered : Gathered
        What all files have given so far.
    path : str
        The list, for messages.
    default_name : str
        Name of the block whose prefixes carry no name of their own.
    claimed_country : str
        What the list is known to hold, or empty.
    """

    def __init__(self, gathered: Gathered, path: str, default_name: str, claimed_country: str = "") -> None:
        self._gathered = gathered
        self._path = path
        self._default_name = default_name
        self._claimed_country = claimed_country
        self._indices: dict[str, int] = {}
        self._current: str | None = None
        self._refused_count = 0
        self.added_count = 0

    def add(self, prefix: Prefix, line: int, name: str = "") -> None:
        """Add a prefix to the block of that name, or to the list's own."""
        if name != self._current:
            self._switch(name)
        self._gathered.add(prefix, line)
        self.added_count += 1

    def refuse(self, line: int, text: str, mistake: TextError) -> None:
        """Leave a line out, and remember why."""
        self._refused_count += 1
        if self._refused_count <= MAXIMUM_REFUSALS:
            refusal = Refusal(self._path, line, printable(text), mistake.reason, mistake.mend)
            self._gathered.refused.append(refusal)

    def finish(self, kind: str) -> None:
        """End the list.

        Raises
        ------
        RuleError
            Nothing in it was usable; the first refused line says why.
        """
        shown = printable_path(self._path)
        if not self.added_count:
            if not self._refused_count:
                raise RuleError(
                    f"{shown}: no address in it, read as {kind}; name the format if it is another"
                )
            first = next(refusal for refusal in self._gathered.refused if refusal.file == self._path)
            raise RuleError(
                f"{shown}:{first.line}: no usable line, read as {kind}; "
                f"the first: {first.reason}: {first.text!r}; {first.mend}"
            )
        unlisted = self._refused_count - MAXIMUM_REFUSALS
        if unlisted > 0:
            self._gathered.warnings.append(f"{shown}: {unlisted} more refused lines are not listed")

    def _switch(self, name: str) -> None:
        called = name or self._default_name
        index = self._indices.get(called)
        if index is None:
            check_name(called)
            index = self._gathered.new_block(
                Block(called, claimed_country=self._claimed_country, path=self._path)
            )
            self._indices[called] = index
        self._current = name
        self._gathered.begin(index)


def check_name(name: str) -> None:
    """Refuse a block name that could not be shown or stored.

    Raises
    ------
    TextError
        The name is empty, too long, or has characters a name must not have.
    """
    if not name.strip():
        raise TextError("a block without a name", "give it a name")
    if len(name) > MAXIMUM_NAME_CHARACTERS:
        raise TextError("the block's name is too long", f"use at most {MAXIMUM_NAME_CHARACTERS} characters")
    if "/" in name:
        raise TextError("a / in the block's name", f"did you mean {printable(name.replace('/', '-'))}?")
    if not name.isprintable():
        raise TextError("a control character in the block's name", "use letters, digits and signs")
