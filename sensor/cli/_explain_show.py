"""An explanation for people: wire content escaped, and never read as markup."""

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sensor.cli._explain_case import Step, counted
from sensor.cli._explain_flows import FlowSummary
from sensor.cli._explain_packets import Dissection
from sensor.cli._values import escape_controls

_PIPE_WIDTH = 120
MOST_EVIDENCE = 30
MOST_FINDINGS = 200
MOST_CHARACTERS = 600


def show(flow: str, steps: list[Step], packets: list[Dissection], packets_counted: int) -> None:
    """Print the steps, then the packets."""
    console = _console()
    console.print(_text(f"Flow {flow}", "bold"))
    for step in steps:
        console.print()
        console.print(_text(step.title, "bold"))
        console.print(_step_table(step))
    for packet in packets:
        console.print()
        direction = "out" if packet.is_out else "in"
        cut = f" of {packet.original:,}" if packet.captured < packet.original else ""
        heading = f"packet {packet.number}, {direction}, {packet.time} UTC, {packet.captured:,}{cut} bytes"
        console.print(_text(heading, "bold"))
        for line in packet.lines:
            console.print(Text("  " + line), soft_wrap=True)
    if packets and packets_counted > len(packets):
        console.print()
        console.print(_text(f"{counted(packets_counted - len(packets), 'more packet')}: --packets N", "dim"))


def show_flows(flows: Iterable[FlowSummary], heading: str, *, is_failure: bool = False) -> None:
    """Print a line for each flow; a failure goes to standard error."""
    console = _console(is_error=is_failure)
    console.print(_text(f"blocktap: {heading}" if is_failure else heading, None if is_failure else "bold"))
    for one in flows:
        # One line a flow, however long: lists are searched by line.
        what = " ".join(part for part in (one.application, one.name) if part)
        ends = f"{one.protocol} {one.inside} - {one.outside}"
        line = Text.assemble(one.community_id, f"{one.packets:>9,}  ", _text(ends), "  ", _text(what, "dim"))
        console.print(line, soft_wrap=True)


def _step_table(step: Step) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", min_width=9, style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for finding in step.findings[:MOST_FINDINGS]:
        number = "" if finding.packet is None else f"#{finding.packet}"
        table.add_row(number, _text(finding.text))
        for line in finding.evidence[:MOST_EVIDENCE]:
            table.add_row("", Padding(_text(line, "dim"), (0, 0, 0, 2)))
    if len(step.findings) > MOST_FINDINGS:
        table.add_row("", _text(f"{len(step.findings) - MOST_FINDINGS:,} more", "dim"))
    return table


def _text(text: str, style: str | None = None) -> Text:
    shown = text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "..."
    return Text(escape_controls(shown), style=style or "")


def _console(*, is_error: bool = False) -> Console:
    stream = sys.stderr if is_error else sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else _PIPE_WIDTH)
