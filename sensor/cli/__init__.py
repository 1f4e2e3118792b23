"""The command line: one file a command, and this file, which finds them.

A command ``name`` is the module ``sensor/cli/name.py`` with either a function ``name`` or, where it has
commands of its own, a ``typer.Typer`` called ``app``. Files that are no command begin with an underscore.
Command files import typer and the standard library at their top and everything else where it is used, so
that ``--help`` answers at once; a test holds that.
"""

import os
import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated

import typer

from sensor.errors import CaptureError, ConfigError, RuleError, StoreError

__all__ = ["command_names", "main", "make_app"]

WORK_FAILED = 1
WORDS_WRONG = 2


def command_names() -> list[str]:
    """Names of all commands, in the order in which ``--help`` lists them."""
    return sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))


def make_app(names: list[str]) -> typer.Typer:
    """Build the application out of the commands named; the files of others are not imported."""
    app = typer.Typer(
        name="blocktap",
        help="A passive network sensor for a list of address blocks, and the study of who they talk to.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_common_options)
    for name in names:
        module = import_module(f"sensor.cli.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


def main() -> None:
    """Run the command that the arguments name, and turn a failure into its message and exit status."""
    # The matrices of a study are small: threads that wait for each other over them cost more than they save,
    # and starting them would slow every other command down.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    names = command_names()
    asked_for = sys.argv[1] if len(sys.argv) > 1 else None
    app = make_app([asked_for] if asked_for in names else names)
    try:
        app()
    except ConfigError as error:
        _stop(error, WORDS_WRONG)
    except (RuleError, StoreError, CaptureError) as error:
        _stop(error, WORK_FAILED)
    except BrokenPipeError:
        # The reader of a pipe has what it wanted; closing stderr keeps the interpreter from saying so again.
        sys.stderr.close()
        sys.exit(WORK_FAILED)
    except OSError as error:
        _stop(error, WORK_FAILED)


def _stop(error: Exception, status: int) -> None:
    typer.echo(f"blocktap: {error}", err=True)
    sys.exit(status)


def _print_version(asked: bool) -> None:
    if asked:
        from sensor import __version__

        typer.echo(f"blocktap {__version__}")
        raise typer.Exit


def _common_options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass
