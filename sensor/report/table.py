"""Cells of a table, for people and for machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sensor.report import words
from sensor.report.model import Column, Kind, Table
from sensor.report.text import csv_cell

_ENDS = ("value", "low", "high")


_WRITTEN: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: str,
    Kind.COUNT: words.count,
    Kind.BYTES: words.amount,
    Kind.NUMBER: words.decimal,
    Kind.PART: words.percent,
    Kind.SHARE: lambda value: words.percent(value["value"]),
    Kind.INTERVAL: lambda value: words.decimal(value["value"]),
}
_INTERVALS: dict[Kind, Callable[[Any], str]] = {
    Kind.SHARE: words.percent_interval,
    Kind.INTERVAL: words.number_interval,
}


def shown(value: Any, kind: Kind) -> tuple[str, str]:
    """A cell as people read it: the value, and its interval where it has one."""
    if value is None:
        return words.NOTHING, ""
    return _WRITTEN[kind](value), _INTERVALS[kind](value) if kind in _INTERVALS else ""


def in_words(value: Any, kind: Kind) -> str:
    """A cell in one line."""
    text, interval = shown(value, kind)
    return f"{text} ({interval})" if interval else text


def is_numeric(column: Column) -> bool:
    """Whether a column's cells stand to the right and sort as numbers."""
    return column.kind is not Kind.TEXT


def sort_key(value: Any, kind: Kind) -> str:
    """The bare number behind a numeric cell; nothing where there is none."""
    if kind in _INTERVALS and value is not None:
        value = value["value"]
    return "" if value is None or kind is Kind.TEXT else repr(value)


def csv(table: Table) -> str:
    """The table as a CSV file: full precision, intervals as three columns, formulas defused."""
    head = []
    for column in table.columns:
        if column.kind in _INTERVALS:
            head += [f"{column.title}, {end}" for end in _ENDS]
        else:
            head.append(column.title)
    lines = [",".join(csv_cell(title) for title in head)]
    lines += [
        ",".join(
            cell for value, column in zip(row, table.columns, strict=True) for cell in _csv(value, column)
        )
        for row in table.rows
    ]
    return "\r\n".join(lines) + "\r\n"


def _csv(value: Any, column: Column) -> list[str]:
    if column.kind in _INTERVALS:
        parts = value or dict.fromkeys(_ENDS)
        return ["" if parts[end] is None else repr(parts[end]) for end in _ENDS]
    if value is None:
        return [""]
    return [csv_cell(value) if isinstance(value, str) else repr(value)]
