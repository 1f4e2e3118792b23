"""Rules of every format to one compiled plan: what is watched, and what is doubted about it."""

from sensor.rules.events import Event, load_events
from sensor.rules.load import load_plan
from sensor.rules.location import shipped
from sensor.rules.model import Block, Plan, Refusal

__all__ = ["Block", "Event", "Plan", "Refusal", "load_events", "load_plan", "shipped"]
