"""Simulated traffic with planted, known numbers: captures, or rows alone."""

from sensor.simulate.planted import planted
from sensor.simulate.read import load_scenario, shipped_scenarios
from sensor.simulate.scenario import Scenario
from sensor.simulate.store import StoreResult, simulate_store

__all__ = ["Scenario", "StoreResult", "load_scenario", "planted", "shipped_scenarios", "simulate_store"]
