"""What an interface received, and what it lost before a capture could see it."""

from dataclasses import dataclass, fields
from typing import Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from sensor.errors import CaptureError
from sensor.interface import ethtool

# Frames that a driver had no buffer for and that it tells in a counter of its own and in no other. Drivers
# that tell them as `rx_missed_errors` too (mlx5, e1000e, igb) are left out: no frame is lost twice.
LOST_BY_DRIVER: Final = ("rx_no_dma_resources",)

_NARROW: Final = 1 << 32


@dataclass(frozen=True)
class Counters:
    """Totals of an interface, since its driver began to count.

    ``dropped`` is the kernel's: its backlog was full, or the driver gave up a frame. ``missed``, ``over``
    and ``fifo`` are the card's words for having had no room, ``no_buffer`` the driver's.
    """

    packets: int = 0
    bytes: int = 0
    dropped: int = 0
    missed: int = 0
    over: int = 0
    fifo: int = 0
    no_buffer: int = 0

    @property
    def lost(self) -> int:
        """Frames that no capture saw, as far as the interface can tell.

        Many drivers tell one loss under several of the card's words, so the largest of them counts. What the
        kernel had no handler for (``rx_nohandler``) is no loss: a capture comes before the handlers. Of one
        kind too much is counted: frames with a VLAN tag and behind it a protocol that this kernel does not
        speak (a second tag, say) are in ``dropped`` though a capture saw them.
        """
        return self.dropped + max(self.missed, self.over, self.fifo) + self.no_buffer


@dataclass(frozen=True)
class Reading:
    """Counters of one moment, and the interface they belong to."""

    index: int
    counters: Counters


def statistics(name: str) -> Reading:
    """Read the counters of an interface.

    Raises
    ------
    CaptureError
        There is no such interface.
    """
    try:
        with IPRoute() as route:
            link = route.link("get", ifname=name)[0]
    except (NetlinkError, IndexError):
        raise CaptureError(f"no interface {name}") from None
    told = link.get_attr("IFLA_STATS64") or link.get_attr("IFLA_STATS")
    return Reading(
        int(link["index"]),
        Counters(
            packets=told["rx_packets"],
            bytes=told["rx_bytes"],
            dropped=told["rx_dropped"],
            missed=told["rx_missed_errors"],
            over=told["rx_over_errors"],
            fifo=told["rx_fifo_errors"],
            no_buffer=_lost_by_driver(name),
        ),
    )


class Meter:
    """The counters of one interface, as differences since last asked.

    A counter that fell has wrapped where it is 32 bits wide and was near its end; otherwise the driver was
    loaded anew, and what it counts now is all that came since. An interface that went and came back under
    the same name counts from nothing.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: Reading | None = None

    def since(self) -> Counters:
        """What came since the last call; the first call begins, and gives nothing.

        Returns
        -------
        Counters
            All zero while there is no such interface.
        """
        try:
            now = statistics(self._name)
        except CaptureError:
            return Counters()
        last, self._last = self._last, now
        return Counters() if last is None else difference(last, now)


def difference(last: Reading, now: Reading) -> Counters:
    """What was counted between two readings."""
    if last.index != now.index:
        return now.counters
    before, after = last.counters, now.counters
    if after.packets < before.packets and not _wrapped(before.packets, after.packets):
        return after
    return Counters(
        **{
            field.name: _advance(getattr(before, field.name), getattr(after, field.name))
            for field in fields(Counters)
        }
    )


def _advance(before: int, after: int) -> int:
    if after >= before:
        return after - before
    return after + _NARROW - before if _wrapped(before, after) else after


def _wrapped(before: int, after: int) -> bool:
    return before < _NARROW and before - after > _NARROW // 2


def _lost_by_driver(name: str) -> int:
    try:
        told = ethtool.driver_counters(name)
    except ethtool.UnseenError:
        return 0
    return sum(told.get(counter, 0) for counter in LOST_BY_DRIVER)
