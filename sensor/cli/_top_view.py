"""``blocktap top`` on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.widgets import DataTable, Footer, Static

from sensor.cli._top_rates import Look, look
from sensor.cli._top_tables import TABLES
from sensor.errors import CaptureError

__all__ = ["TopView"]


class TopView(App[None]):
    """Asks the sensor at an interval and shows what changed.

    Parameters
    ----------
    ask
        Gives an answer to ``status``; called from a thread of its own.
    interval_s
        Between two questions.
    """

    TITLE = "blocktap top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #facts { height: auto; padding: 0 1; }
    Grid { grid-size: 2; grid-gutter: 0 1; grid-rows: 1fr 1fr 1fr; }
    DataTable { height: 100%; border: round $primary; border-title-color: $text; }
    #newest-names { column-span: 2; }
    Screen.-narrow Grid { grid-size: 1; grid-rows: auto; overflow-y: auto; }
    Screen.-narrow DataTable { height: 12; }
    Screen.-narrow #newest-names { column-span: 1; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 # the base class has it so
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape", "quit", "Quit"),
        Binding("space", "pause", "Pause"),
    ]

    def __init__(self, ask: Callable[[], dict[str, Any]], interval_s: float) -> None:
        super().__init__()
        self._ask = ask
        self._interval_s = interval_s
        self._before: dict[str, Any] | None = None
        self._paused = False

    def compose(self) -> ComposeResult:
        """The facts, the tables, the keys."""
        yield Static(id="facts")
        with Grid():
            for shown in TABLES:
                table: DataTable[Text] = DataTable(id=_identifier(shown.title), cursor_type="none")
                table.border_title = shown.title
                yield table
        yield Footer()

    def on_mount(self) -> None:
        """Name the columns, and begin to ask."""
        for shown in TABLES:
            table = self.query_one(f"#{_identifier(shown.title)}", DataTable)
            for word in shown.words:
                table.add_column(word)
            for number in shown.numbers:
                table.add_column(Text(number, justify="right"))
        self.set_interval(self._interval_s, self._tick)
        self._tick()

    def action_pause(self) -> None:
        """Stop, or go on."""
        self._paused = not self._paused

    def _tick(self) -> None:
        if not self._paused:
            self._look()

    @work(thread=True, exclusive=True)
    def _look(self) -> None:
        try:
            now = self._ask()
        except CaptureError as error:
            self.call_from_thread(self._show_failure, str(error))
            return
        found = look(self._before, now)
        self._before = now
        self.call_from_thread(self._show, found)

    def _show_failure(self, reason: str) -> None:
        self.query_one("#facts", Static).update(Text(reason, style="bold red"))

    def _show(self, found: Look) -> None:
        facts = Text()
        for name, value in found.facts:
            style = "bold red" if name.isupper() else "bold"
            facts.append(f"{name} ", style=style).append(f"{value}   ")
        self.query_one("#facts", Static).update(facts)
        for shown in TABLES:
            table = self.query_one(f"#{_identifier(shown.title)}", DataTable)
            table.clear()
            for row in shown.rows(found):
                words, numbers = row[: len(shown.words)], row[len(shown.words) :]
                table.add_row(
                    *(Text(word) for word in words), *(Text(number, justify="right") for number in numbers)
                )


def _identifier(title: str) -> str:
    return title.lower().replace(" ", "-")
