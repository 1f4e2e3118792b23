"""Use, read of a store by who did what, and told in cells of at least k hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sensor.dataset.detail import ANY, COLUMNS, LEVELS, RARE, Level
from sensor.dataset.records.embedded import NameGuard
from sensor.dataset.telling import WITHHELD, Told, group, tell
from sensor.store.engine.rollup import Rollups
from sensor.study.calendar import local_hour, shifts
from sensor.study.facts import Dimension, day_numbers, encode, numbers
from sensor.study.gather import stored_days
from sensor.study.sites import SiteFinder
from sensor.study.use import BYTES, FLOWS, PACKETS, Window

Integers = NDArray[np.int64]

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
    flows, bytes, packets
        How much.
    """

    day: Integers
    stored: dict[str, Dimension]
    columns: dict[str, Dimension]
    host: Integers
    hosts: tuple[str, ...]
    flows: Integers
    bytes: Integers
    packets: Integers

    @property
    def began(self) -> NDArray[np.bool_]:
        """Whether a flow began in the row; a host that only carries on is not counted."""
        return self.flows > 0


def read_use(engine: Rollups, window: Window) -> Use:
    """Read what each host did on each day.

    Parameters
    ----------
    engine
        Over the store.
    window
        Which records count.
    """
    stored = stored_days(engine) or (date(1970, 1, 1), date(1970, 1, 1))
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
        *counts,
    )


def tell_use(use: Use, k: int) -> Told:
    """Decide how precisely each row is told."""
    groups = [group(_columns(use, level)) for level in LEVELS]
    return tell(groups, use.host, use.began, k)


def use_table(use: Use, told: Told) -> pa.Table:
    """The cells as a table; columns as in `sensor.dataset.tables.USE`."""
    kept = told.cell != WITHHELD
    cells = int(told.cell.max(initial=-1)) + 1
    # Rows of a cell agree in whatever is told of it, so any of them speaks for all.
    speaker = np.zeros(cells, np.int64)
    speaker[told.cell[kept][::-1]] = np.flatnonzero(kept)[::-1]
    table: dict[str, pa.Array] = {"day": _days(use.day[speaker])}
    for column in COLUMNS:
        table[column] = _words(use.columns[column], column, speaker, told)
    for measure in ("flows", "bytes", "packets"):
        table[measure] = pa.array(_sums(told.cell[kept], getattr(use, measure)[kept], cells))
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
        "SELECT cells.local_hour AS local_hour, CASE WHEN elsewhere.withheld IS NULL THEN cells.block END AS block, "
        f"inside_ip, sum(flows) AS flows FROM {_CELLS} AS cells LEFT JOIN {_ELSEWHERE} AS elsewhere "
        f"ON {day} = elsewhere.local_day AND {same} WHERE COALESCE(elsewhere.withheld, 0) = 0 AND flows > 0 "
        "GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST, 3"
    )
    hour = rows["local_hour"].to_numpy().astype(np.int64)
    block, host = encode(rows["block"]), encode(rows["inside_ip"]).codes
    flows = numbers(rows["flows"]).astype(np.int64)
    base = group([hour // 24, block.codes])
    found = tell([group([hour, block.codes]), base], host, flows > 0, k)
    kept = found.cell != WITHHELD
    cells = int(found.cell.max(initial=-1)) + 1
    speaker = np.zeros(cells, np.int64)
    speaker[found.cell[kept][::-1]] = np.flatnonzero(kept)[::-1]
    by_hour = found.level == 0
    return pa.table(
        {
            "day": _days(hour[speaker] // 24),
            "block": pa.array([block.words[code] if code >= 0 else ANY for code in block.codes[speaker]]),
            "hour": pa.array(hour[speaker] % 24, mask=~by_hour),
            "flows": pa.array(_sums(found.cell[kept], flows[kept], cells)),
        }
    )


def _told_elsewhere(use: Use, told: Told) -> pa.Table:
    withheld = told.cell == WITHHELD
    without_block = np.zeros(len(withheld), bool)
    without_block[~withheld] = np.array(["block" not in level.kept for level in LEVELS])[
        told.level[told.cell[~withheld]]
    ]
    first = group([use.day, *(use.stored[column].codes for column in _STORED)])
    rows = np.flatnonzero(withheld | without_block)
    _, place = np.unique(first[rows], return_index=True)
    rows = rows[place]
    return pa.table(
        {
            "local_day": pa.array(use.day[rows]),
            **{column: _told(use.stored[column], rows) for column in _STORED},
            "withheld": pa.array(withheld[rows].astype(np.int64)),
        }
    )


def _columns(use: Use, level: Level) -> list[Integers]:
    kept = [use.columns[column].codes for column in level.kept]
    marked = [(use.columns[column].codes >= 0).astype(np.int64) for column in level.marked]
    return [use.day, *kept, *marked]


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


def _days(values: Integers) -> pa.Array:
    return pc.cast(pa.array(values.astype(np.int32)), pa.date32())


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
