"""Rules of every format to one compiled plan: what is watched, and what is doubted about it."""

from typing import TYPE_CHECKING

from sensor.rules.load import load_plan
from sensor.rules.location import shipped
from sensor.rules.model import Block, Plan, Refusal

if TYPE_CHECKING:
    from sensor.rules.events import Event, load_events

__all__ = ["Block", "Event", "Plan", "Refusal", "load_events", "load_plan", "shipped"]


def __getattr__(name: str) -> object:
    """Import the events when somebody asks for them: a capture does not."""
    if name not in {"Event", "load_events"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sensor.rules import events

    return getattr(events, name)
