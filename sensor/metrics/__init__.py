"""Counters for Prometheus: what the sensor counts, asked for by a source and served over HTTP."""

from sensor.metrics.collector import build_registry
from sensor.metrics.server import MetricsServer, exposure
from sensor.metrics.source import Drop, FlushTimes, MetricsSource, RuleState, Spooled, StoreState

__all__ = [
    "Drop", "FlushTimes", "MetricsServer", "MetricsSource", "RuleState", "Spooled", "StoreState", "build_registry",
    "exposure",
]  # fmt: skip
