"""Follow the links of a namespace: up, down, renamed, removed, appeared."""

import errno
import select
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from pyroute2 import IPRoute
from pyroute2.netlink.rtnl.marshal import MarshalRtnl

Kind = Literal["appeared", "up", "down", "renamed", "removed"]

_GROUP_LINK: Final = 1  # RTMGRP_LINK
_IFF_UP: Final = 1
_IFF_LOWER_UP: Final = 1 << 16
_DATAGRAM_BYTES: Final = 1 << 16
_RECEIVE_BUFFER_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class LinkEvent:
    """What became of a link.

    ``name`` is the name that is watched. For ``renamed``, ``other`` is the name that the interface has now;
    one that takes the watched name later has ``appeared``. ``up`` is said of a link that is both set up and
    has a carrier, ``down`` where either is gone.
    """

    kind: Kind
    name: str
    index: int
    other: str = ""


@dataclass(frozen=True)
class Link:
    """The state of one link, as far as it is followed."""

    index: int
    name: str
    running: bool


class LinkWatch:
    """Events of the interfaces named, in the order in which they happened.

    The descriptor of `fileno` becomes readable when there may be events, for whoever has a loop of his own.
    Where the kernel had to drop notices, the links are listed anew and what changed meanwhile is told.

    Parameters
    ----------
    names
        The interfaces; those that are not there yet are waited for.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._marshal = MarshalRtnl()
        self._socket = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK,
            socket.NETLINK_ROUTE,
        )
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            # Subscribed before listed: what happens in between comes as a notice too, and is told once.
            self._socket.bind((0, _GROUP_LINK))
            self._links = _list_links()
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._socket.fileno()

    def running(self, name: str) -> bool:
        """Whether a link was set up and had a carrier, as of the events told so far."""
        return any(link.running for link in self._links.values() if link.name == name)

    def index(self, name: str) -> int | None:
        """The kernel's number of a link, as of the events told so far."""
        return next((link.index for link in self._links.values() if link.name == name), None)

    def events(self, timeout_s: float = 0.0) -> list[LinkEvent]:
        """Wait for events of the watched links, no longer than ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = list(self._ready())
            left_s = deadline - time.monotonic()
            if found or left_s <= 0:
                return found
            select.select([self._socket], [], [], left_s)

    def close(self) -> None:
        """Stop watching."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ready(self) -> Iterator[LinkEvent]:
        while True:
            try:
                data, (sender, _) = self._socket.recvfrom(_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                yield from self._list_anew()
                continue
            if sender != 0:
                continue  # not the kernel
            for message in self._marshal.parse(data):
                yield from self._take(message)

    def _take(self, message: Any) -> Iterator[LinkEvent]:
        # Bridges tell of their ports by messages of a family of their own: a port that left a bridge is
        # not a link that was removed.
        if message.get("family") != socket.AF_UNSPEC or "index" not in message:
            return
        index = int(message["index"])
        if message["event"] == "RTM_DELLINK":
            yield from self._told(self._links.pop(index, None), None)
        elif message["event"] == "RTM_NEWLINK" and message.get_attr("IFLA_IFNAME"):
            before, now = self._links.get(index), _link_of(message)
            self._links[index] = now
            yield from self._told(before, now)

    def _list_anew(self) -> Iterator[LinkEvent]:
        # What is still queued speaks of what the list will hold, or of less.
        self._drain()
        before, self._links = self._links, _list_links()
        for index in sorted(before.keys() | self._links.keys()):
            yield from self._told(before.get(index), self._links.get(index))

    def _drain(self) -> None:
        while True:
            try:
                self._socket.recv(1)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise

    def _told(self, before: Link | None, now: Link | None) -> Iterator[LinkEvent]:
        """Put the step from one state of a link to the next into events of the watched names."""
        if before and now and before.name != now.name:
            if before.name in self._names:
                yield LinkEvent("renamed", before.name, before.index, now.name)
            before = None
        if before and not now and before.name in self._names:
            yield LinkEvent("removed", before.name, before.index)
        if not now or now.name not in self._names:
            return
        if not before:
            yield LinkEvent("appeared", now.name, now.index)
        if now.running != (before.running if before else False):
            yield LinkEvent("up" if now.running else "down", now.name, now.index)


def _link_of(message: Any) -> Link:
    flags = int(message["flags"])
    running = bool(flags & _IFF_UP and flags & _IFF_LOWER_UP)
    return Link(int(message["index"]), str(message.get_attr("IFLA_IFNAME")), running)


def _list_links() -> dict[int, Link]:
    with IPRoute() as route:
        return {link.index: link for link in map(_link_of, route.link("dump"))}
