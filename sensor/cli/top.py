"""``blocktap top``: a running sensor, live."""

from typing import Annotated

import typer

from sensor.cli._options import ControlSocket, Settings


def top(
    config: Settings = None,
    socket: ControlSocket = None,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=0.2, max=3600, help="Between two looks.")
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print one look, over one interval, and end.")] = False,
) -> None:
    """Show a running sensor: rates, blocks, services, losses, newest names."""
    import sys

    from sensor.cli._control import ask_sensor

    def ask() -> dict[str, object]:
        answer = ask_sensor(config, socket, {"request": "status"})
        if not answer["ok"]:
            raise typer.BadParameter(str(answer["error"]), param_hint="--socket")
        return answer

    if once or not sys.stdout.isatty():
        from sensor.cli._top_once import print_once

        print_once(ask, interval)
        return
    from sensor.cli._top_view import TopView

    TopView(ask, interval).run()
