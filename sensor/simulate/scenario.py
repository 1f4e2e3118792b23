"""What a scenario file may say: the tables, their bounds and their defaults."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sensor.simulate.places import prefixes_by_country
from sensor.simulate.protocols import PROTOCOLS
from sensor.simulate.stacks import STACKS

MOST_DAYS = 3_660
MOST_FLOWS = 1_000_000_000
MOST_FLOWS_A_DAY = 10_000_000
"""A day is drawn at once, and has to fit into memory."""


def _one_of(known: Any, what: str) -> AfterValidator:
    def check(word: str) -> str:
        if word not in known:
            raise ValueError(f"no such {what}; known are {', '.join(sorted(known))}")
        return word

    return AfterValidator(check)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no such time zone; write one such as Asia/Pyongyang") from None
    return name


def _listed(value: object) -> object:
    """TOML has lists where the tables want tuples, which nobody can change."""
    return tuple(value) if isinstance(value, list) else value


def _positive_sum(value: Any) -> Any:
    weights = value.values() if isinstance(value, dict) else value
    if not sum(weights) > 0:
        raise ValueError("at least one has to be above 0")
    return value


Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Country = Annotated[str, _one_of(prefixes_by_country(), "country")]
StackName = Annotated[str, _one_of(STACKS, "kind of device")]
ProtocolName = Annotated[str, _one_of(PROTOCOLS, "application")]
Moment = datetime | date


class Table(BaseModel):
    """Nothing unknown, nothing converted silently, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Rhythm(Table):
    """``[rhythm]``: how the expected number of flows goes up and down.

    ``weekdays`` (Monday first) and ``hours`` are weights in the scenario's time zone. The logarithm of a
    day's rate has a straight ``growth_per_day`` and noise of standard deviation ``spread``, of which
    ``autocorrelation`` is handed on to the next day (AR(1)). ``overdispersion`` is the variance of a further
    factor with mean 1, drawn for each day, block and kind of traffic: counts are negative binomial.
    """

    weekdays: Annotated[
        tuple[Weight, ...],
        BeforeValidator(_listed), AfterValidator(_positive_sum), Field(min_length=7, max_length=7),
    ] = (1.0,) * 7  # fmt: skip
    hours: Annotated[
        tuple[Weight, ...],
        BeforeValidator(_listed), AfterValidator(_positive_sum), Field(min_length=24, max_length=24),
    ] = (1.0,) * 24  # fmt: skip
    growth_per_day: Annotated[float, Field(ge=-0.2, le=0.2)] = 0.0
    autocorrelation: Annotated[float, Field(ge=0, lt=1)] = 0.0
    spread: Annotated[float, Field(ge=0, le=2)] = 0.0
    overdispersion: Annotated[float, Field(ge=0, le=10)] = 0.0


class Block(Table):
    """``[[block]]``: a watched block and its share of the flows.

    ``prefixes`` may be left out for a block of the shipped rules. A block with ``role = "relay"`` has flows
    besides those of the holders: its share is relative to theirs.
    """

    name: Word
    share: Weight
    prefixes: Annotated[tuple[Word, ...], BeforeValidator(_listed)] = ()
    role: Literal["holder", "relay"] = "holder"
    holder: str = ""
    claimed_country: str = ""
    confidence: Literal["high", "medium", "low"] = "medium"


class Population(Table):
    """``[[population]]``: inside addresses that are alike.

    ``addresses`` says how many there are in each block, ``share`` what part of a block's flows is theirs (in
    proportion to the other populations there), ``active`` the mean probability that an address is used on a
    day, ``devices`` the mean number of devices behind an address, ``stacks`` of what kinds they are.
    """

    name: Word
    addresses: Annotated[dict[Word, Annotated[int, Field(ge=1, le=100_000)]], Field(min_length=1)]
    share: Annotated[float, Field(gt=0, le=1)]
    active: Annotated[float, Field(gt=0, le=1)] = 1.0
    devices: Annotated[float, Field(ge=1, le=50)] = 1.0
    stacks: Annotated[dict[StackName, Weight], AfterValidator(_positive_sum), Field(min_length=1)]


