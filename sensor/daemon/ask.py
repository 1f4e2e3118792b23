"""Ask a running sensor over its control socket; imports nothing but the standard library."""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any, Final

from sensor.errors import ConfigError

SYSTEM_SOCKET: Final = Path("/run/blocktap/control.sock")

_LAST_SYSTEM_UID: Final = 999
_MOST_ANSWER_BYTES: Final = 1 << 24
_READ_BYTES: Final = 1 << 16


def default_path() -> Path:
    """Where a sensor of this user opens its control socket.

    Raises
    ------
    ConfigError
        A person's session has no folder for sockets.
    """
    if os.geteuid() <= _LAST_SYSTEM_UID:
        return SYSTEM_SOCKET
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if not folder:
        raise ConfigError(
            "XDG_RUNTIME_DIR is not set; set process.control_socket, or start from a login session"
        )
    return Path(folder) / "blocktap.sock"


def path_to_ask() -> Path:
    """Where to ask: at this user's sensor where there is one, else at the system's."""
    try:
        own = default_path()
    except ConfigError:
        return SYSTEM_SOCKET
    return own if own.exists() else SYSTEM_SOCKET


def ask(path: Path, request: dict[str, Any], *, timeout_s: float = 10.0) -> dict[str, Any]:
    """Send one request and return its answer.

    Parameters
    ----------
    path
        The control socket.
    request
        With the key ``request``.
    timeout_s
        How long the whole may take.

    Raises
    ------
    ConnectionError
        Nobody is there, or what is there does not answer as a sensor does; the message says what to do.
    TimeoutError
        It did not answer in time.
    """
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            line = _read_line(connection, deadline)
        except TimeoutError:
            raise TimeoutError(f"{path}: no answer within {timeout_s:g} s") from None
        except OSError as error:
            raise ConnectionError(_why(path, error)) from None
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "ok" not in answer:
        raise ConnectionError(f"{path}: what answers there is no blocktap")
    return answer


def _read_line(connection: socket.socket, deadline: float) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        came = connection.recv(_READ_BYTES)
        if not came or len(received) > _MOST_ANSWER_BYTES:
            break
        received += came
    return bytes(received)


def _why(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"{path}: no blocktap runs there; start one, or name its control socket"
    if isinstance(error, PermissionError):
        return f"{path}: not permitted; ask as root, or as a member of the group of that file"
    return f"{path}: {error.strerror or error}"
