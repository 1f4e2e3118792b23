"""Interfaces and machine, checked together and shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape

from sensor.config import Config
from sensor.rules.mistake import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensor.cli._check_finding import Finding
    from sensor.cli._check_interface import Seen
    from sensor.interface import Interface

_COLOURS: Final = {"error": "red", "warning": "yellow", "hint": "cyan"}


@dataclass(frozen=True)
class CaptureCheck:
    """What was found; both empty where no interface was asked for."""

    seen: list[Seen]
    machine: list[Finding]

    @property
    def findings(self) -> list[Finding]:
        """Everything that is wrong, the interfaces' first."""
        return [*(finding for seen in self.seen for finding in seen.findings), *self.machine]

    @property
    def errors(self) -> bool:
        """Whether a capture would fail."""
        return any(finding.level == "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return {
            "interfaces": [
                {
                    "name": seen.name,
                    "found": seen.interface.as_json() if seen.interface else None,
                    "findings": [asdict(finding) for finding in seen.findings],
                }
                for seen in self.seen
            ],
            "machine": [asdict(finding) for finding in self.machine],
        }


def look_at_capture(names: list[str], config: Config, store: str | None) -> CaptureCheck:
    """Check the interfaces named, else those of the settings, and the machine for them."""
    wanted = list(dict.fromkeys(names or config.capture.interfaces))
    if not wanted:
        return CaptureCheck([], [])
    from sensor.cli._check_interface import look_at, memory_for_rings
    from sensor.cli._check_machine import look_at_machine, workers_of

    workers = workers_of(config)
    return CaptureCheck(
        [look_at(name, config.capture, workers) for name in wanted],
        [*memory_for_rings(wanted, config.capture, workers), *look_at_machine(config, store)],
    )


def show_capture(check: CaptureCheck) -> None:
    """Print interfaces and findings for people."""
    if not check.seen:
        return
    console = Console(highlight=False)
    there = [seen.interface for seen in check.seen if seen.interface]
    for interface in there:
        console.print(
            f"interface {_safe(interface.name)}: {_safe(', '.join(_facts(interface)))}", soft_wrap=True
        )
        if interface.unseen:
            console.print(f"    not seen: {_safe('; '.join(interface.unseen))}", soft_wrap=True)
    for finding in check.findings:
        colour = _COLOURS[finding.level]
        said = f"{_safe(finding.about)}: {_safe(finding.text)}"
        console.print(f"[{colour}]{finding.level}:[/{colour}] {said}", soft_wrap=True)
        for number, mend in enumerate(finding.mends):
            console.print(f"    {'or ' if number else ''}{_safe(mend)}", soft_wrap=True)
    if not check.findings:
        console.print("nothing is wrong with interface and machine")


def _facts(interface: Interface) -> Iterator[str]:
    """What is known of an interface, for one line."""
    yield interface.driver or interface.kind or interface.link_type
    yield _link(interface)
    yield f"MTU {interface.mtu}"
    if interface.rx_ring:
        yield f"card's ring {interface.rx_ring.current:,} of {interface.rx_ring.maximum:,} frames"
    if interface.channels:
        yield f"receive queues {interface.channels.current} of {interface.channels.maximum}"
    if interface.offloads.gro is not None:
        on = [word for word in ("gro", "lro") if getattr(interface.offloads, word)]
        yield f"merging {' and '.join(on) or 'off'}"
    if interface.hardware_timestamps is not None:
        yield f"time stamps of the {'card' if interface.hardware_timestamps else 'kernel'}"
    if interface.promiscuity:
        yield "promiscuous"
    yield f"addresses {' '.join(interface.addresses) or 'none'}"
    if interface.default_route:
        yield "default route"


def _link(interface: Interface) -> str:
    if not interface.admin_up:
        return "down"
    if not interface.carrier:
        return "no carrier"
    return f"{interface.speed_mbps:,} Mbit/s" if interface.speed_mbps else "up"


def _safe(text: str) -> str:
    return escape(printable(text, limit=1000))
