"""Use, read of a store by who did what, and told in cells of at least k hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sensor.dataset.detail import ANY, COLUMNS, LEVELS, RARE, Level, Stretch
from sensor.dataset.records.embedded import NameGuard
from sensor.dataset.telling import WITHHELD, Grouping, Told, group, tell
from sensor.store.engine.rollup import Rollups
from sensor.study.calendar import local_hour, shifts
from sensor.study.facts import Dimension, day_numbers, encode, numbers
from sensor.study.gather import stored_days
from sensor.study.sites import SiteFinder
from sensor.study.use import BYTES, FLOWS, PACKETS, Window

Integers = NDArray[np.int64]

STRETCHES = tuple(Stretch)
WEEK_DAYS = 7
_CELLS = "use_by_host"
"""Kept in the engine: use by local hour, what it was and who did it."""
_ELSEWHERE = "told_elsewhere"
"""Lent to the engine: what is told without its block, or not at all."""
_STORED = ("block", "service", "organisation", "category", "application", "country", "name")


@dataclass(frozen=True)
class Use:
    """Rows of use, one a local day, what it was, and host.

    Attributes
    ----------
    day
        Days since 1970.
    stored
        What it was, as the store has it.
    columns
        The same with the site, and without names that may not leave.
    host
        Codes of the inside addresses.
    hosts
        The addresses.
    period
        First and last day.
    flows, bytes, packets
        How much.
    """

    day: Integers
    stored: dict[str, Dimension]
    columns: dict[str, Dimension]
    host: Integers
    hosts: tuple[str, ...]
    period: tuple[int, int]
    flows: Integers
    bytes: Integers
    packets: Integers

    def unit(self, stretch: Stretch) -> Integers:
        """First day of each row's stretch of time."""
        return self.covered(self.day, np.full(len(self.day), STRETCHES.index(stretch)))[0]

    def covered(self, day: Integers, stretch: Integers) -> tuple[Integers, Integers]:
        """First and last day of stretches that lie around days.

        Parameters
        ----------
        day
            Days since 1970.
        stretch
            Positions in `STRETCHES`.
        """
        begin, end = self.period
        week = begin + (day - begin) // WEEK_DAYS * WEEK_DAYS
        first = np.choose(stretch, [day, week, np.full(len(day), begin)])
        last = np.choose(stretch, [day, np.minimum(week + WEEK_DAYS - 1, end), np.full(len(day), end)])
        return first, last

    @property
    def began(self) -> NDArray[np.bool_]:
        """Whether a flow began in the row; a host that only carries on is not counted."""
        return self.flows > 0


def read_use(engine: Rollups, window: Window, days: Sequence[date]) -> Use:
    """Read what each host did on each day.

    Parameters
    ----------
    engine
        Over the store.
    window
        Which records count.
    days
        The period.
    """
    epoch = date(1970, 1, 1)
    period = ((days[0] - epoch).days, (days[-1] - epoch).days) if days else (0, 0)
    stored = stored_days(engine) or (epoch, epoch)
    hour = local_hour(engine, "start_time", shifts(window.zone, *stored))
    listed = ", ".join(_STORED)
    engine.keep(
        _CELLS,
        f"SELECT {hour} AS local_hour, {listed}, inside_ip, {FLOWS} AS flows, {BYTES} AS bytes, "
        f"{PACKETS} AS packets FROM flows WHERE {window.shared()} GROUP BY local_hour, {listed}, inside_ip",
    )
    rows = engine.rollup(
        f"SELECT {engine.whole('local_hour', 24)} AS local_day, {listed}, inside_ip, sum(flows) AS flows, "
        f"sum(bytes) AS bytes, sum(packets) AS packets FROM {_CELLS} GROUP BY local_day, {listed}, inside_ip "
        f"ORDER BY {', '.join(f'{column} NULLS FIRST' for column in ('local_day', *_STORED, 'inside_ip'))}"
    )
    hosts = encode(rows["inside_ip"])
    stored_columns = {column: encode(rows[column]) for column in _STORED}
    names = stored_columns["name"]
    guard = NameGuard(hosts.words, lambda name: name)
    withheld = {name for name in names.words if guard(name) != name}
    finder = SiteFinder()
    told = {
        "name": _recoded(names, lambda name: RARE if name in withheld else name),
        "site": _recoded(names, lambda name: RARE if name in withheld else finder(name)),
    }
    counts = (numbers(rows[key]).astype(np.int64) for key in ("flows", "bytes", "packets"))
    return Use(
        day_numbers(rows["local_day"]),
        stored_columns,
        stored_columns | told,
        hosts.codes,
        hosts.words,
        period,
        *counts,
    )


def tell_use(use: Use, k: int) -> Told:
    """Decide how precisely each row is told."""
    levels = [
        Grouping(group([use.unit(level.stretch), *_columns(use, level)]), level.takes_in) for level in LEVELS
    ]
    return tell(levels, use.host, use.began, k)


def use_table(use: Use, told: Told) -> pa.Table:
    """The cells as a table; columns as in `sensor.dataset.tables.USE`."""
    kept = told.cell != WITHHELD
    speaker = _speakers(told)
    first, last = use.covered(use.day[speaker], _stretches_of(told.level))
    table: dict[str, pa.Array] = {"first_day": _days(first), "last_day": _days(last)}
    for column in COLUMNS:
        table[column] = _words(use.columns[column], column, speaker, told)
    for measure in ("flows", "bytes", "packets"):
        table[measure] = pa.array(_sums(told.cell[kept], getattr(use, measure)[kept], len(speaker)))
    return pa.table(table)


