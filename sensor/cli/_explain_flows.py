"""The flows of a capture with their community ids, as a replay counts them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sensor.capture import InputResult, Replaying
from sensor.cli._values import rows_of
from sensor.community_id import community_id
from sensor.config import Config
from sensor.rules import Plan
from sensor.rules.names import NameRules

MOST_SEEN = 10
"""Flows remembered where one is looked for, to offer them where it is not there."""
PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 58: "ICMPv6", 132: "SCTP"}

_WITH_PORTS = {6, 17, 132}
_ROWS_LOOKED_AT = 1000
_ID_COLUMNS = ("inside_ip", "outside_ip", "inside_port", "outside_port", "protocol", "initiator")


@dataclass
class FlowSummary:
    """One community id: its ends, its packets, and what was said of it."""

    community_id: str
    protocol: str
    inside: str
    outside: str
    packets: int
    application: str | None
    name: str | None
    block: str | None

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON has it."""
        return asdict(self)


@dataclass
class Flows:
    """The records of the flow looked for, flows there are, and what was read.

    ``seen`` has every flow where none is looked for, else the first few.
    """

    wanted: str | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[str, FlowSummary] = field(default_factory=dict)
    inputs: tuple[InputResult, ...] = ()

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Take rows of a replay."""
        if table != "flows":
            return
        identifiers = community_id(*(batch.column(name) for name in _ID_COLUMNS))
        if self.wanted is not None:
            self.rows += _rows(batch.filter(pc.equal(identifiers, self.wanted)))
            if len(self.seen) >= MOST_SEEN:
                return
            batch = batch.slice(0, _ROWS_LOOKED_AT)
        for identifier, row in zip(identifiers.to_pylist(), _rows(batch), strict=False):
            self._see(identifier, row)

    def _see(self, identifier: str, row: dict[str, Any]) -> None:
        packets = row["packets_out"] + row["packets_in"]
        known = self.seen.get(identifier)
        if known is not None:
            known.packets += packets
            known.application = row["application"] or known.application
            known.name = row["name"] or known.name
        elif self.wanted is None or len(self.seen) < MOST_SEEN:
            inside, outside = ends_of(row)
            protocol = PROTOCOLS.get(row["protocol"], str(row["protocol"]))
            tail = (row["application"], row["name"], row["block"])
            self.seen[identifier] = FlowSummary(identifier, protocol, inside, outside, packets, *tail)


def find_flows(
    captures: list[str], plan: Plan, config: Config, names: NameRules, wanted: str | None
) -> Flows:
    """Replay captures and keep the records of one flow; None keeps a summary of each.

    Raises
    ------
    CaptureError
        An input is missing, no capture, or damaged.
    """
    flows = Flows(wanted)
    with Replaying(captures, plan, config, 1, names) as replaying:
        flows.inputs = replaying.run(flows).inputs
    flows.rows.sort(key=lambda row: (row["start_time"], row["flow_id"], row["record"]))
    return flows


def ends_of(row: dict[str, Any]) -> tuple[str, str]:
    """The inside and the outside end of a flow, with their ports where there are any."""
    if row["protocol"] not in _WITH_PORTS:
        return row["inside_ip"], row["outside_ip"]
    return (
        end_text(row["inside_ip"], row["inside_port"]),
        end_text(row["outside_ip"], row["outside_port"]),
    )


def end_text(address: str, port: int) -> str:
    """An address with its port."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    names = batch.schema.names
    return (dict(zip(names, row, strict=True)) for row in rows_of([batch]))
