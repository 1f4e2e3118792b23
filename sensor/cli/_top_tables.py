"""The tables of ``blocktap top``: titles, columns, and rows as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sensor.cli._top_rates import Look, Row
from sensor.rules.mistake import printable

__all__ = ["TABLES", "TopTable", "quantity"]

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_LONGEST_NAME = 60


@dataclass(frozen=True)
class TopTable:
    """One table: columns that are words, columns that are numbers, and its rows."""

    title: str
    words: tuple[str, ...]
    numbers: tuple[str, ...]
    rows: Callable[[Look], list[tuple[str, ...]]]


def quantity(value: float, unit: str = "") -> str:
    """A number in at most four digits: ``12.3k``, ``1.2 Mbit/s``."""
    space = " " if unit else ""
    for step, sign in _STEPS:
        if abs(value) >= step:
            return f"{value / step:.3g}{space}{sign}{unit}"
    return f"{value:.3g}{space}{unit}"


def _interfaces(look: Look) -> list[tuple[str, ...]]:
    return [
        (*row.name, quantity(row.per_second[0]), quantity(row.per_second[1] * 8, "bit/s"),
         quantity(row.per_second[2]), quantity(row.total[0]), quantity(row.total[4]))
        for row in look.interfaces
    ]  # fmt: skip


def _losses(look: Look) -> list[tuple[str, ...]]:
    return [(*row.name, quantity(row.per_second[0]), quantity(row.total[0])) for row in look.losses]


def _traffic(rows: list[Row], out: int, back: int, total: int) -> list[tuple[str, ...]]:
    return [
        (*row.name, quantity(row.per_second[out] * 8, "bit/s"), quantity(row.per_second[back] * 8, "bit"),
         quantity(row.total[total]))
        for row in rows
    ]  # fmt: skip


def _names(look: Look) -> list[tuple[str, ...]]:
    return [
        (
            datetime.fromtimestamp(row["time_ns"] / 1e9, UTC).strftime("%H:%M:%S"),
            printable(row["name"], limit=_LONGEST_NAME),
            row["service"] or "",
            row["application"] or "",
            row["inside_ip"],
            row["block"],
        )
        for row in look.names
    ]


TABLES = (
    TopTable(
        "Interfaces", ("interface",), ("packets/s", "rate", "matched/s", "packets", "malformed"), _interfaces
    ),
    TopTable("Blocks", ("block",), ("out", "in", "packets"), lambda look: _traffic(look.blocks, 2, 3, 0)),
    TopTable(
        "Services",
        ("block", "service"),
        ("out", "in", "flows"),
        lambda look: _traffic(look.services, 1, 2, 0),
    ),
    TopTable("Lost or left out", ("interface", "reason"), ("packets/s", "packets"), _losses),
    TopTable("Newest names", ("time", "name", "service", "application", "inside", "block"), (), _names),
)
"""What is shown, in order."""
