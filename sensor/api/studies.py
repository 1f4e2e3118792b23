"""A study for Python programs: the report's numbers as a mapping and as attributes."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypedDict, Unpack

from sensor.api.stores import Store
from sensor.errors import ConfigError
from sensor.rules import Block, Event
from sensor.study import StudyOptions, study

__all__ = ["Study", "StudyWords"]


class StudyWords(TypedDict, total=False):
    """Options of a study by name; `sensor.study.StudyOptions` says what each means. Days may be texts."""

    day: date | str | None
    first_day: date | str | None
    last_day: date | str | None
    timezone: str
    seed: int
    one_way: bool
    resamples: int
    expectation: str | None
    events: Sequence[Event] | None
    blocks: Sequence[Block] | None
    rules: Sequence[Path]
    memory_limit: str
    threads: int | None


class Study(Mapping[str, Any]):
    """The numbers of a store, computed when it is made.

    A mapping with the keys of ``blocktap report --json``, which are attributes as well:
    ``study["services"]`` and ``study.services`` are one list. The same store and options give the same numbers.

    Parameters
    ----------
    store
        A store, its folder, or its address on object storage.
    options
        See `StudyWords`; by default the whole store is studied in UTC.

    Raises
    ------
    StoreError
        The store cannot be read.
    ConfigError
        An option is unknown, or the options do not hold together.
    """

    def __init__(self, store: Store | str | os.PathLike[str], **options: Unpack[StudyWords]) -> None:
        path = store.path if isinstance(store, Store) else store
        self._numbers = study(path, _options(options))

    @property
    def numbers(self) -> dict[str, Any]:
        """All numbers, as plain values; a copy that is the caller's."""
        return copy.deepcopy(self._numbers)

    def to_json(self) -> str:
        """The text that ``blocktap report --json`` writes."""
        return json.dumps(self._numbers, ensure_ascii=True, indent=1) + "\n"

    def __getitem__(self, key: str) -> Any:
        return self._numbers[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getattr__(self, name: str) -> Any:
        # Asked for what is not there yet, as copying does, it must not ask itself.
        numbers = self.__dict__.get("_numbers", {})
        if name not in numbers:
            raise AttributeError(f"a study has no {name!r}; it has {', '.join(numbers)}")
        return numbers[name]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._numbers})

    def __repr__(self) -> str:
        period = self._numbers["period"]
        return f"<Study of {period['start']} to {period['end']}: {self._numbers['volume']['flows']:,} flows>"


def _options(words: StudyWords) -> StudyOptions:
    changes: dict[str, Any] = dict(words)
    for name in ("day", "first_day", "last_day"):
        if isinstance(changes.get(name), str):
            changes[name] = _day(changes[name])
    try:
        return replace(StudyOptions(), **changes)
    except TypeError as error:
        unknown = sorted(set(changes) - set(StudyWords.__annotations__))
        raise ConfigError(f"a study has no option {', '.join(unknown)}" if unknown else str(error)) from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no day: write a day such as 2017-04-01") from error