def hours_table(engine: Rollups, use: Use, told: Told, k: int) -> pa.Table:
    """The same flows by hour, within the days and blocks of the cells.

    Parameters
    ----------
    engine
        In which `read_use` kept what it read.
    use, told
        The cells.
    k
        Fewest hosts of a cell.
    """
    engine.lend(_ELSEWHERE, _told_elsewhere(use, told))
    same = " AND ".join(f"cells.{column} IS NOT DISTINCT FROM elsewhere.{column}" for column in _STORED)
    day = engine.whole("cells.local_hour", 24)
    rows = engine.rollup(
        "SELECT cells.local_hour AS local_hour, "
        "CASE WHEN COALESCE(elsewhere.with_block, TRUE) THEN cells.block END AS block, "
        f"COALESCE(elsewhere.stretch, 0) AS stretch, inside_ip, sum(flows) AS flows FROM {_CELLS} AS cells "
        f"LEFT JOIN {_ELSEWHERE} AS elsewhere ON {day} = elsewhere.local_day AND {same} "
        "WHERE COALESCE(elsewhere.stretch, 0) >= 0 AND flows > 0 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2 NULLS FIRST, 3, 4"
    )
    hour, stretch = (rows[key].to_numpy().astype(np.int64) for key in ("local_hour", "stretch"))
    block, host = encode(rows["block"]), encode(rows["inside_ip"]).codes
    flows = numbers(rows["flows"]).astype(np.int64)
    first, last = use.covered(hour // 24, stretch)
    base = group([first, last, block.codes])
    levels = [
        Grouping(group([base, hour])),
        Grouping(group([base, hour // 24])),
        Grouping(base, takes_in=True),
    ]
    found = tell(levels, host, flows > 0, k)
    kept, speaker = found.cell != WITHHELD, _speakers(found)
    # What is left of a base group of one day is still of that day.
    several_days = first[speaker] != last[speaker]
    words = [block.words[code] if code >= 0 else ANY for code in block.codes[speaker].tolist()]
    return pa.table(
        {
            "first_day": _days(first[speaker]),
            "last_day": _days(last[speaker]),
            "block": pa.array(words, pa.utf8()),
            "day": _days(hour[speaker] // 24, (found.level > 1) & several_days),
            "hour": pa.array(hour[speaker] % 24, mask=found.level > 0),
            "flows": pa.array(_sums(found.cell[kept], flows[kept], len(speaker))),
        }
    )


def _told_elsewhere(use: Use, told: Told) -> pa.Table:
    """What is told without its day or its block, or not at all."""
    withheld = told.cell == WITHHELD
    level = np.where(withheld, 0, told.level[told.cell])
    stretch = np.where(withheld, -1, _stretches_of(level))
    with_block = np.array(["block" in level.kept for level in LEVELS])[level]
    fine = group([use.day, *(use.stored[column].codes for column in _STORED)])
    rows = np.flatnonzero((stretch != 0) | ~with_block)
    _, place = np.unique(fine[rows], return_index=True)
    rows = rows[place]
    return pa.table(
        {
            "local_day": pa.array(use.day[rows]),
            **{column: _told(use.stored[column], rows) for column in _STORED},
            "stretch": pa.array(stretch[rows]),
            "with_block": pa.array(with_block[rows]),
        }
    )


def _stretches_of(level: Integers) -> Integers:
    return np.array([STRETCHES.index(level.stretch) for level in LEVELS], np.int64)[level]


def _speakers(told: Told) -> Integers:
    """A row of each cell; rows of a cell agree in whatever is told of it, so any of them speaks for all."""
    speaker = np.zeros(len(told.level), np.int64)
    kept = np.flatnonzero(told.cell != WITHHELD)[::-1]
    speaker[told.cell[kept]] = kept
    return speaker


def _columns(use: Use, level: Level) -> list[Integers]:
    kept = [use.columns[column].codes for column in level.kept]
    marked = [(use.columns[column].codes >= 0).astype(np.int64) for column in level.marked]
    return [*kept, *marked]


def _words(which: Dimension, column: str, speaker: Integers, told: Told) -> pa.Array:
    words = [which.words[code] if code >= 0 else None for code in which.codes[speaker].tolist()]
    return pa.array(
        [LEVELS[level].word(column, word) for level, word in zip(told.level.tolist(), words, strict=True)],
        pa.utf8(),
    )


def _told(which: Dimension, rows: Integers) -> pa.Array:
    return pa.array(
        [which.words[code] if code >= 0 else None for code in which.codes[rows].tolist()], pa.utf8()
    )


def _days(values: Integers, missing: NDArray[np.bool_] | None = None) -> pa.Array:
    return pc.cast(pa.array(values.astype(np.int32), mask=missing), pa.date32())


def _sums(cell: Integers, values: Integers, cells: int) -> Integers:
    sums = np.zeros(cells, np.int64)
    np.add.at(sums, cell, values)
    return sums


def _recoded(which: Dimension, word_of: Callable[[str], str]) -> Dimension:
    found = [word_of(word) for word in which.words]
    words = sorted(set(found))
    place = {word: number for number, word in enumerate(words)}
    codes = np.array([*(place[word] for word in found), -1], np.int64)
    return Dimension(codes[which.codes], tuple(words))
