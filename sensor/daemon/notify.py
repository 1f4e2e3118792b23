"""Tell the service manager how it stands (sd_notify(3)); nothing happens where none listens."""

import os
import socket
import time
from collections.abc import Mapping
from typing import Final

_MOST_STATUS_CHARACTERS: Final = 200
_SEND_TIMEOUT_S: Final = 1.0


class Notifier:
    """One line to the service manager.

    A manager that does not answer is not waited for, and what it did not take is not repeated: a sensor
    does not stop because of it.

    Parameters
    ----------
    environment
        Where ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID`` are looked for.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self.watchdog_interval_s = _watchdog_interval_s(environment)
        self._alive_at = float("-inf")

    @property
    def listens(self) -> bool:
        """Whether there is a service manager that wants to know."""
        return self._address is not None

    def ready(self, status: str = "") -> bool:
        """Start is over, or a reload is."""
        return self._send(["READY=1", *_status(status)])

    def reloading(self, status: str = "") -> bool:
        """A reload began; `ready` ends it."""
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        return self._send(["RELOADING=1", f"MONOTONIC_USEC={now_us}", *_status(status)])

    def stopping(self, status: str = "") -> bool:
        """The end began."""
        return self._send(["STOPPING=1", *_status(status)])

    def status(self, text: str) -> bool:
        """One line for ``systemctl status``."""
        return self._send(_status(text))

    def alive(self) -> bool:
        """Tell the watchdog that all is well, as often as it asks for; call it at least that often.

        Call it from the loop whose standstill is to be noticed, and from nowhere else.
        """
        if self.watchdog_interval_s is None:
            return False
        now = time.monotonic()
        if now - self._alive_at < self.watchdog_interval_s:
            return False
        self._alive_at = now
        return self._send(["WATCHDOG=1"])

    def _send(self, lines: list[str]) -> bool:
        if self._address is None:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(_SEND_TIMEOUT_S)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            return False
        return True


def _address(name: str) -> str | None:
    """The socket's address; ``@`` stands for the zero byte of an abstract one."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else None


def _watchdog_interval_s(environment: Mapping[str, str]) -> float | None:
    """Half of what the watchdog waits, None where there is none or it is another process's."""
    limit_us = environment.get("WATCHDOG_USEC", "")
    for_process = environment.get("WATCHDOG_PID", "")
    if not limit_us.isdecimal() or int(limit_us) == 0:
        return None
    if for_process and for_process != str(os.getpid()):
        return None
    return int(limit_us) / 2e6


def _status(text: str) -> list[str]:
    one_line = " ".join(text.split())
    return [f"STATUS={one_line[:_MOST_STATUS_CHARACTERS]}"] if one_line else []
