"""``blocktap --help``, drawn from a list at hand: building all commands to name them takes three times as long.

A test holds it to what the commands say of themselves.
"""

import sys
from pathlib import PurePath

from rich.box import ROUNDED
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table

SUMMARIES = {
    "check": "Check settings, rules, store and interfaces, and say what would be watched.",
    "explain": (
        "Explain one flow: how it was decoded, matched and named, with the evidence, and its packets dissected."
    ),
    "export": "Send the flow records of a store to a collector, with their names.",
    "query": "Ask a store in SQL.",
    "reload": "Let a running sensor read its rules again; it keeps the old ones where the new are bad.",
    "replay": "Replay captures: decode, match, count per flow, store.",
    "report": "Study a store: hard numbers and how sure they are.",
    "run": "Capture from interfaces until told to stop.",
    "simulate": ("Simulate a scenario, with planted, known numbers: as a capture or as the rows of a store."),
    "top": "Show a running sensor: rates, blocks, services, losses, newest names.",
    "dataset": "The evidence of a study as an open data set in which nobody is, and its check.",
    "store": "Housekeeping of a store, safe beside writers and readers.",
}
"""Each command's first sentence; those with commands of their own come last."""

_OPTIONS = (
    ("--version", "", "Print the version and exit."),
    ("--help", "-h", "Show this message and exit."),
)


def print_help(about: str) -> None:
    """Print what there is, as typer draws the help of a single command."""
    console = Console(highlight=False)
    usage = f"[yellow]Usage:[/] [bold]{_program()} \\[OPTIONS] COMMAND \\[ARGS]...[/]"
    console.print(Padding(usage, 1))
    console.print(Padding(about, (0, 1, 1, 1)))
    options = _rows()
    for long, short, meaning in _OPTIONS:
        options.add_row(
            f"[bold cyan]{long}[/]", f"[bold green]{short}[/]", "", "", "[yellow]<bool>[/]", meaning
        )
    console.print(_framed("Options", options))
    commands = _rows()
    for name, summary in SUMMARIES.items():
        commands.add_row(f"[bold cyan]{name}[/]", summary)
    console.print(_framed("Commands", commands))
    console.print()


def _program() -> str:
    name = PurePath(sys.argv[0]).name
    return "python -m sensor" if name == "__main__.py" else name


def _rows() -> Table:
    return Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)


def _framed(title: str, rows: Table) -> Panel:
    return Panel(rows, title=title, title_align="left", border_style="dim", box=ROUNDED)
