"""What a study may be asked to do differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sensor.errors import ConfigError
from sensor.rules import Block, Event
from sensor.store.engine.choose import EngineOptions

RESAMPLES = 2000
"""Resamples behind each interval."""


@dataclass(frozen=True)
class StudyOptions:
    """Settings of a study; the defaults study the whole store in UTC.

    Attributes
    ----------
    first_day, last_day
        Days in the study's time zone, both included; None for the store's own.
    timezone
        Name of the zone in which days and hours are told, such as ``Asia/Pyongyang``.
    seed
        Of every random number: the same store and seed give the same report.
    one_way
        The tap sees one direction only, so flows that nobody was seen to answer count as use.
    resamples
        Bootstrap resamples behind each interval.
    expectation
        A CSV file with the columns ``country`` and ``share``; or ``block:NAME``: that block is what the
        others are held against. None for the shipped shares of allocated addresses.
    events
        Dated events; None for the shipped ones.
    blocks
        What is known of each block; None for the shipped ``blocks.toml``.
    rules
        Folders of own services, as the sensor was given them.
    day
        Study this one day alone.
    memory_limit, threads
        Of DuckDB.
    engine
        What reads the store: ``duckdb``, ``spark`` or ``clickhouse``. Each gives the same numbers.
    engine_address
        Spark's master, such as ``spark://host:7077``, or ClickHouse's server, such as
        ``http://user@host:8123``; None for one inside this process.
    engine_settings
        Of Spark or ClickHouse, by the names that they have there.
    """

    first_day: date | None = None
    last_day: date | None = None
    timezone: str = "UTC"
    seed: int = 20170401
    one_way: bool = False
    resamples: int = RESAMPLES
    expectation: str | None = None
    events: Sequence[Event] | None = None
    blocks: Sequence[Block] | None = None
    rules: Sequence[Path] = field(default_factory=tuple)
    day: date | None = None
    memory_limit: str = "4GB"
    threads: int | None = None
    engine: str = "duckdb"
    engine_address: str | None = None
    engine_settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.resamples < 100:
            raise ConfigError(f"{self.resamples} resamples are too few for an interval: give at least 100")
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ConfigError(f"the study ends ({self.last_day}) before it begins ({self.first_day})")
        _ = self.zone, self.reader

    @property
    def reader(self) -> EngineOptions:
        """The engine, as the store asks for it."""
        return EngineOptions(
            self.engine, self.engine_address, self.engine_settings, self.memory_limit, self.threads
        )

    @property
    def zone(self) -> ZoneInfo:
        """The time zone.

        Raises
        ------
        ConfigError
            There is no such zone.
        """
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigError(
                f"there is no time zone {self.timezone!r}: give a name such as Asia/Pyongyang or UTC"
            ) from error

    @property
    def asked_days(self) -> tuple[date | None, date | None]:
        """First and last day asked for; `day` alone counts as both."""
        return (self.day, self.day) if self.day else (self.first_day, self.last_day)
