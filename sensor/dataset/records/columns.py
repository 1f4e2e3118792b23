"""The columns of the records, as a data set describes them and as Parquet holds them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from sensor.dataset.records.options import RecordOptions
from sensor.schema import TABLES, arrow_schema

_TYPES = {
    "BOOLEAN": "boolean",
    "TIMESTAMP_NS": "datetime",
    "UBIGINT": "integer",
    "UINTEGER": "integer",
    "USMALLINT": "integer",
    "UTINYINT": "integer",
    "VARCHAR": "string",
    "VARCHAR[]": "array",
}

_OUTSIDE = {
    "truncated": "its network, /24 or /48",
    "encrypted": "its pseudonym; the network of who came from outside is encrypted likewise",
    "kept": "as it is; of flows that inside did not begin, the network, /24 or /48",
}


def records_schema() -> pa.Schema:
    """Columns and types are those of a store's flows."""
    return arrow_schema("flows")


def table_schema(options: RecordOptions) -> dict[str, Any]:
    """The Frictionless Table Schema of the records."""
    changed = _changed(options)
    return {
        "fields": [
            {
                "name": column.name,
                "type": _TYPES[column.sql],
                "description": changed.get(column.name, column.meaning),
            }
            for column in TABLES["flows"].columns
        ],
        "missingValues": [""],
    }


def _changed(options: RecordOptions) -> dict[str, str]:
    k, step = options.k, options.round_time_s
    rare = f"; `(rare)` where fewer than {k} inside hosts share it"
    told = ", of flows that inside began and outside answered"
    return {
        "outside_block": "the outside end's block when internal; NULL where it has too few hosts",
        "inside_ip": f"pseudonym of the inside host{told}; else NULL. It is no address of anybody",
        "outside_ip": f"the other address, {_OUTSIDE[options.outside]}; NULL where it is an inside address",
        "inside_port": "port of the inside end if outside began the flow or it is below 1024; ICMP: type",
        "outside_port": "port of the outside end if inside began the flow or it is below 1024; ICMP: code",
        "start_time": f"first packet counted in this record, rounded down to {step} s",
        "end_time": f"last packet counted in this record, rounded down to {step} s",
        "name": f"best name of the outside end{told}; its site where fewer than {k} inside hosts share it, "
        "`(rare)` where they do not share that either",
        "names": f"every distinct name the flow itself carried, in order{told}; each shown as `name` is",
        "ja4": f"JA4 of the client hello{told}, if {k} inside hosts share it",
        "service": f"the organisation's product{told}, or NULL{rare}",
        "organisation": f"who runs the service{told}, or NULL{rare}",
        "category": f"what the service is for{told}, or NULL{rare}",
        "application": f"protocol seen, or NULL{rare}",
        "country": f"ISO code of the outside address, or NULL{rare}",
        "flow_id": "number of the flow in this data set: a count, no hash",
    }
