"""Values of Arrow columns for people, CSV and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa


def rows_of(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    """Rows as tuples of Python values; times become ISO text, which keeps their nanoseconds."""
    for batch in batches:
        columns = [column.cast(_textual_times(column.type)).to_pylist() for column in batch.columns]
        yield from zip(*columns, strict=True)


def plain_value(value: Any) -> str:
    """A value as people read it; lists and structures as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(json_value(value), ensure_ascii=False)
    return str(json_value(value))


def json_value(value: Any) -> Any:
    """A value as JSON can hold it: whole numbers exactly, times and durations as text, no NaN."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, pa.MonthDayNano):
        return f"{value.months} months {value.days} days {value.nanoseconds / 1e9:g} s"
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, dict):
        return {str(key): json_value(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(one) for one in value]
    return str(value)


def escape_controls(text: str, *, keep_lines: bool = False) -> str:
    r"""Make characters visible that a terminal would obey: ``\x1b`` for escape."""
    return "".join(
        one
        if one.isprintable() or (keep_lines and one == "\n")
        else one.encode("unicode_escape").decode("ascii")
        for one in text
    )


def _textual_times(arrow_type: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(arrow_type):
        return pa.utf8()
    if pa.types.is_list(arrow_type):
        return pa.list_(_textual_times(arrow_type.value_type))
    return arrow_type
