"""The way to a collector: a socket, and failures in words."""

from __future__ import annotations

import select
import socket
from dataclasses import dataclass
from typing import Literal, Self

from sensor.errors import ConfigError

__all__ = ["Collector", "Destination", "Transport"]

Transport = Literal["udp", "tcp"]

CONNECT_S = 10.0
SEND_S = 30.0
"""A collector over TCP that takes nothing for so long is given up."""
LAST_WORD_S = 0.2
"""So long an answer over UDP may take that nobody listens there."""


@dataclass(frozen=True)
class Destination:
    """Where a collector listens."""

    host: str
    port: int
    transport: Transport = "udp"

    @classmethod
    def parse(cls, text: str, transport: Transport = "udp") -> Self:
        """Read ``host:port``, an IPv6 address in brackets.

        Raises
        ------
        ConfigError
            It is neither.
        """
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ConfigError(f"{text!r}: write an IPv6 address in brackets, as [::1]:4739")
        if not colon or not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
            raise ConfigError(f"{text!r} is no collector: write host:port, as 192.0.2.1:4739")
        return cls(host, int(port), transport)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Collector:
    """An open way to a collector; a context manager.

    Raises
    ------
    ConnectionError
        The host is unknown, or nobody listens there. The message says which, and what to look at.
    """

    def __init__(self, destination: Destination, connect_s: float = CONNECT_S) -> None:
        self.destination = destination
        self._socket = _connect(destination, connect_s)
        self._socket.settimeout(SEND_S)

    def send(self, message: bytes) -> None:
        """Send one message.

        Raises
        ------
        ConnectionError
            The collector went away, or takes nothing.
        """
        try:
            if self.destination.transport == "tcp":
                self._socket.sendall(message)
            else:
                self._socket.send(message)
        except OSError as error:
            raise ConnectionError(_told(self.destination, error)) from error

    def finish(self) -> None:
        """Make sure that the last message went somewhere, as far as the transport can tell.

        Raises
        ------
        ConnectionError
            It did not.
        """
        try:
            if self.destination.transport == "tcp":
                self._socket.shutdown(socket.SHUT_WR)
            elif select.select([self._socket], [], [], LAST_WORD_S)[0]:
                self._socket.recv(1)
        except OSError as error:
            raise ConnectionError(_told(self.destination, error)) from error

    def close(self) -> None:
        """Let go."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _connect(destination: Destination, connect_s: float) -> socket.socket:
    kind = socket.SOCK_STREAM if destination.transport == "tcp" else socket.SOCK_DGRAM
    try:
        found = socket.getaddrinfo(destination.host, destination.port, type=kind)
    except (OSError, UnicodeError) as error:
        raise ConnectionError(
            f"the collector's host {destination.host!r} is unknown: {getattr(error, 'strerror', None) or error}"
        ) from error
    failure = OSError("no address")
    for family, of_kind, protocol, _, address in found:
        way = socket.socket(family, of_kind, protocol)
        try:
            way.settimeout(connect_s)
            way.connect(address)
        except OSError as error:
            way.close()
            failure = error
        else:
            return way
    raise ConnectionError(_told(destination, failure)) from failure


def _told(destination: Destination, error: OSError) -> str:
    where = f"the collector {destination} ({destination.transport.upper()})"
    if isinstance(error, ConnectionRefusedError):
        return f"{where} refuses: does it run, and does it listen at this port by this transport?"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return f"{where} closed the connection"
    if isinstance(error, TimeoutError):
        return f"{where} does not take what is sent to it"
    return f"{where} cannot be reached: {error.strerror or error}"
