"""``blocktap reload``: swap the rules of a running sensor."""

from typing import Annotated

import typer

from sensor.cli._options import ControlSocket, Settings

WORK_FAILED = 1


def reload(
    config: Settings = None,
    socket: ControlSocket = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Let a running sensor read its rules again; it keeps the old ones where the new are bad."""
    import json

    from sensor.cli._control import ask_sensor
    from sensor.cli._say import say

    answer = ask_sensor(config, socket, {"request": "reload"}, timeout_s=120.0)
    if as_json:
        print(json.dumps(answer))
    if not answer["ok"]:
        say(f"blocktap: the rules stay as they are: {answer['error']}")
        raise typer.Exit(WORK_FAILED)
    rules = answer["rules"]
    say(f"{rules['blocks']:,} blocks with {rules['prefixes']:,} prefixes, {rules['services']:,} services")
