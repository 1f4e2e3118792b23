"""What a data set's report was computed with; it stands in ``datapackage.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from sensor.errors import ConfigError, DatasetError
from sensor.study import StudyOptions

METHOD = 1
"""Counted up whenever the same store would give another data set, or the same data set another report."""


@dataclass(frozen=True)
class Settings:
    """Settings of the study and of the export.

    Attributes
    ----------
    k
        Fewest inside addresses of a cell.
    method
        See `METHOD`.
    program
        Version of the program that wrote the data set.
    timezone, seed, resamples, one_way
        Options of the study.
    first_day, last_day
        The period; None without any use.
    expectation, expectation_block
        What countries are held against: in words, and the block where it is one.
    simulated
        Scenario behind the data.
    """

    k: int
    method: int
    program: str
    timezone: str
    seed: int
    resamples: int
    one_way: bool
    first_day: str | None
    last_day: str | None
    expectation: str
    expectation_block: str | None
    simulated: str | None

    def described(self) -> dict[str, Any]:
        """As it is written."""
        return asdict(self)

    @property
    def options(self) -> StudyOptions:
        """Options of the study."""
        first, last = (
            None if day is None else date.fromisoformat(day) for day in (self.first_day, self.last_day)
        )
        return StudyOptions(
            first_day=first, last_day=last, timezone=self.timezone, seed=self.seed,
            resamples=self.resamples, one_way=self.one_way,
        )  # fmt: skip


_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "str": (str,),
    "bool": (bool,),
    "str | None": (str, type(None)),
}
MOST_RESAMPLES = 20_000
"""A stranger's data set may ask for more work than this, and does not get it."""
MOST_DAYS = 20_000
"""Of a period: over fifty years."""


def read_settings(found: Any) -> Settings:
    """Check what a stranger wrote.

    Raises
    ------
    DatasetError
        Something is missing, unknown or out of range.
    """
    known = {field.name: _KINDS[str(field.type)] for field in fields(Settings)}
    if not isinstance(found, dict) or found.keys() != known.keys():
        raise DatasetError("datapackage.json: blocktap has to hold " + ", ".join(known))
    for name, kinds in known.items():
        if type(found[name]) not in kinds:
            raise DatasetError(f"datapackage.json: blocktap.{name} is {found[name]!r:.60}, which cannot be")
    settings = Settings(**found)
    if settings.k < 2 or not 100 <= settings.resamples <= MOST_RESAMPLES or settings.seed < 0:
        raise DatasetError("datapackage.json: k, resamples or seed is out of range")
    try:
        options = settings.options
    except (ConfigError, ValueError) as error:
        raise DatasetError(f"datapackage.json: blocktap: {error}") from error
    first, last = options.first_day, options.last_day
    if (first is None) != (last is None) or (first and last and (last - first).days >= MOST_DAYS):
        raise DatasetError("datapackage.json: blocktap.first_day and last_day make no period")
    return settings
