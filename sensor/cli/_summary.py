"""A few figures for people, on standard error: what they are, how much, and what that means."""

import os
import sys

GAP = "  "


def print_rows(rows: list[tuple[str, str, str]]) -> None:
    """Print a line each, in columns, the middle one to the right; on a terminal, with weight on the first."""
    if sys.stderr.isatty() or os.environ.keys() & {"FORCE_COLOR", "TTY_COMPATIBLE"}:
        _print_styled(rows)
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, figure, meaning in rows:
        line = f"{name:<{widths[0]}}{GAP}{figure:>{widths[1]}}{GAP}{meaning:<{widths[2]}}"
        print(line, file=sys.stderr)


def _print_styled(rows: list[tuple[str, str, str]]) -> None:
    # It takes longer to import than the rest of a small replay, so only where it shows.
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, len(GAP)))
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for row in rows:
        table.add_row(*row)
    Console(stderr=True, highlight=False).print(table)
