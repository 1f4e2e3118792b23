"""Rows for collectors that exist already: IPFIX over UDP or TCP."""

from sensor.export.collector import Collector, Destination, Transport
from sensor.export.exporter import Exporter, ExporterOptions
from sensor.export.stored import stored_flows

__all__ = ["Collector", "Destination", "Exporter", "ExporterOptions", "Transport", "stored_flows"]
