"""Where a running sensor is asked."""

from pathlib import Path
from typing import Any

from sensor.daemon.ask import ask, path_to_ask
from sensor.errors import CaptureError

__all__ = ["ask_sensor", "socket_of"]


def socket_of(config: Path | None, socket: Path | None) -> Path:
    """The control socket: named by hand, by the settings, or where this user's sensor has it."""
    if socket is not None:
        return socket
    if config is not None:
        from sensor.config import load_config

        told = load_config(config).process.control_socket
        if told is not None:
            return told
    return path_to_ask()


def ask_sensor(
    config: Path | None, socket: Path | None, request: dict[str, Any], *, timeout_s: float = 10.0
) -> dict[str, Any]:
    """Ask, and give the whole answer.

    Raises
    ------
    CaptureError
        No sensor answers, with the reason and what to do.
    """
    try:
        return ask(socket_of(config, socket), request, timeout_s=timeout_s)
    except (ConnectionError, TimeoutError) as error:
        raise CaptureError(str(error)) from None
