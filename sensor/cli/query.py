"""``blocktap query``: SQL over a store."""

from pathlib import Path
from typing import Annotated

import typer

from sensor.cli._format import Format
from sensor.cli._options import StoreRead


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over the views flows, dns, hosts and accounting.")],
    store: StoreRead,
    format: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.TABLE,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write instead of standard output."),
    ] = None,
) -> None:
    """Ask a store in SQL."""
    from sensor.cli._query import run_query

    run_query(sql, store, format, output)
