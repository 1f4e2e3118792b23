"""The columns, once: Arrow, Parquet, DuckDB and the documentation derive from here.

Run ``python -m sensor.schema`` to write ``docs/columns.md`` anew.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

__all__ = [
    "SCHEMA_VERSION",
    "TABLES",
    "Column",
    "Table",
    "arrow_schema",
    "dictionary_type",
    "empty_view_sql",
    "markdown",
]

SCHEMA_VERSION = 1

_TIME = pa.timestamp("ns", tz="UTC")

# SQL types as DuckDB names them, and their Arrow counterparts. Times are UTC in both; SQL does without
# the zone because DuckDB does arithmetic on zoned times only with an extension it would have to download.
_ARROW_TYPES: dict[str, pa.DataType] = {
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "TIMESTAMP_NS": _TIME,
    "UBIGINT": pa.uint64(),
    "UINTEGER": pa.uint32(),
    "USMALLINT": pa.uint16(),
    "UTINYINT": pa.uint8(),
    "UTINYINT[]": pa.list_(pa.uint8()),
    "VARCHAR": pa.utf8(),
    "VARCHAR[]": pa.list_(pa.utf8()),
}


@dataclass(frozen=True)
class Column:
    """One column: its name, SQL type and meaning.

    ``few_values`` says that its text repeats: the core hands it over, and Parquet
    stores it, as a dictionary.
    """

    name: str
    sql: str
    meaning: str
    few_values: bool = False

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type (plain text for dictionaries too)."""
        return _ARROW_TYPES[self.sql]


