"""The control socket: whoever may open it asks a running sensor, one JSON object a line each way.

A request is ``{"request": NAME, ...}``, its answer ``{"ok": true, ...}`` or ``{"ok": false, "error": TEXT}``.
A connection may carry several. The file's mode is 0660: the sensor's user and group may ask.
"""

import json
import os
import selectors
import socket
import stat
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from sensor.daemon.logs import logger
from sensor.errors import ConfigError
from sensor.rules.mistake import nearest, printable, printable_path
from sensor.store.lock import FileLock

Handler = Callable[[dict[str, Any]], Mapping[str, Any]]

MOST_CLIENTS: Final = 16
MOST_REQUEST_BYTES: Final = 1 << 16
CLIENT_TIMEOUT_S: Final = 10.0
MODE: Final = 0o660

_TICK_S: Final = 0.5
_BACKLOG: Final = 16
_LONGEST_PATH_BYTES: Final = 107
_READ_BYTES: Final = 1 << 16


@dataclass
class _Client:
    """One connection: what came and is no whole line yet, what is yet to be sent, and until when."""

    connection: socket.socket
    deadline: float
    received: bytearray = field(default_factory=bytearray)
    to_send: bytearray = field(default_factory=bytearray)
    closing: bool = False


class ControlServer:
    """Answers requests in a thread of its own.

    Handlers run in that thread one after the other, so they are quick or hand over to another. A client that
    is slow, floods or says nothing for `CLIENT_TIMEOUT_S` is let go, and keeps no other waiting.

    Parameters
    ----------
    path
        Of the socket. One that a dead sensor left is replaced.
    handlers
        By the name of the request. Returns the keys of the answer besides ``ok``.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self.path = path
        self._handlers = dict(handlers)
        self._selector = selectors.DefaultSelector()
        self._clients: dict[int, _Client] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._lock: FileLock | None = None
        self._listener: socket.socket | None = None
        self._inode = 0

    def start(self) -> None:
        """Open the socket and answer.

        Raises
        ------
        ConfigError
            Another sensor answers there, something else is in the way, or the folder cannot be written to.
        """
        try:
            self._lock = _claim(self.path)
            self._listener, self._inode = _listen(self.path)
        except OSError as error:
            self._release()
            reason = error.strerror or str(error)
            raise ConfigError(f"control socket {printable_path(self.path)}: {reason}") from None
        except BaseException:
            self._release()
            raise
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and remove the socket."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        for client in list(self._clients.values()):
            self._let_go(client)
        self._selector.close()
        if self._listener is not None:
            self._listener.close()
            with suppress(OSError):
                # Another one may have taken the place of a file that was removed under us.
                if self.path.lstat().st_ino == self._inode:
                    self.path.unlink()
        self._release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except OSError as error:
                # Short of descriptors, say: that passes, and the sensor has better to do than to die of it.
                logger().warning("control socket failed", error=str(error))
                self._stopping.wait(_TICK_S)

    def _turn(self) -> None:
        for key, events in self._selector.select(_TICK_S):
            if key.fileobj is self._listener:
                self._accept()
                continue
            client = self._clients.get(key.fd)
            if client is not None and not self._advance(client, events):
                self._let_go(client)
        now = time.monotonic()
        for client in [client for client in self._clients.values() if client.deadline < now]:
            self._let_go(client)

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # whoever it was did not wait
        if len(self._clients) >= MOST_CLIENTS:
            connection.close()
            return
        connection.setblocking(False)
        client = _Client(connection, time.monotonic() + CLIENT_TIMEOUT_S)
        self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ)

    def _advance(self, client: _Client, events: int) -> bool:
        """Take and give what can be now; False where the client is done with."""
        try:
            if events & selectors.EVENT_READ:
                came = client.connection.recv(_READ_BYTES)
                if not came:
                    return False
                client.received += came
            self._answer_line(client)
            while client.to_send:
                del client.to_send[: client.connection.send(client.to_send)]
                self._answer_line(client)
        except BlockingIOError:
            pass
        except OSError:
            return False
        if client.closing and not client.to_send:
            return False
        # Whoever does not take its answers is asked nothing more until it does.
        self._selector.modify(
            client.connection, selectors.EVENT_WRITE if client.to_send else selectors.EVENT_READ
        )
        return True

    def _answer_line(self, client: _Client) -> None:
        """Answer the next whole line, once the answer before it is sent."""
        if client.to_send or client.closing:
            return
        line, newline, rest = client.received.partition(b"\n")
        if len(line) > MOST_REQUEST_BYTES:
            client.to_send += _line({"ok": False, "error": "the request is too long"})
            client.closing = True
        elif newline:
            client.received = rest
            client.to_send += _line(self._answer(bytes(line)))
            # From here, so that what the handler took is not the client's fault.
            client.deadline = time.monotonic() + CLIENT_TIMEOUT_S

    def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = json.loads(line)
            name = request["request"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return {"ok": False, "error": 'a request is one line with one object: {"request": NAME}'}
        handler = self._handlers.get(name) if isinstance(name, str) else None
        if handler is None:
            known = nearest(str(name), self._handlers)
            return {"ok": False, "error": f"unknown request {printable(str(name))}; {known}"}
        try:
            return {"ok": True, **handler(request)}
        except Exception as error:  # noqa: BLE001 # told to whoever asked; the sensor goes on
            logger(request=name).warning("request failed", error=str(error))
            return {"ok": False, "error": str(error) or type(error).__name__}

    def _let_go(self, client: _Client) -> None:
        self._clients.pop(client.connection.fileno(), None)
        with suppress(KeyError, ValueError):
            self._selector.unregister(client.connection)
        client.connection.close()


def _claim(path: Path) -> FileLock:
    """Lock the place, which tells a live sensor from a dead one's socket."""
    if len(os.fsencode(_beside(path))) > _LONGEST_PATH_BYTES:
        raise ConfigError(f"control socket {printable_path(path)}: the path is too long for a socket")
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    if not lock.acquire():
        raise ConfigError(
            f"control socket {printable_path(path)}: process {lock.read() or '?'} answers there already; "
            "stop it, or set another process.control_socket"
        )
    lock.write(str(os.getpid()))
    return lock


def _listen(path: Path) -> tuple[socket.socket, int]:
    """Open the socket beside its place and move it there when its mode is right."""
    _make_way(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    beside = _beside(path)
    try:
        beside.unlink(missing_ok=True)
        listener.bind(str(beside))
        beside.chmod(MODE)
        listener.listen(_BACKLOG)
        inode = beside.lstat().st_ino
        beside.replace(path)
    except BaseException:
        listener.close()
        with suppress(OSError):
            beside.unlink()
        raise
    return listener, inode


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _make_way(path: Path) -> None:
    """Refuse to replace what is no socket, or what another program answers at."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConfigError(f"control socket {printable_path(path)}: a file that is no socket is there")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return
    raise ConfigError(f"control socket {printable_path(path)}: another program answers there")


def _line(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":"), default=str).encode() + b"\n"
