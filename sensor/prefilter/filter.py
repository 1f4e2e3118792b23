"""The prefilter as the daemon uses it."""

import os
from collections.abc import Collection
from types import TracebackType
from typing import Final, Literal, Self

from sensor.config import TUNNELS, Tunnel
from sensor.errors import CaptureError
from sensor.prefilter.attach import Attachment
from sensor.prefilter.counts import Count, new_counters, read_counts
from sensor.prefilter.interfaces import find_interface
from sensor.prefilter.judgement import Judgement
from sensor.prefilter.lists import IPV4, IPV6, WatchedList, prefixes_of
from sensor.prefilter.loading import Type, load_program
from sensor.prefilter.maps import Map
from sensor.prefilter.program import socket_program, xdp_program
from sensor.prefilter.tunnels import signs_of
from sensor.rules import Plan

Hook = Literal["socket", "xdp"]

WHOLE_PACKET: Final = 0x40000
"""More than any packet has: what a socket program returns so that nothing is cut."""


class Prefilter:
    """A block list in the kernel: packets that no block of any date holds go no further.

    Outermost addresses decide, source and destination. Whatever is not understood passes: frames that are not
    IP, headers cut short, MPLS, PPPoE, more than two VLAN tags (besides one that the kernel took out), and what
    the core would open as a tunnel. Packets of a fragmented datagram are judged one by one.

    Close it, or use it as a context manager; sockets that the program is attached to keep it.
    """

    def __init__(self, plan: Plan, hook: Hook, tunnels: Collection[Tunnel], snap_bytes: int) -> None:
        self._hook: Hook = hook
        self._program = -1
        self._attachments: dict[str, Attachment] = {}
        self._lists: list[WatchedList] = []
        self._counters: Map | None = None
        try:
            prefixes = prefixes_of([plan])
            self._lists = [WatchedList(IPV4, prefixes[IPV4])]
            self._lists.append(WatchedList(IPV6, prefixes[IPV6]))
            self._counters = new_counters()
            judgement = Judgement(self._lists[0].map, self._lists[1].map, signs_of(tunnels))
            if hook == "socket":
                code = socket_program(judgement, self._counters, snap_bytes)
                self._program = load_program(Type.SOCKET, "blocktap_socket", code)
            else:
                code = xdp_program(judgement, self._counters)
                self._program = load_program(Type.XDP, "blocktap_xdp", code)
        except BaseException:
            self.close()
            raise

    @classmethod
    def load(
        cls,
        plan: Plan,
        *,
        kind: Hook = "socket",
        tunnels: Collection[Tunnel] = TUNNELS,
        snap_bytes: int = WHOLE_PACKET,
    ) -> Self:
        """Make the program and its lists, and load them into the kernel.

        Parameters
        ----------
        plan : Plan
            The watched prefixes.
        kind : {"socket", "xdp"}
            For packet sockets (``descriptor``), or for interfaces (``attach``).
        tunnels : collection of str
            The tunnels that the core opens: packets that may be such pass.
        snap_bytes : int
            A socket receives so many bytes of each packet; XDP passes whole packets.

        Raises
        ------
        CaptureError
            The kernel refuses: the message says which privilege, setting or version is missing.
        ValueError
            ``kind`` or ``snap_bytes`` is impossible.
        """
        if kind not in {"socket", "xdp"}:
            message = f"a prefilter is for socket or xdp, not for {kind}"
            raise ValueError(message)
        if not 0 < snap_bytes <= WHOLE_PACKET:
            message = f"snap_bytes is between 1 and {WHOLE_PACKET}, not {snap_bytes}"
            raise ValueError(message)
        return cls(plan, kind, tunnels, snap_bytes)

    @property
    def descriptor(self) -> int:
        """The program, for SO_ATTACH_BPF on any number of packet sockets (SOCK_RAW); -1 once closed."""
        return self._program

    def attach(self, interface: str, *, yes_drop: bool = False, generic: bool = False) -> bool:
        """Let the driver of an interface drop what no block holds, until ``detach`` or the process's end.

        The kernel takes the program off when this process ends, also by SIGKILL.

        Parameters
        ----------
        interface : str
            A port that only receives copies; Ethernet. With ``yes_drop`` any other too.
        yes_drop : bool
            Also where the interface has addresses, a default route, or a bridge or bond on it.
        generic : bool
            Where the driver cannot, drop behind it: slower, and the packet has been allocated.

        Returns
        -------
        bool
            Whether the driver itself does it.

        Raises
        ------
        CaptureError
            Refused, with the reason and what to do.
        """
        if self._hook != "xdp":
            message = "a prefilter for sockets is not attached to an interface"
            raise ValueError(message)
        found = find_interface(interface, yes_drop=yes_drop)
        before = self._attachments.get(interface)
        if before is not None and before.interface.index == found.index:
            message = f"the prefilter is on {interface} already"
            raise CaptureError(message)
        # An interface that was unplugged took the attachment with it, and comes back under another number.
        self.detach(interface)
        attachment = Attachment(found, self._program, generic=generic)
        self._attachments[interface] = attachment
        return attachment.native

    def detach(self, interface: str) -> None:
        """Let every packet of an interface pass again; nothing where it was not attached."""
        attachment = self._attachments.pop(interface, None)
        if attachment is not None:
            attachment.detach()

    def update(self, plan: Plan, *more: Plan) -> None:
        """Put the blocks of one or more plans in force, without reloading the program.

        All new lists are in the kernel before the first is swapped. Each packet is judged by one whole list,
        old or new, and by the new one alone when this returns. While the core changes rules, keep both plans'
        blocks in force: ``update(old, new)``, the core's swap, ``update(new)``.

        Raises
        ------
        CaptureError
            The kernel refuses, as without CAP_BPF; the old lists stay in force.
        """
        prefixes = prefixes_of([plan, *more])
        tries: list[Map] = []
        try:
            tries.extend(watched.prepare(prefixes[watched.family]) for watched in self._lists)
            for watched, trie in zip(self._lists, tries, strict=True):
                watched.swap(trie)
        finally:
            for trie in tries:
                trie.close()

    def counts(self) -> dict[int, Count]:
        """Return what passed and what was filtered since ``load``, by interface index, all CPUs together.

        A socket program counts once for each fan-out group that it is attached to. No privileges are needed
        (before Linux 5.19 CAP_BPF).
        """
        return read_counts(self._counters) if self._counters is not None else {}

    def close(self) -> None:
        """Take the program off every interface and give up everything; the second time does nothing."""
        for attachment in self._attachments.values():
            attachment.detach()
        self._attachments.clear()
        if self._program >= 0:
            os.close(self._program)
            self._program = -1
        for watched in self._lists:
            watched.close()
        self._lists = []
        if self._counters is not None:
            self._counters.close()
            self._counters = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