@dataclass(frozen=True)
class Table:
    """One table: its columns and what its rows are placed and sorted by.

    ``time_column`` decides the day a row belongs to, unless ``day_column`` names
    a column that states the day; that column lives in the folder's name alone.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    sort_by: tuple[str, ...]
    time_column: str
    day_column: str | None = None

    @property
    def stored_columns(self) -> tuple[str, ...]:
        """Names of the columns inside the Parquet files."""
        return tuple(column.name for column in self.columns if column.name != self.day_column)


def _few(name: str, meaning: str) -> Column:
    return Column(name, "VARCHAR", meaning, few_values=True)


def _count(name: str, meaning: str) -> Column:
    return Column(name, "UBIGINT", meaning)


_SENSOR = _few("sensor", "name of the sensor")
_BLOCK = _few("block", "name of the most specific block matched")

FLOWS = Table(
    "flows",
    "One row a flow record: the counts since that flow's previous record.",
    (
        _SENSOR,
        _BLOCK,
        _few("scope", "`external`, or `internal` when both ends are watched"),
        _few("tunnel", "innermost tunnel around this flow (`vxlan`, `gre`, ...), else NULL"),
        _few("outside_block", "the outside end's block when internal, else NULL"),
        Column("inside_ip", "VARCHAR", "the address in the block, IPv4 or IPv6"),
        Column("outside_ip", "VARCHAR", "the other address"),
        Column("inside_port", "USMALLINT", "port of the inside end; ICMP: type"),
        Column("outside_port", "USMALLINT", "port of the outside end; ICMP: code"),
        Column("protocol", "UTINYINT", "IP protocol number of the inner packet"),
        _few("initiator", "`inside`, `outside` or `unknown`"),
        Column("answered", "BOOLEAN", "the other end answered, so far"),
        Column("start_time", "TIMESTAMP_NS", "first packet counted in this record"),
        Column("end_time", "TIMESTAMP_NS", "last packet counted in this record"),
        _count("packets_out", "packets from inside to outside"),
        _count("packets_in", "packets from outside to inside"),
        _count("bytes_out", "inner IP bytes from inside to outside, by the headers"),
        _count("bytes_in", "inner IP bytes from outside to inside, by the headers"),
        Column("tcp_flags_out", "UTINYINT", "OR of the TCP flags sent by inside"),
        Column("tcp_flags_in", "UTINYINT", "OR of the TCP flags sent by outside"),
        _few("application", "protocol seen (`tls`, `quic`, `dns`, ...), or NULL"),
        Column("name", "VARCHAR", "best name of the outside end, lower case, no trailing dot, or NULL"),
        _few("name_source", "`tls_sni`, `quic_sni`, `http_host`, `dns_query` or `dns_answer`"),
        Column("names", "VARCHAR[]", "every distinct name the flow itself carried, in order"),
        Column("ech", "BOOLEAN", "Encrypted Client Hello was offered"),
        Column("ja4", "VARCHAR", "JA4 of the client hello (TLS and QUIC)"),
        _few("service", "the organisation's product, or NULL"),
        _few("organisation", "who runs the service, or NULL"),
        _few("category", "`social`, `search`, `mail`, `video`, `vpn`, `mining`, ..., or NULL"),
        _few("country", "ISO code of the outside address, or NULL"),
        _few("country_source", "`rir` (registration) or the name of the geo database"),
        Column("flow_id", "UBIGINT", "hash of 5-tuple and first packet time: the same on every run"),
        Column("record", "UINTEGER", "0, 1, 2 ... within the flow"),
        _few("end_reason", "`active`, `idle`, `fin`, `rst`, `evicted` or `end`"),
    ),
    sort_by=("start_time", "flow_id", "record"),
    time_column="start_time",
)

DNS = Table(
    "dns",
    "One row a DNS transaction, an unanswered query, or an answer nobody was seen to ask for.",
    (
        _SENSOR,
        _BLOCK,
        Column("time", "TIMESTAMP_NS", "when the query was seen; without a query, its answer"),
        Column("inside_ip", "VARCHAR", "the address in the block"),
        Column("server_ip", "VARCHAR", "the server's address"),
        _few("transport", "`udp` or `tcp`"),
        Column("qname", "VARCHAR", "the name asked for, lower case, no trailing dot"),
        _few("qtype", "type asked for (`A`, `AAAA`, `HTTPS`, `TYPE999`, ...)"),
        _few("rcode", "response code (`NOERROR`, `NXDOMAIN`, ...); NULL: the query was not answered"),
        Column("answers", "VARCHAR[]", "addresses in the answer"),
        Column("cnames", "VARCHAR[]", "canonical names in the answer, in order"),
        Column("min_ttl", "UINTEGER", "lowest time to live in the answer, seconds"),
        Column(
            "latency_us", "UBIGINT", "microseconds from query to answer; NULL: one of the two was not seen"
        ),
        Column("flow_id", "UBIGINT", "the flow that carried it"),
    ),
    sort_by=("time", "flow_id", "qname"),
    time_column="time",
)

HOSTS = Table(
    "hosts",
    "One row a day, block and inside address that sent a packet: evidence for counting people. Internal flows are "
    "left out. Rows of restarts and sensors merge, as do those a long capture writes on its way.",
    (
        Column("day", "DATE", "UTC day; the folder's name holds it"),
        _BLOCK,
        Column("inside_ip", "VARCHAR", "the address in the block"),
        _SENSOR,
        Column("first", "TIMESTAMP_NS", "first packet to or from it that day"),
        Column("last", "TIMESTAMP_NS", "last packet to or from it that day"),
        _count("flows", "flows begun that day, by either end"),
        Column("ttls", "UTINYINT[]", "distinct times to live (hop limits) of packets it sent, in order"),
        Column("ja4s", "VARCHAR[]", "distinct JA4 fingerprints of its own clients, in order, the first 64"),
        Column(
            "user_agents", "VARCHAR[]", "distinct HTTP user agents of its own clients, in order, the first 64"
        ),
    ),
    sort_by=("block", "inside_ip", "first"),
    time_column="first",
    day_column="day",
)

ACCOUNTING = Table(
    "accounting",
    "One row an interval, sensor, worker and interface. Matched, unmatched and malformed sum to seen, exactly.",
    (
        Column("time", "TIMESTAMP_NS", "start of the interval"),
        Column(
            "interval_s", "DOUBLE", "its length: a minute, or the seconds that a live capture watched of it"
        ),
        _SENSOR,
        Column("worker", "USMALLINT", "number of the worker"),
        _few("interface", "interface or capture"),
        _count("packets_seen", "frames read"),
        _count("bytes_seen", "their bytes on the wire"),
        _count("packets_matched", "frames with a watched address"),
        _count("packets_unmatched", "frames without one, non-IP and unsupported frames included"),
        _count("packets_malformed", "frames that could not be decoded"),
        _count("packets_truncated", "frames cut by the snap length (subset of seen)"),
        _count("packets_duplicate", "frames seen twice within 10 ms (subset of seen)"),
        _count("packets_prefiltered", "frames the prefilter turned away (subset of seen)"),
        _count("packets_dropped_store", "frames whose rows the store lost (subset of seen)"),
        _count("rows_dropped_store", "rows the store lost"),
        _count("packets_dropped_kernel", "frames the kernel dropped, never seen"),
        _count("packets_dropped_interface", "frames the interface dropped, never seen"),
        _count("flows_created", "flows begun"),
        _count("flows_expired", "flows ended by time or close"),
        _count("flows_evicted", "flows ended for want of room"),
        _count("names_found", "flows named"),
        _count("names_evicted", "names forgotten for want of room"),
    ),
    sort_by=("time", "worker"),
    time_column="time",
)

TABLES: dict[str, Table] = {table.name: table for table in (FLOWS, DNS, HOSTS, ACCOUNTING)}


def dictionary_type() -> pa.DictionaryType:
    """The Arrow type in which the core hands over text of few distinct values."""
    return pa.dictionary(pa.int32(), pa.utf8())


def arrow_schema(table: str, *, encoded: bool = False) -> pa.Schema:
    """The Arrow schema of a table.

    Parameters
    ----------
    table
        ``flows``, ``dns``, ``hosts`` or ``accounting``.
    encoded
        Give columns of few distinct values their dictionary type, as the core
        hands them over, instead of plain text.
    """
    fields = []
    for column in TABLES[table].columns:
        arrow_type = dictionary_type() if encoded and column.few_values else column.arrow
        fields.append(pa.field(column.name, arrow_type))
    return pa.schema(fields)


def empty_view_sql(table: str) -> str:
    """A DuckDB statement for a view with the table's columns and no rows.

    Every view has the column ``day``: the folder a row lies in.
    """
    parts = [f'CAST(NULL AS {column.sql}) AS "{column.name}"' for column in TABLES[table].columns]
    if TABLES[table].day_column is None:
        parts.append('CAST(NULL AS DATE) AS "day"')
    return f'CREATE OR REPLACE TEMP VIEW "{table}" AS SELECT {", ".join(parts)} WHERE false'


def markdown() -> str:
    """The documentation of every table, as Markdown."""
    lines = [
        "# Columns",
        "",
        f"Schema version {SCHEMA_VERSION}. This page is written by `python -m sensor.schema`.",
        "",
        "All times are UTC with nanoseconds. Each table also has the column `day` (DATE): the UTC day of",
        "its folder, `day=YYYY-MM-DD`.",
    ]
    for table in TABLES.values():
        lines += [
            "",
            f"## {table.name}",
            "",
            table.meaning,
            "",
            "| column | type | meaning |",
            "| --- | --- | --- |",
        ]
        lines += [f"| {column.name} | {column.sql} | {column.meaning} |" for column in table.columns]
    return "\n".join(lines) + "\n"


def _write_documentation(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(markdown(), encoding="utf-8")


if __name__ == "__main__":
    _write_documentation(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/columns.md"))
