"""Captures into Arrow tables, without a store."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sensor.capture import Replaying, ReplayResult
from sensor.community_id import community_id
from sensor.config import Config, load_config
from sensor.errors import CaptureError
from sensor.rules import Plan, load_plan
from sensor.rules.names import load_names
from sensor.schema import TABLES, arrow_schema

__all__ = ["Rows", "replay"]

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Rows:
    """The rows of a replay, in memory, in an order that does not depend on the number of workers.

    Each table is a `pyarrow.Table` with the columns that the documentation of the store lists; text of few
    distinct values is dictionary-encoded. ``table.to_pandas()`` gives pandas; polars, DuckDB and whoever else
    takes the Arrow PyCapsule interface take a table as it is: ``polars.DataFrame(rows.flows)``.

    Attributes
    ----------
    flows
        One row a flow record.
    dns
        One row a DNS transaction.
    hosts
        One row a day, block and inside address.
    accounting
        What became of every frame.
    summary
        What the replay came to: packets, bytes, flows, seconds, inputs.
    """

    flows: pa.Table
    dns: pa.Table
    hosts: pa.Table
    accounting: pa.Table
    summary: ReplayResult

    def community_ids(self) -> pa.Array:
        """Community IDs (version 1, seed 0) of the flows, row by row."""
        names = ("inside_ip", "outside_ip", "inside_port", "outside_port", "protocol", "initiator")
        return community_id(*(self.flows.column(name) for name in names))


def replay(
    captures: PathLike | Sequence[PathLike],
    *,
    blocks: Sequence[PathLike] = (),
    watch: Sequence[str] = (),
    workers: int | None = None,
    config: Config | PathLike | None = None,
) -> Rows:
    """Send captures through the whole pipeline and keep the rows.

    Parameters
    ----------
    captures
        One capture or several, which are merged by time into one stream: pcap or pcapng, packed or not.
    blocks
        Rule files or lists of addresses, in any of the formats that the command line takes.
    watch
        Prefixes or ranges to watch besides, as ``192.0.2.0/24``. With neither, the settings' rules; where
        these name none, the shipped blocks.
    workers
        Threads that decode and count; one a core by default. The rows do not depend on it.
    config
        Settings, or the file that has them.

    Returns
    -------
    Rows
        Tables and a summary.

    Raises
    ------
    CaptureError
        A capture is missing, none, or broke off for another reason than being cut short, which warns.
    RuleError, ConfigError
        Rules or settings are refused.
    """
    settings = config if isinstance(config, Config) else load_config(Path(config)) if config else Config()
    paths = [captures] if isinstance(captures, str | os.PathLike) else list(captures)
    threads = workers or settings.workers or len(os.sched_getaffinity(0))
    sink = _Sink()
    with Replaying(
        [os.fspath(path) for path in paths],
        _plan(settings, blocks, watch),
        settings,
        threads,
        load_names(settings.rules.folders),
    ) as replaying:
        summary = replaying.run(sink)
    _tell(summary)
    return Rows(**{name: sink.table(name) for name in TABLES}, summary=summary)


class _Sink:
    """Takes rows as a store would, and keeps them."""

    def __init__(self) -> None:
        self._batches: dict[str, list[pa.RecordBatch]] = {name: [] for name in TABLES}

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        self._batches[table].append(batch)

    def table(self, name: str) -> pa.Table:
        """All rows of a table, in the order of the store."""
        plain = arrow_schema(name)
        rows = pa.Table.from_batches(self._batches.pop(name), arrow_schema(name, encoded=True))
        # Arrow does not sort by a dictionary's texts.
        keys = pa.table({
            column: rows[column].cast(plain.field(column).type) for column in TABLES[name].sort_by
        })  # fmt: skip
        order = pc.sort_indices(keys, [(column, "ascending") for column in TABLES[name].sort_by])
        return rows.unify_dictionaries().take(order).combine_chunks()


def _plan(settings: Config, blocks: Sequence[PathLike], watch: Sequence[str]) -> Plan:
    by_hand = bool(blocks or watch)
    plan = load_plan(
        [Path(path) for path in blocks] if by_hand else settings.rules.blocks,
        watch if by_hand else settings.rules.watch,
    )
    for warning in plan.warnings:
        warnings.warn(warning, stacklevel=3)
    if plan.refused:
        first = plan.refused[0]
        warnings.warn(
            f"{len(plan.refused)} lines were left out; the first is {first.file}:{first.line}: {first.reason}",
            stacklevel=3,
        )
    return plan


def _tell(summary: ReplayResult) -> None:
    for one in summary.inputs:
        if one.error:
            raise CaptureError(f"{one.path}: {one.error}")
        if one.warning:
            warnings.warn(f"{one.path}: {one.warning}", stacklevel=3)
