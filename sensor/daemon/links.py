"""The interfaces of a running sensor: set up, followed, taken up again when they come back, put back at the end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sensor.daemon.logs import logger
from sensor.errors import CaptureError
from sensor.interface import Change, LinkEvent, LinkWatch, Setup, Wishes

if TYPE_CHECKING:
    from sensor.capture import Capturing
    from sensor.config import CaptureSettings
    from sensor.prefilter import Prefilter

__all__ = ["Links", "wishes_of"]


def wishes_of(settings: CaptureSettings) -> Wishes:
    """What the settings ask of an interface."""
    return Wishes(settings.gro, settings.lro, settings.ring_size, settings.up)


class Links:
    """All interfaces together.

    Parameters
    ----------
    settings
        Which, and what is asked of them.
    prefilter
        One for XDP is attached to each; one for sockets is none of this one's business.
    """

    def __init__(self, settings: CaptureSettings, prefilter: Prefilter | None) -> None:
        self._settings = settings
        self._prefilter = prefilter if settings.prefilter == "xdp" else None
        self._setups = [Setup(name, wishes_of(settings)) for name in settings.interfaces]
        self._watch: LinkWatch | None = None
        self._down: set[str] = set()
        self._renamed: set[str] = set()

    @property
    def down(self) -> list[str]:
        """Interfaces that nothing can come from at present."""
        return sorted(self._down)

    def open(self) -> None:
        """Set every interface up and begin to follow it.

        Raises
        ------
        CaptureError
            One is missing, or something is refused; then everything is put back.
        """
        try:
            self._watch = LinkWatch(self._settings.interfaces)
            for setup in self._setups:
                self._set_up(setup)
        except BaseException:
            self.close()
            raise
        for name in self._settings.interfaces:
            if not self._watch.running(name):
                self._down.add(name)
                logger(interface=name).warning("the link is down: nothing can come yet")

    def follow(self, capturing: Capturing) -> None:
        """Act on what happened to the links since this was last called."""
        events = self._watch.events() if self._watch is not None else []
        for event in events:
            self._take(event, capturing)
        for told in capturing.events():
            log = logger(interface=told.interface)
            if told.what == "reopened":
                log.info("capture goes on")
            elif told.what == "not_reopened":
                log.warning("capture cannot go on yet", reason=told.reason)
            elif told.interface in self._renamed - self._down:
                # Its link is no longer followed: only the capture knows.
                self._down.add(told.interface)
                log.warning("the link is gone, waiting for it")

    def close(self) -> None:
        """Put back what was changed."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        for setup in self._setups:
            for change in setup.restore():
                logger().info("put back", change=str(change))
            if self._prefilter is not None:
                with suppress(CaptureError):
                    self._prefilter.detach(setup.name)

    def _set_up(self, setup: Setup) -> None:
        changes: list[Change] = setup.apply()
        for change in changes:
            logger().info("interface changed", change=str(change))
        for switch in setup.left:
            logger(interface=setup.name).warning("stays on, whatever is asked", switch=switch)
        if self._prefilter is not None:
            native = self._prefilter.attach(setup.name, yes_drop=self._settings.yes_drop)
            logger(interface=setup.name).info("the driver drops what no block holds", native=native)

    def _take(self, event: LinkEvent, capturing: Capturing) -> None:
        log = logger(interface=event.name)
        if event.kind in ("down", "removed"):
            self._down.add(event.name)
            log.warning(
                "the link is down, waiting for it"
                if event.kind == "down"
                else "the link is gone, waiting for it"
            )
        elif event.kind == "renamed":
            self._renamed.add(event.name)
            log.warning(
                "the interface has another name now: captured from until one of this name appears",
                now=event.other,
            )
        elif event.kind == "appeared":
            self._renamed.discard(event.name)
            # One that is up says so next.
            self._down.add(event.name)
            log.info("the interface is there")
            setup = next(setup for setup in self._setups if setup.name == event.name)
            try:
                self._set_up(setup)
            except CaptureError as error:
                log.error("the interface could not be set up again", reason=str(error))
            capturing.reopen(event.name)
        elif event.kind == "up":
            self._down.discard(event.name)
            log.info("the link is up")
            capturing.reopen(event.name)
