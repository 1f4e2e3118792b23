"""The questions of a report: one module each, a function from the study's object to a `Section`."""

from collections.abc import Callable

from sensor.report.model import Found, Section
from sensor.report.sections.blocks import blocks
from sensor.report.sections.countries import countries
from sensor.report.sections.data import data
from sensor.report.sections.institutions import institutions
from sensor.report.sections.onsets import onsets
from sensor.report.sections.population import population
from sensor.report.sections.relays import relays
from sensor.report.sections.sensitivity import sensitivity
from sensor.report.sections.services import services
from sensor.report.sections.similarity import similarity
from sensor.report.sections.time import time
from sensor.report.sections.vpn import vpn

SECTIONS: tuple[Callable[[Found], Section], ...] = (
    data, blocks, services, countries, institutions, time, onsets, vpn, relays, population, similarity, sensitivity,
)  # fmt: skip
"""In the order in which a reader meets them."""

__all__ = ["SECTIONS"]
