"""``blocktap check``: what would be watched, and what is wrong with the settings and rules."""

from typing import Annotated

import typer

from sensor.cli._options import Blocks, ListFormat, Settings, Watch


def check(
    *,
    blocks: Blocks = None,
    watch: Watch = None,
    config: Settings = None,
    interface: Annotated[
        list[str] | None,
        typer.Option("--interface", metavar="NIC", help="Interface to check for a capture; may be repeated."),
    ] = None,
    store: Annotated[str | None, typer.Option("--store", metavar="DIR", help="Store to check.")] = None,
    format: ListFormat = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check settings, rules, store and interfaces, and say what would be watched."""
    from sensor.cli._check import Asked, run_check

    run_check(Asked(blocks or [], watch or [], config, store, format, interface or [], as_json))
