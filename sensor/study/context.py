"""What every question is given: the rollups, the resamples, and what is known besides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sensor.rules import Block, Event
from sensor.rules.services import Catalogue
from sensor.study.bootstrap import Bootstrap
from sensor.study.facts import Facts
from sensor.study.gather import Gathered
from sensor.study.loss import Observation, observe


@dataclass(frozen=True)
class Context:
    """One study under way.

    Attributes
    ----------
    gathered
        What was read of the store.
    bootstrap
        Resamples of its days.
    blocks
        What the rules say of each block, by name.
    events
        Dated events outside.
    catalogue
        Services, for what the store does not say of them.
    protocol_categories
        Category of each application.
    zone
        In which days are told.
    seed
        Of every random number.
    """

    gathered: Gathered
    bootstrap: Bootstrap
    blocks: dict[str, Block]
    events: tuple[Event, ...]
    catalogue: Catalogue
    protocol_categories: dict[str, str]
    zone: tzinfo
    seed: int

    @cached_property
    def observation(self) -> Observation:
        """When the sensor was watching."""
        return observe(self.gathered, self.zone)

    @property
    def observed_hours(self) -> NDArray[np.float64]:
        """Hours of each day that were observed."""
        return self.observation.hours

    @property
    def facts(self) -> Facts:
        """The main rollup."""
        return self.gathered.facts