class Traffic(Table):
    """``[[traffic]]``: one kind of traffic, begun inside and answered.

    ``share`` is its weight among the kinds; ``blocks`` multiplies it in some blocks. ``names`` become SNI,
    Host and DNS names, the first the most visited; ``{n}`` in a name stands for the numbers from 1 to ``many``.
    Without names the flows stay unnamed. Each name has ``addresses`` addresses in each of ``countries``.
    From ``starts`` on the rate is whole; before, it is multiplied by ``before``.
    """

    share: Annotated[float, Field(gt=0)]
    names: Annotated[tuple[Word, ...], BeforeValidator(_listed)] = ()
    many: Annotated[int, Field(ge=1, le=100_000)] = 1
    application: ProtocolName = "tls"
    countries: Annotated[dict[Country, Weight], AfterValidator(_positive_sum), Field(min_length=1)]
    addresses: Annotated[int, Field(ge=1, le=1_000)] = 2
    bytes_in: Annotated[float, Field(ge=100, le=1e10)] = 9_000.0
    blocks: dict[Word, Weight] = Field(default_factory=dict)
    population: Word | None = None
    starts: Moment | None = None
    before: Weight = 0.0


class Besides(Table):
    """``[besides]``: flows that are no use of the kinds above, each in proportion to those.

    ``dns`` is the part of named flows whose name is asked for first. ``unanswered`` are begun inside and not
    answered; ``scans`` and ``visitors`` are begun outside, the visitors answered by servers inside;
    ``internal`` flows lie between two addresses inside, ``tunnelled`` ones in GRE; of ``midway`` flows the
    beginning was not seen. ``long`` is the part of the flows of use that has more than one record (rows only).
    """

    dns: Share = 0.0
    unanswered: Annotated[float, Field(ge=0, le=100)] = 0.0
    scans: Annotated[float, Field(ge=0, le=100)] = 0.0
    visitors: Annotated[float, Field(ge=0, le=100)] = 0.0
    internal: Annotated[float, Field(ge=0, le=100)] = 0.0
    tunnelled: Annotated[float, Field(ge=0, le=100)] = 0.0
    midway: Annotated[float, Field(ge=0, le=100)] = 0.0
    long: Share = 0.0


class Gap(Table):
    """``[[gap]]``: the sensor was off, from ``start`` to before ``end``."""

    start: Moment
    end: Moment


class Loss(Gap):
    """``[[loss]]``: the kernel dropped the part ``ratio`` of the packets."""

    ratio: Annotated[float, Field(ge=0, lt=1)]


class Scenario(Table):
    """A whole scenario.

    ``start`` and ``days`` are days of ``timezone``. ``flows`` is the expected number of flow records in all,
    those of ``[besides]`` included. A day as a moment is its midnight in the time zone.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    start: date
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)]
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    flows: Annotated[int, Field(ge=1, le=MOST_FLOWS)] = 1_000_000
    rhythm: Rhythm = Rhythm()
    block: Annotated[tuple[Block, ...], BeforeValidator(_listed), Field(min_length=1)]
    population: Annotated[tuple[Population, ...], BeforeValidator(_listed), Field(min_length=1)]
    traffic: Annotated[tuple[Traffic, ...], BeforeValidator(_listed), Field(min_length=1)]
    besides: Besides = Besides()
    gap: Annotated[tuple[Gap, ...], BeforeValidator(_listed)] = ()
    loss: Annotated[tuple[Loss, ...], BeforeValidator(_listed)] = ()

    @model_validator(mode="after")
    def _day_fits(self) -> Scenario:
        if self.flows > self.days * MOST_FLOWS_A_DAY:
            raise ValueError(f"flows: more than {MOST_FLOWS_A_DAY:,} a day; use more days or fewer flows")
        return self
