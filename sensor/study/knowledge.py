"""What a study knows besides what it reads: the words of others, none of which is in the traffic."""

from __future__ import annotations

from dataclasses import dataclass

from sensor.rules import Block, Event
from sensor.rules.services import Catalogue
from sensor.study.expectation import Expectation


@dataclass(frozen=True)
class Knowledge:
    """Rules, events and expectation.

    Attributes
    ----------
    blocks
        What is said of each watched block.
    events
        Dated events outside.
    catalogue
        Services.
    protocol_categories
        Category of each application.
    expectation
        What share of traffic each country is held against.
    """

    blocks: tuple[Block, ...]
    events: tuple[Event, ...]
    catalogue: Catalogue
    protocol_categories: dict[str, str]
    expectation: Expectation
