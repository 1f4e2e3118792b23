"""``blocktap check``: what would be watched, and what is wrong with the settings and rules."""

from pathlib import Path
from typing import Annotated

import typer


def check(
    *,
    blocks: Annotated[
        list[Path] | None,
        typer.Option("--blocks", metavar="FILE", help="Rule file or list of addresses; may be repeated."),
    ] = None,
    watch: Annotated[
        list[str] | None, typer.Option("--watch", metavar="CIDR", help="Prefix to watch; may be repeated.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file.")] = None,
    store: Annotated[str | None, typer.Option("--store", metavar="DIR", help="Store to check.")] = None,
    format: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Format of the lists, not recognised but told."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check settings, rules and store, and say what would be watched."""
    from sensor.cli._check import Asked, run_check

    run_check(Asked(blocks or [], watch or [], config, store, format, as_json))
