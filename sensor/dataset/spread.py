"""What a data set tells by week or for the whole period, put on days, as a study by day needs it.

The hours of the same flows say how many of them fell on each day, though not which. Cells are put on those days in
proportion, one after the other, in whole flows: the sum of each cell and of each day stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Row = dict[str, Any]
Base = tuple[date, date, str]
_MEASURES = ("flows", "bytes", "packets")


def by_day(use: pa.Table, hours: pa.Table) -> pa.Table:
    """The rows of ``use``, each on one ``day``.

    Parameters
    ----------
    use, hours
        The tables of a data set.
    """
    one_day = pc.equal(use["first_day"], use["last_day"])
    kept = use.filter(one_day)
    told = kept.append_column("day", kept["first_day"]).drop_columns(["first_day", "last_day"])
    rest = use.filter(pc.invert(one_day)).to_pylist()
    if not rest:
        return told
    room = _room(hours)
    rows = [row for cell in rest for row in _on_days(cell, room[_base(cell)])]
    return pa.concat_tables([told, pa.Table.from_pylist(rows, schema=told.schema)])


def put(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount into whole parts in proportion to weights; what is left goes to the largest remainders.

    No part is larger than its weight as long as the amount is not larger than their sum.
    """
    total = sum(weights)
    if not total:
        return [amount, *(0 for _ in weights[1:])]
    parts = [amount * weight // total for weight in weights]
    remainders = [amount * weight % total for weight in weights]
    first = sorted(range(len(weights)), key=lambda place: (-remainders[place], place))
    for place in first[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def _room(hours: pa.Table) -> dict[Base, list[int]]:
    """Flows of each day of each base group; those of which the day is not told, spread evenly."""
    room: dict[Base, list[int]] = {}
    untold: dict[Base, int] = {}
    for row in hours.filter(pc.not_equal(hours["first_day"], hours["last_day"])).to_pylist():
        base = _base(row)
        days = room.setdefault(base, [0] * ((base[1] - base[0]).days + 1))
        if row["day"] is None:
            untold[base] = untold.get(base, 0) + row["flows"]
        else:
            days[(row["day"] - base[0]).days] += row["flows"]
    for base, flows in untold.items():
        more = put(flows, [1] * len(room[base]))
        room[base] = [one + other for one, other in zip(room[base], more, strict=True)]
    return room


def _on_days(cell: Row, room: list[int]) -> Iterator[Row]:
    flows = put(cell["flows"], room)
    room[:] = [left - taken for left, taken in zip(room, flows, strict=True)]
    bytes_, packets = put(cell["bytes"], flows), put(cell["packets"], flows)
    for place, amounts in enumerate(zip(flows, bytes_, packets, strict=True)):
        if any(amounts):
            yield {
                **cell,
                "day": cell["first_day"] + timedelta(days=place),
                **dict(zip(_MEASURES, amounts, strict=True)),
            }


def _base(row: Row) -> Base:
    return row["first_day"], row["last_day"], row["block"]
