"""Set an interface up for capture as the settings ask, and put everything back afterwards.

Promiscuous mode is no part of it: that is a membership of the capture socket, and goes with the socket.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Final, Literal, Self

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from sensor.errors import CaptureError
from sensor.interface import ethtool
from sensor.interface.describe import IFF_UP, describe, name_of
from sensor.interface.model import Feature

Switch = Literal["keep", "off"]
RingSize = Literal["keep", "max"] | int

# What merges frames, the asked switch first; the card does so whether the kernel does or not.
_MERGING: Final = {"gro": (ethtool.GRO, ethtool.GRO_BY_CARD, "rx-gro-list"), "lro": (ethtool.LRO,)}


@dataclass(frozen=True)
class Wishes:
    """What the settings ask of an interface; ``up`` brings it up where it is down."""

    gro: Switch = "keep"
    lro: Switch = "keep"
    ring_size: RingSize = "keep"
    up: bool = False

    @property
    def any(self) -> bool:
        """Whether anything is asked at all, and so CAP_NET_ADMIN needed."""
        return self != Wishes()


@dataclass(frozen=True)
class Change:
    """One thing that was changed, in words: ``rx-gro: on -> off``."""

    interface: str
    what: str
    before: str
    after: str

    def __str__(self) -> str:
        """For a log."""
        return f"{self.interface}: {self.what}: {self.before} -> {self.after}"


class Setup:
    """The changes made to one interface, and their undoing.

    ``apply`` may be called again after the interface went and came back: what was to be put back is then of
    the new one.

    Parameters
    ----------
    name
        The interface.
    wishes
        What is asked of it.

    Attributes
    ----------
    left
        Switches that the last `apply` had to leave on, though not by refusal of what was asked: a card that
        merges frames by itself, say, goes on when GRO is off.
    """

    def __init__(self, name: str, wishes: Wishes) -> None:
        self.name = name
        self._wishes = wishes
        self._index: int | None = None
        self._undo: list[tuple[Change, Callable[[str], None]]] = []
        self.left: list[str] = []

    def apply(self) -> list[Change]:
        """Make the changes that are not so yet.

        Returns
        -------
        list of Change
            What was changed.

        Raises
        ------
        CaptureError
            The interface is not there, a change is refused or not permitted. What was changed until then is
            put back.
        """
        interface = describe(self.name)
        if interface.index != self._index:
            self._index = interface.index
            self._undo.clear()
        already = len(self._undo)
        self.left = []
        try:
            self._apply_merging()
            self._apply_ring()
            if self._wishes.up and not interface.admin_up:
                self._bring_up()
        except BaseException:
            self.restore()
            raise
        return [change for change, _ in self._undo[already:]]

    def restore(self) -> list[Change]:
        """Put back what was changed, the last change first; what cannot be put back is left out.

        Returns
        -------
        list of Change
            What was put back. An interface that was renamed is found; one that is gone is left alone, and
            so is another by the same name.
        """
        done: list[Change] = []
        while self._undo:
            change, undo = self._undo.pop()
            name = name_of(self._index) if self._index else None
            if name is None:
                continue
            try:
                undo(name)
            except CaptureError:
                continue
            done.append(Change(name, change.what, change.after, change.before))
        return done

    def __enter__(self) -> Self:
        self.apply()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()

    def _apply_merging(self) -> None:
        asked = {"gro": self._wishes.gro, "lro": self._wishes.lro}
        wanted = [name for which, names in _MERGING.items() if asked[which] == "off" for name in names]
        if not wanted:
            return
        present = _features(self.name)
        for name in wanted:
            feature = present.get(name)
            if feature is None or not feature.active:
                continue
            if not feature.changeable:
                if name in {ethtool.GRO, ethtool.LRO}:
                    raise CaptureError(f"{self.name}: {name} is on and the driver does not let it be changed")
                self.left.append(name)
                continue
            ethtool.set_features(self.name, {name: False})
            if _features(self.name)[name].active:
                raise CaptureError(f"{self.name}: the driver keeps {name} on")
            self._changed(name, "on", "off", partial(_turn_on, name))

    def _apply_ring(self) -> None:
        size = self._wishes.ring_size
        if size == "keep":
            return
        try:
            ring = ethtool.rx_ring(self.name)
        except ethtool.UnseenError as reason:
            if size == "max":
                return  # a virtual interface has no ring that could be larger
            raise CaptureError(f"{self.name}: ring_size: {reason}") from None
        frames = ring.maximum if size == "max" else size
        if frames > ring.maximum:
            raise CaptureError(f"{self.name}: ring_size {frames} is more than the card's {ring.maximum}")
        if frames == ring.current:
            return
        ethtool.set_rx_ring(self.name, frames)
        self._changed(
            "receive ring", str(ring.current), str(frames),
            lambda name: ethtool.set_rx_ring(name, ring.current),
        )  # fmt: skip

    def _bring_up(self) -> None:
        self._set_up(up=True)
        self._changed("link", "down", "up", lambda _: self._set_up(up=False))

    def _set_up(self, *, up: bool) -> None:
        try:
            with IPRoute() as route:
                route.link("set", index=self._index, flags=IFF_UP if up else 0, change=IFF_UP)
        except NetlinkError as error:
            word = "up" if up else "down"
            raise CaptureError(f"{self.name}: cannot be set {word}: {error.args[-1]}") from None

    def _changed(self, what: str, before: str, after: str, undo: Callable[[str], None]) -> None:
        self._undo.append((Change(self.name, what, before, after), undo))


def _features(name: str) -> dict[str, Feature]:
    try:
        return ethtool.features(name)
    except ethtool.UnseenError as reason:
        raise CaptureError(f"{name}: offloads: {reason}") from None


def _turn_on(feature: str, name: str) -> None:
    ethtool.set_features(name, {feature: True})
