"""``blocktap top`` without a terminal: one look as text."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from sensor.cli._top_rates import look
from sensor.cli._top_tables import TABLES


def print_once(ask: Callable[[], dict[str, Any]], interval_s: float) -> None:
    """Look twice, and print what happened in between."""
    before = ask()
    time.sleep(interval_s)
    found = look(before, ask())
    console = Console(highlight=False)
    for name, value in found.facts:
        console.print(f"{name}: {value}", markup=False)
    for shown in TABLES:
        table = Table(title=shown.title, title_justify="left", box=None, pad_edge=False)
        for word in shown.words:
            table.add_column(word, no_wrap=True)
        for number in shown.numbers:
            table.add_column(number, justify="right", no_wrap=True)
        for row in shown.rows(found)[:10]:
            table.add_row(*row)
        console.print()
        console.print(table)
