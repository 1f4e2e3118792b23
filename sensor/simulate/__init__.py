"""Simulated traffic with planted, known numbers: captures, or rows alone."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensor.simulate.capture import CaptureResult, simulate_capture
    from sensor.simulate.mark import simulated_by
    from sensor.simulate.parameters import planted
    from sensor.simulate.read import load_scenario, shipped_scenarios
    from sensor.simulate.scenario import Scenario
    from sensor.simulate.store import StoreResult, simulate_store

__all__ = [
    "CaptureResult",
    "Scenario",
    "StoreResult",
    "load_scenario",
    "planted",
    "shipped_scenarios",
    "simulate_capture",
    "simulate_store",
    "simulated_by",
]

_PLACES = {
    "CaptureResult": "capture", "Scenario": "scenario", "StoreResult": "store", "load_scenario": "read",
    "planted": "parameters", "shipped_scenarios": "read", "simulate_capture": "capture", "simulate_store": "store",
    "simulated_by": "mark",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what somebody asks for: a replay asks for `simulated_by` alone, and need not wait for the rest."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
