"""Segments on their way to object storage: kept on this machine's disk until they are there."""

from sensor.store.spool.options import Quiet, ShipEvents, SpoolOptions, SpoolState

__all__ = ["Quiet", "ShipEvents", "SpoolOptions", "SpoolState"]
