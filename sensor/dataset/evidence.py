"""Every table of a data set, made of a store."""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sensor.dataset import tables as spec
from sensor.dataset.cells import hours_table, read_use, tell_use, use_table
from sensor.dataset.counts import (
    Source,
    apart_rows,
    device_rows,
    dns_is_told,
    host_rows,
    observed_rows,
    reach_rows,
    relay_rows,
    total_rows,
)
from sensor.dataset.detail import MARKS
from sensor.dataset.second_look import texts_with_addresses
from sensor.dataset.tables import TableSpec
from sensor.dataset.telling import WITHHELD
from sensor.dataset.words import block_rows, event_rows, expected_rows, protocol_rows, service_rows
from sensor.errors import DatasetError
from sensor.study.knowledge import Knowledge
from sensor.study.loss import observe

Row = dict[str, Any]
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?")


def make_tables(source: Source, known: Knowledge, zone: tzinfo) -> dict[str, pa.Table]:
    """Make the tables by name, each in its order.

    Parameters
    ----------
    source
        The store.
    known
        Rules, events and expectation.
    zone
        In which days are told.

    Raises
    ------
    DatasetError
        An inside address would leave with it.
    """
    use = read_use(source.engine, source.window, source.days)
    told = tell_use(use, source.k)
    cells = use_table(use, told)
    rows = {
        spec.HOSTS: host_rows(source),
        spec.DEVICES: device_rows(source),
        spec.RELAYS: relay_rows(source),
        spec.OBSERVED: observed_rows(observe(source.readings.gathered, zone)),
        spec.EXPECTED: expected_rows(known),
        spec.EVENTS: event_rows(known),
    }
    all_told = not (told.cell == WITHHELD).any() and not source.window.relays
    dns = source.readings.gathered.dns_use["flows"] if dns_is_told(source) else 0
    used = int(pc.sum(cells["flows"]).as_py() or 0) + dns
    words = {column: _words(cells[column]) for column in ("block", "service", "application", "site")}
    rows[spec.REACH] = reach_rows(source, words)
    rows[spec.APART], whole = apart_rows(source, used)
    rows[spec.TOTALS] = total_rows(source, whole=whole and all_told)
    blocks = words["block"] | {row["block"] for key in (spec.HOSTS, spec.RELAYS) for row in rows[key]}
    rows[spec.BLOCKS] = [
        _without_addresses(row) for row in block_rows(known, source.readings.gathered.hosts, blocks, source.k)
    ]
    rows[spec.SERVICES] = service_rows(known, words["service"])
    rows[spec.PROTOCOLS] = protocol_rows(known, words["application"])
    found = {
        spec.USE.name: ordered(cells, spec.USE),
        spec.HOURS.name: ordered(hours_table(source.engine, use, told, source.k), spec.HOURS),
    }
    found |= {
        one.name: ordered(pa.Table.from_pylist(listed, schema=one.arrow), one) for one, listed in rows.items()
    }
    _refuse_addresses(found, source)
    return {one.name: found[one.name] for one in spec.TABLES}


def ordered(table: pa.Table, one: TableSpec) -> pa.Table:
    """The table's columns and rows in the order that its specification gives."""
    table = table.select(one.arrow.names).cast(one.arrow)
    order = pc.sort_indices(table, sort_keys=[(column, "ascending") for column in one.key])
    return table.take(order).combine_chunks()


def _words(column: pa.ChunkedArray) -> set[str]:
    return {word for word in pc.unique(column).to_pylist() if word is not None and word not in MARKS}


def _without_addresses(row: Row) -> Row:
    """What people wrote about a block may name addresses of it; the data set does not."""
    return {
        key: _ADDRESS.sub("(address)", value) if isinstance(value, str) and key != "block" else value
        for key, value in row.items()
    }


def _refuse_addresses(found: dict[str, pa.Table], source: Source) -> None:
    """Nothing of the above tells an address; should that ever be wrong, nothing leaves.

    Blocks are called what the rules call them, which may be their prefix.
    """
    listed = source.engine.rollup(
        "SELECT inside_ip FROM flows UNION SELECT inside_ip FROM hosts UNION SELECT inside_ip FROM dns"
    )["inside_ip"].to_pylist()
    for name, table in found.items():
        texts = [
            column for column in table.schema if pa.types.is_string(column.type) and column.name != "block"
        ]
        words = {word for column in texts for word in _words(table[column.name])}
        if told := texts_with_addresses(words, listed):
            raise DatasetError(
                f"table {name} would tell an inside address ({len(told)} texts have one in them): nothing is written"
            )
