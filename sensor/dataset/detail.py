"""The levels of detail on which use is told, and the words that stand where something is not."""

from __future__ import annotations

from dataclasses import dataclass

OTHER = "(other)"
"""There is a value, and it is not told."""
RARE = "(rare)"
"""There is a name, and it is not told."""
ANY = "(any)"
"""Not told, nor whether there is a value at all."""
MARKS = (OTHER, RARE, ANY)

COLUMNS = (
    "block", "service", "organisation", "category", "application", "country", "site", "name",
)  # fmt: skip
"""What a flow was, besides its day."""
NAMES = ("site", "name")


@dataclass(frozen=True)
class Level:
    """One level of detail.

    Attributes
    ----------
    says
        What a cell of it tells, in words.
    kept
        Columns that are told.
    marked
        Columns of which is told whether there is a value.
    """

    says: str
    kept: tuple[str, ...]
    marked: tuple[str, ...] = ()

    def word(self, column: str, value: str | None) -> str | None:
        """What stands in a column of a cell."""
        if column in self.kept:
            return value
        if column not in self.marked:
            return ANY
        return None if value is None else RARE if column in NAMES else OTHER


_WHAT = ("block", "service", "organisation", "category", "application")

LEVELS = (
    Level("block, service, application, country and name", COLUMNS),
    Level("the same, the name brought down to its site", (*_WHAT, "country", "site"), ("name",)),
    Level("the same without the site", (*_WHAT, "country"), NAMES),
    Level("the same without the country", _WHAT, NAMES),
    Level("block, category and application", ("block", "category", "application"), ("service", *NAMES)),
    Level("block and category", ("block", "category"), NAMES),
    Level("block", ("block",)),
    Level("the day alone", ()),
)
"""The most precise first. Each has the day."""
