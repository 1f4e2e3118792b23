"""What ``blocktap query``: SQL over a store."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sensor.cli._format import Format
from sensor.cli._say import say
from sensor.cli._values import escape_controls, json_value, plain_value, rows_of
from sensor.errors import StoreError
from sensor.store.engine.duckdb import connect, looks_for
from sensor.store.integrity import Look
from sensor.store.quarantine import read_around

_BATCH_ROWS = 10_000
_TABLE_ROWS = 1_000
_PIPE_WIDTH = 200

_READING = {"SELECT", "EXPLAIN", "PRAGMA", "MULTI"}


class _Text(Protocol):
    """Where text goes."""

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool: ...


class _Written:
    """A text file that knows whether anything was written to it."""

    def __init__(self, file: _Text) -> None:
        self._file = file
        self.begun = False

    def write(self, text: str) -> int:
        self.begun = self.begun or bool(text)
        return self._file.write(text)

    def flush(self) -> None:
        self._file.flush()

    def isatty(self) -> bool:
        return self._file.isatty()


def run_query(sql: str, store: str, format: Format, output: Path | None) -> None:
    """Run one statement and write its rows; failures end the program with their message."""
    if format is Format.PARQUET and output is None:
        raise typer.BadParameter("parquet is written to a file: add -o FILE", param_hint="--format")
    written = _Written(sys.stdout)

    def work() -> None:
        with connect(store) as connection:
            rows = _run(connection, sql)
            if output is None:
                _write(rows, format, written)
            else:
                _write_file(rows, format, output)

    def looks(error: Exception) -> tuple[Look, ...]:
        # What was written cannot be taken back.
        return () if written.begun else looks_for(error)

    try:
        read_around(store, work, looks, say)
    except StoreError as error:
        _fail(str(error))
    except duckdb.Error as error:
        cut = "; the rows above are not all of them, see `blocktap store check`" if written.begun else ""
        _fail(escape_controls(str(error), keep_lines=True) + cut)
    except BrokenPipeError:
        raise typer.Exit(1) from None
    except OSError as error:
        _fail(f"cannot write {output or 'the result'}: {error.strerror or error}")


def _run(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.RecordBatchReader:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise duckdb.InvalidInputException(f"one statement at a time: these are {len(statements)}")
    if statements[0].type.name not in _READING:
        raise duckdb.InvalidInputException("a query reads: use SELECT, and --format with -o to write a file")
    relation = connection.sql(sql)
    if relation is None:
        raise duckdb.InvalidInputException("this statement gives no rows")
    return relation.to_arrow_reader(_BATCH_ROWS)


def _write_file(rows: pa.RecordBatchReader, format: Format, output: Path) -> None:
    try:
        if format is Format.PARQUET:
            with pq.ParquetWriter(output, rows.schema, compression="zstd") as writer:
                for batch in rows:
                    writer.write_batch(batch)
            return
        with output.open("w", encoding="utf-8", newline="") as target:
            _write(rows, format, target)
    except duckdb.Error:
        output.unlink(missing_ok=True)
        raise


def _write(rows: pa.RecordBatchReader, format: Format, target: _Text) -> None:
    if format is Format.CSV:
        _write_csv(rows, target)
    elif format is Format.JSON:
        _write_json(rows, target)
    else:
        _write_table(rows, target)


def _write_csv(rows: pa.RecordBatchReader, target: _Text) -> None:
    # What a terminal would obey is made visible there; a file gets the values as they are.
    show = escape_controls if target.isatty() else str
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(rows.schema.names)
    for row in rows_of(rows):
        writer.writerow(["" if value is None else show(plain_value(value)) for value in row])


def _write_json(rows: pa.RecordBatchReader, target: _Text) -> None:
    names = rows.schema.names
    separator = "["
    for row in rows_of(rows):
        target.write(separator + json.dumps(dict(zip(names, map(json_value, row), strict=True))))
        separator = ",\n"
    target.write("[]\n" if separator == "[" else "]\n")


def _write_table(rows: pa.RecordBatchReader, target: _Text) -> None:
    table = Table(show_edge=False, pad_edge=False)
    for field in rows.schema:
        is_number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        right = is_number or pa.types.is_decimal(field.type)
        table.add_column(
            Text(escape_controls(field.name)), justify="right" if right else "left", overflow="fold"
        )
    remaining = rows_of(rows)
    for row in _first(remaining, _TABLE_ROWS):
        table.add_row(*(Text("" if value is None else escape_controls(plain_value(value))) for value in row))
    width = None if target.isatty() else _PIPE_WIDTH
    Console(file=cast(IO[str], target), width=width).print(table)
    if next(remaining, None) is not None:
        typer.echo(f"only the first {_TABLE_ROWS} rows: use --format csv or LIMIT", err=True)


def _first(rows: Iterator[tuple[Any, ...]], count: int) -> Iterator[tuple[Any, ...]]:
    for _, row in zip(range(count), rows, strict=False):
        yield row


def _fail(message: str) -> None:
    typer.echo(f"blocktap query: {message}", err=True)
    raise typer.Exit(1)
