"""Every metric, once: its name, kind, labels and meaning. The exporter and its documentation follow this."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Attributes
    ----------
    name : str
        As Prometheus has it, the ``_total`` of a counter and the ``_info`` of an info included.
    kind : {"counter", "gauge", "histogram", "info"}
        Its type.
    labels : tuple of str
        Names of its labels, in order.
    help : str
        What it means.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


PACKETS: Final = Family(
    "blocktap_packets_total", "counter", ("interface", "outcome"),
    "Frames read, each with one outcome: matched, unmatched or malformed.",
)  # fmt: skip
BYTES: Final = Family(
    "blocktap_bytes_total", "counter", ("interface", "outcome"),
    "Length on the wire of the frames read.",
)  # fmt: skip
DROPPED: Final = Family(
    "blocktap_dropped_packets_total", "counter", ("interface", "reason"),
    "Packets lost or left out: by the kernel's ring, the interface, the prefilter or a slow store.",
)  # fmt: skip
BLOCK_PACKETS: Final = Family(
    "blocktap_block_packets_total", "counter", ("block", "direction"),
    "Packets of a watched block, out of it and into it.",
)  # fmt: skip
BLOCK_BYTES: Final = Family(
    "blocktap_block_bytes_total", "counter", ("block", "direction"),
    "IP bytes of a watched block, out of it and into it.",
)  # fmt: skip
SERVICE_BYTES: Final = Family(
    "blocktap_service_bytes_total", "counter", ("block", "service", "direction"),
    "IP bytes of flows with a service of the catalogue, from their beginning.",
)  # fmt: skip
SERVICE_FLOWS: Final = Family(
    "blocktap_service_flows_total", "counter", ("block", "service"),
    "Flows that were found to belong to a service of the catalogue.",
)  # fmt: skip
COUNTRY_BYTES: Final = Family(
    "blocktap_country_bytes_total", "counter", ("block", "country", "direction"),
    "IP bytes by the country in which the outside address is registered.",
)  # fmt: skip
APPLICATION_FLOWS: Final = Family(
    "blocktap_application_flows_total", "counter", ("block", "application"),
    "Flows whose protocol was recognised.",
)  # fmt: skip
ACTIVE_FLOWS: Final = Family(
    "blocktap_active_flows", "gauge", (),
    "Flows alive.",
)  # fmt: skip
FLOWS: Final = Family(
    "blocktap_flows_total", "counter", ("event",),
    "Flows begun, ended by time or close, and ended for lack of room.",
)  # fmt: skip
EVICTED: Final = Family(
    "blocktap_evicted_total", "counter", ("what",),
    "What was given up or written early for lack of room.",
)  # fmt: skip
NAMES: Final = Family(
    "blocktap_names_total", "counter", ("source",),
    "Flows that got a name, by where it stood.",
)  # fmt: skip
DNS: Final = Family(
    "blocktap_dns_transactions_total", "counter", ("block", "rcode"),
    "DNS transactions by their result; unanswered where no answer was seen.",
)  # fmt: skip
STORE_ROWS: Final = Family(
    "blocktap_store_rows_total", "counter", ("table",),
    "Rows written to the store.",
)  # fmt: skip
STORE_FLUSH: Final = Family(
    "blocktap_store_flush_seconds", "histogram", (),
    "Time that writing the store's segments took.",
)  # fmt: skip
STORE_BYTES: Final = Family(
    "blocktap_store_bytes", "gauge", (),
    "Size of the store.",
)  # fmt: skip
SPOOL_SEGMENTS: Final = Family(
    "blocktap_store_spool_segments", "gauge", (),
    "Segments that wait on this machine for object storage; only where the store lies there.",
)  # fmt: skip
SPOOL_BYTES: Final = Family(
    "blocktap_store_spool_bytes", "gauge", (),
    "Their size.",
)  # fmt: skip
SHIPPED: Final = Family(
    "blocktap_store_shipped_segments_total", "counter", (),
    "Segments shipped to object storage.",
)  # fmt: skip
SHIP_FAILURES: Final = Family(
    "blocktap_store_ship_failures_total", "counter", (),
    "Tries to ship that failed: the storage was away, or refused.",
)  # fmt: skip
RELOAD_SUCCESSFUL: Final = Family(
    "blocktap_rules_last_reload_successful", "gauge", (),
    "Whether the rules last asked for are those in use.",
)  # fmt: skip
RELOAD_TIMESTAMP: Final = Family(
    "blocktap_rules_last_reload_success_timestamp_seconds", "gauge", (),
    "When the rules in use were loaded.",
)  # fmt: skip
RULES: Final = Family(
    "blocktap_rules", "gauge", ("kind",),
    "Rules in use.",
)  # fmt: skip
BUILD_INFO: Final = Family(
    "blocktap_build_info", "info", ("version",),
    "The version that runs.",
)  # fmt: skip
FLOW_LABELS: Final = (
    "block", "inside_ip", "outside_ip", "outside_port", "protocol", "service", "direction",
)  # fmt: skip
FLOW_BYTES: Final = Family(
    "blocktap_flow_bytes_total", "counter", FLOW_LABELS,
    "IP bytes of the heaviest flows alive, parallel connections summed, since they are watched as such.",
)  # fmt: skip
FLOW_PACKETS: Final = Family(
    "blocktap_flow_packets_total", "counter", FLOW_LABELS,
    "Packets of the heaviest flows alive, parallel connections summed, since they are watched as such.",
)  # fmt: skip

FAMILIES: Final = (
    PACKETS, BYTES, DROPPED, BLOCK_PACKETS, BLOCK_BYTES, SERVICE_BYTES, SERVICE_FLOWS, COUNTRY_BYTES,
    APPLICATION_FLOWS, ACTIVE_FLOWS, FLOWS, EVICTED, NAMES, DNS, FLOW_BYTES, FLOW_PACKETS, STORE_ROWS, STORE_FLUSH,
    STORE_BYTES, SPOOL_SEGMENTS, SPOOL_BYTES, SHIPPED, SHIP_FAILURES, RELOAD_SUCCESSFUL, RELOAD_TIMESTAMP,
    RULES, BUILD_INFO,
)  # fmt: skip
"""All of them, in the order in which they are told."""

REASONS: Final = ("kernel", "interface", "prefilter", "store")
TABLES: Final = ("flows", "dns", "hosts", "accounting")
