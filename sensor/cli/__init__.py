"""The command line: one file a command, and this file, which finds them.

A command ``name`` is the module ``sensor/cli/name.py`` with either a function ``name`` or, where it has
commands of its own, a ``typer.Typer`` called ``app``. Files that are no command begin with an underscore.
Command files import typer and the standard library at their top and everything else where it is used; this
file not even typer, so that ``--help`` answers at once. Tests hold both.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.errors import CaptureError, ConfigError, DatasetError, RuleError, StoreError

if TYPE_CHECKING:
    import typer

__all__ = ["command_names", "main", "make_app"]

ABOUT = "A passive network sensor for a list of address blocks, and the study of who they talk to."
HELP_WORDS = ("--help", "-h")
WORK_FAILED = 1
WORDS_WRONG = 2


def command_names() -> list[str]:
    """Names of all commands, in order."""
    files = Path(__file__).parent.glob("[!_]*.py")
    return sorted(file.stem for file in files)


def make_app(names: list[str]) -> "typer.Typer":
    """Build the application out of the commands named; the files of others are not imported."""
    import typer

    from sensor.cli._common import common_options
    from sensor.cli._words import QuickCommand, QuickGroup

    app = typer.Typer(
        name="blocktap",
        cls=QuickGroup,
        help=ABOUT,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": [*reversed(HELP_WORDS)]},
    )
    app.callback()(common_options)
    for name in names:
        module = import_module(f"sensor.cli.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name, cls=QuickCommand)(getattr(module, name))
    return app


def main() -> None:
    """Run the command that the arguments name, and turn a failure into its message and exit status."""
    # The matrices of a study are small: threads that wait for each other over them cost more than they save,
    # and starting them would slow every other command down.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = sys.argv[1:]
    try:
        if len(words) == 1 and words[0] in HELP_WORDS:
            from sensor.cli._help import print_help

            print_help(ABOUT)
            return
        names = command_names()
        make_app(words[:1] if words[:1] and words[0] in names else names)()
    except ConfigError as error:
        _stop(error, WORDS_WRONG)
    except (RuleError, StoreError, CaptureError, DatasetError) as error:
        _stop(error, WORK_FAILED)
    except BrokenPipeError:
        # The reader of a pipe has what it wanted; closing stderr keeps the interpreter from saying so again.
        sys.stderr.close()
        sys.exit(WORK_FAILED)
    except OSError as error:
        _stop(error, WORK_FAILED)


def _stop(error: Exception, status: int) -> None:
    print(f"blocktap: {error}", file=sys.stderr)
    sys.exit(status)
