"""What a report is made of, before anybody knows whether it becomes a page, a terminal's lines or Markdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Found = dict[str, Any]
"""The object of a study; see `sensor.study.study`."""


class Kind(StrEnum):
    """What a column holds, and so how its cells are written and sorted."""

    TEXT = "text"
    COUNT = "count"
    BYTES = "bytes"
    NUMBER = "number"
    SHARE = "share"
    """An interval of a fraction."""
    PART = "part"
    """A fraction without an interval."""
    INTERVAL = "interval"


@dataclass(frozen=True)
class Column:
    """A column of a table; ``kind`` says what its cells are."""

    title: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class Table:
    """A table of raw values, which each view writes in its own way.

    Attributes
    ----------
    key
        Name of its file when it is saved.
    caption
        What it shows.
    columns
        Its columns; the first one names the row.
    rows
        Values by column: texts, numbers, None, or intervals where the column says so.
    """

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A chart that is drawn when a view needs it.

    Attributes
    ----------
    key
        Unique in the report.
    title
        What it shows.
    description
        The same in words, for who cannot see it.
    specify
        Gives the chart for a plot so many pixels wide.
    """

    key: str
    title: str
    description: str
    specify: Callable[[int], Any] = field(compare=False)


@dataclass(frozen=True)
class Figure:
    """A headline number: what it counts, the number, its interval in words, and a remark."""

    label: str
    value: str
    interval: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Section:
    """One question and its answer.

    Attributes
    ----------
    key
        Its anchor.
    title, question
        The short name and what is asked.
    means
        The answer in plain sentences, written from the numbers.
    cannot
        What the numbers cannot mean.
    changes
        Claims of this section that do not hold when something is left out.
    charts, tables
        What stands behind the answer.
    """

    key: str
    title: str
    question: str
    means: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Day:
    """One day: its totals in a sentence, and what was used on it."""

    day: str
    says: str
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Report:
    """A whole report.

    Attributes
    ----------
    title, period
        Its heading, and the days it is about.
    simulated
        Scenario the data was made from; None for traffic that was seen.
    figures
        The headline numbers.
    amount
        Sentences on how much data there is.
    sections
        The questions, in order.
    days
        Every day that has data.
    caveats
        What the reader must keep in mind, the gravest first.
    """

    title: str
    period: str
    simulated: str | None
    figures: tuple[Figure, ...]
    amount: tuple[str, ...]
    sections: tuple[Section, ...]
    days: tuple[Day, ...]
    caveats: tuple[str, ...]

    @property
    def banner(self) -> str | None:
        """The words that say that the data is simulated, if it is."""
        if self.simulated is None:
            return None
        return f"Simulated data (scenario {self.simulated}). It says nothing about anybody."
