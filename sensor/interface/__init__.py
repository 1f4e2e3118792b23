"""Network interfaces: what they are, what to change for a capture, what becomes of them, what they lose."""

from sensor.interface.clock import ClockState, clock_state
from sensor.interface.describe import describe, index_of, names
from sensor.interface.model import Amount, Interface, Offloads
from sensor.interface.setup import Change, Setup, Wishes
from sensor.interface.statistics import Counters, Meter, Reading, statistics
from sensor.interface.watch import LinkEvent, LinkWatch

__all__ = [
    "Amount",
    "Change",
    "ClockState",
    "Counters",
    "Interface",
    "LinkEvent",
    "LinkWatch",
    "Meter",
    "Offloads",
    "Reading",
    "Setup",
    "Wishes",
    "clock_state",
    "describe",
    "index_of",
    "names",
    "statistics",
]
