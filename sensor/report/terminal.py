"""The report on a terminal: the numbers, each answer in a few lines, and what to keep in mind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.report.model import Figure, Report, Section, Table
from sensor.report.table import in_words, is_numeric
from sensor.report.text import visible

if TYPE_CHECKING:
    from rich.console import Console

_MOST_ROWS = 8
_SHOWN = {
    "blocks": ("block", "flows", "share of flows", "bytes"),
    "services": ("service", "kind", "flows", "share of flows"),
    "countries": ("country", "flows", "share of flows", "times the expected"),
    "vpn-services": ("service", "flows", "addresses inside", "first day"),
    "onsets": ("what", "began", "flows a day before", "flows a day after", "event before"),
}
"""Columns that a summary shows, by the key of their table."""


def print_summary(console: Console, report: Report) -> None:
    """Print a summary.

    Parameters
    ----------
    console
        Where; its width decides how it looks.
    report
        Which.
    """
    from rich.padding import Padding
    from rich.rule import Rule
    from rich.text import Text

    def say(text: str, style: str = "", indent: int = 2) -> None:
        console.print(Padding(Text(visible(text), style=style), (0, 0, 0, indent)))

    _banner(console, report)
    say(report.title, "bold", 0)
    say(f"{report.period}; {', '.join(report.amount)}", "dim", 0)
    console.print()
    if report.figures:
        console.print(_figures(report.figures))
    for section in report.sections:
        console.print()
        console.print(Rule(Text(section.question, style="bold"), align="left", style="dim"))
        for text in section.means:
            say(text)
        for text in section.changes:
            say(f"! {text}", "yellow")
        _tables(console, section)
    console.print()
    console.print(Rule(Text("What should be kept in mind?", style="bold"), align="left", style="dim"))
    for text in report.caveats:
        say(f"- {text}")
    _banner(console, report)


def _banner(console: Console, report: Report) -> None:
    if report.banner:
        from rich.text import Text

        console.print(Text(visible(report.banner), style="bold black on yellow"))


def _figures(figures: tuple[Figure, ...]) -> Any:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 2))
    grid.add_column(justify="right", style="bold cyan", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column()
    for figure in figures:
        label = f"{figure.label}; {figure.remark}" if figure.remark else figure.label
        grid.add_row(*(Text(visible(text)) for text in (figure.value, figure.interval, label)))
    return grid


def _tables(console: Console, section: Section) -> None:
    from rich.padding import Padding

    for table in section.tables:
        if table.key in _SHOWN:
            console.print(Padding(_table(table), (0, 0, 0, 2)))


def _table(table: Table) -> Any:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    titles = _SHOWN[table.key]
    chosen = [(place, column) for place, column in enumerate(table.columns) if column.title in titles]
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for _, column in chosen:
        grid.add_column(Text(column.title), justify="right" if is_numeric(column) else "left")
    for row in table.rows[:_MOST_ROWS]:
        grid.add_row(*(Text(visible(in_words(row[place], column.kind))) for place, column in chosen))
    if len(table.rows) > _MOST_ROWS:
        grid.caption = f"the first {_MOST_ROWS} of {len(table.rows)}"
    return grid
