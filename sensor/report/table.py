"""Cells of a table, for people and for machines."""

from __future__ import annotations

from typing import Any

from sensor.report import words
from sensor.report.model import Column, Kind, Table
from sensor.report.text import csv_cell

_ENDS = ("value", "low", "high")


def shown(value: Any, kind: Kind) -> tuple[str, str]:
    """A cell as people read it: the value, and its interval where it has one."""
    if value is None:
        return words.NOTHING, ""
    match kind:
        case Kind.COUNT:
            return words.count(value), ""
        case Kind.BYTES:
            return words.amount(value), ""
        case Kind.NUMBER:
            return words.decimal(value), ""
        case Kind.PART:
            return words.percent(value), ""
        case Kind.SHARE:
            return words.percent(value["value"]), words.percent_interval(value)
        case Kind.INTERVAL:
            return words.decimal(value["value"]), words.number_interval(value)
        case _:
            return str(value), ""


def in_words(value: Any, kind: Kind) -> str:
    """A cell in one line."""
    text, interval = shown(value, kind)
    return f"{text} ({interval})" if interval else text


def is_numeric(column: Column) -> bool:
    """Whether a column's cells stand to the right and sort as numbers."""
    return column.kind is not Kind.TEXT


def sort_key(value: Any, kind: Kind) -> str:
    """The bare number behind a numeric cell; nothing where there is none."""
    if kind in {Kind.SHARE, Kind.INTERVAL} and value is not None:
        value = value["value"]
    return "" if value is None or kind is Kind.TEXT else repr(value)


def csv(table: Table) -> str:
    """The table as a CSV file: full precision, intervals as three columns, formulas defused."""
    head = []
    for column in table.columns:
        if column.kind in {Kind.SHARE, Kind.INTERVAL}:
            head += [f"{column.title}, {end}" for end in _ENDS]
        else:
            head.append(column.title)
    lines = [",".join(csv_cell(title) for title in head)]
    lines += [
        ",".join(cell for value, column in zip(row, table.columns, strict=True) for cell in _csv(value, column))
        for row in table.rows
    ]
    return "\r\n".join(lines) + "\r\n"


def _csv(value: Any, column: Column) -> list[str]:
    if column.kind in {Kind.SHARE, Kind.INTERVAL}:
        parts = value or dict.fromkeys(_ENDS)
        return ["" if parts[end] is None else repr(parts[end]) for end in _ENDS]
    if value is None:
        return [""]
    return [csv_cell(value) if isinstance(value, str) else repr(value)]
