"""Send the flows of a store and say what it came to."""

import json
import time
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sensor.cli._say import say
from sensor.errors import ConfigError
from sensor.export import Destination, Exporter, ExporterOptions, stored_flows

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Asked:
    """The words of the command; ``days`` are the first and the last one."""

    store: str
    destination: Destination
    options: ExporterOptions
    days: tuple[str | None, str | None]
    blocks: tuple[str, ...]


def run_export(asked: Asked, *, as_json: bool) -> None:
    """Send every record; failures leave as exceptions, with what was sent until then in the message."""
    first, last = (_day(text) for text in asked.days)
    if first and last and first > last:
        raise ConfigError(f"the export ends ({last}) before it begins ({first})")
    flows = stored_flows(asked.store, first, last, asked.blocks, say)
    # A store that is none is told before a collector is asked.
    batch = next(flows, None)
    began = time.monotonic()
    packets = octets = 0
    with Exporter(asked.destination, asked.options) as exporter:
        try:
            while batch is not None:
                exporter.write("flows", batch)
                packets += _sum(batch, "packets_out") + _sum(batch, "packets_in")
                octets += _sum(batch, "bytes_out") + _sum(batch, "bytes_in")
                batch = next(flows, None)
            exporter.finish()
        except ConnectionError as error:
            raise ConnectionError(f"{error}; {exporter.records:,} records had been sent") from error
    seconds = time.monotonic() - began
    if as_json:
        print(
            json.dumps({
                "collector": str(asked.destination),
                "transport": asked.destination.transport,
                "records": exporter.records,
                "packets": packets,
                "bytes": octets,
                "left_out": exporter.left_out,
                "messages": exporter.messages,
                "bytes_sent": exporter.bytes,
                "seconds": round(seconds, 6),
            })
        )  # fmt: skip
    if exporter.left_out:
        say(f"warning: {exporter.left_out:,} rows have no valid addresses and were left out")
    say(
        f"sent {exporter.records:,} records ({packets:,} packets, {octets:,} bytes) to {asked.destination} "
        f"over {asked.destination.transport.upper()}: {exporter.messages:,} messages, {seconds:.1f} s"
    )


def _sum(batch: "pa.RecordBatch", column: str) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(batch.column(column)).as_py() or 0)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no day: write a day such as 2017-04-01") from error
