"""A progress bar for replays, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from sensor.capture import Progress as Position


@contextmanager
def progress_bar() -> Iterator[Callable[[Position], None]]:
    """Show a bar while the block runs; call what it gives with each position."""
    bar = Progress(
        TextColumn("replay"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("replay", total=None, rate="")

        def advance(position: Position) -> None:
            elapsed_s = bar.tasks[0].elapsed or 0.0
            rate = f"{position.packets / elapsed_s:,.0f} packets/s" if elapsed_s > 0 else ""
            bar.update(task, completed=position.bytes_read, total=position.bytes_total, rate=rate)

        yield advance
