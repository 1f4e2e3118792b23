"""The options of ``blocktap`` itself."""

from typing import Annotated

import typer


def _print_version(asked: bool) -> None:
    if asked:
        from sensor import __version__

        typer.echo(f"blocktap {__version__}")
        raise typer.Exit


def common_options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""
