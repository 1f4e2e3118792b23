"""Counters as Prometheus' metrics: made anew from a snapshot at every scrape, in a registry of their own."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from sensor import __version__
from sensor.metrics import families
from sensor.metrics.families import Family
from sensor.metrics.heaviest import Heaviest
from sensor.metrics.source import Drop, MetricsSource

if TYPE_CHECKING:
    from sensor._core import Snapshot

Values = Iterable[tuple[tuple[str, ...], float]]
"""Values of labels, in the order of the family's, with a sample's value."""

PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmpv6", 132: "sctp"}
"""What IP protocols are called; others by their number."""


def build_registry(source: MetricsSource, top_flows: int) -> CollectorRegistry:
    """A registry with the sensor's metrics and no others."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SensorCollector(source, top_flows))
    return registry


class SensorCollector(Collector):
    """Asks the source at every scrape.

    Parameters
    ----------
    source
        Where the counters are.
    top_flows
        How many of the heaviest flows are told.
    """

    def __init__(self, source: MetricsSource, top_flows: int) -> None:
        self._source = source
        self._heaviest = Heaviest(top_flows)
        self._version = __version__

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry need not ask for a snapshot to know what there is."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics, from one snapshot."""
        snapshot = self._source.snapshot()
        yield from _capture(snapshot, self._source.drops())
        yield from _traffic(snapshot)
        yield from _flows(snapshot)
        yield from self._heavy(snapshot)
        yield from self._store()
        yield from self._rules()
        yield _metric(families.BUILD_INFO, [((self._version,), 1)])

    def _heavy(self, snapshot: "Snapshot") -> Iterator[Metric]:
        chosen = self._heaviest.choose(snapshot["flows"])
        packets: list[tuple[tuple[str, ...], float]] = []
        bytes_: list[tuple[tuple[str, ...], float]] = []
        for (block, inside, outside, port, protocol, service), counts, _ in chosen:
            labels = (block, inside, outside, str(port), protocol_word(protocol), service or "")
            packets += _both(labels, counts[0], counts[1])
            bytes_ += _both(labels, counts[2], counts[3])
        yield _metric(families.FLOW_BYTES, bytes_)
        yield _metric(families.FLOW_PACKETS, packets)

    def _store(self) -> Iterator[Metric]:
        state = self._source.store()
        rows = dict.fromkeys(families.TABLES, 0) | dict(state.rows)
        yield _metric(families.STORE_ROWS, (((table,), count) for table, count in rows.items()))
        histogram = HistogramMetricFamily(families.STORE_FLUSH.name, families.STORE_FLUSH.help)
        buckets, sum_s = self._source.flushes().buckets()
        histogram.add_metric([], buckets, sum_s)
        yield histogram
        if state.bytes is not None:
            yield _metric(families.STORE_BYTES, [((), state.bytes)])
        if state.spooled is not None:
            yield _metric(families.SPOOL_SEGMENTS, [((), state.spooled.segments)])
            yield _metric(families.SPOOL_BYTES, [((), state.spooled.bytes)])
            yield _metric(families.SHIPPED, [((), state.spooled.shipped)])
            yield _metric(families.SHIP_FAILURES, [((), state.spooled.failures)])

    def _rules(self) -> Iterator[Metric]:
        state = self._source.rules()
        yield _metric(families.RELOAD_SUCCESSFUL, [((), float(state.last_reload_successful))])
        yield _metric(families.RELOAD_TIMESTAMP, [((), state.last_success_timestamp_s)])
        yield _metric(families.RULES, (((kind,), count) for kind, count in state.counts.items()))


def _capture(snapshot: "Snapshot", drops: Iterable[Drop]) -> Iterator[Metric]:
    interfaces = snapshot["interfaces"]
    packets: list[tuple[tuple[str, ...], float]] = []
    bytes_: list[tuple[tuple[str, ...], float]] = []
    # Every reason from the beginning: what is not there yet cannot be seen to rise.
    dropped: dict[tuple[str, str], int] = {}
    for name, counts in interfaces.items():
        unmatched = counts["bytes_seen"] - counts["bytes_matched"] - counts["bytes_malformed"]
        packets += [
            ((name, "matched"), counts["packets_matched"]),
            ((name, "unmatched"), counts["packets_unmatched"]),
            ((name, "malformed"), counts["packets_malformed"]),
        ]
        bytes_ += [
            ((name, "matched"), counts["bytes_matched"]),
            ((name, "unmatched"), unmatched),
            ((name, "malformed"), counts["bytes_malformed"]),
        ]
        dropped[name, "kernel"] = counts["packets_dropped_kernel"]
        dropped[name, "interface"] = counts["packets_dropped_interface"]
        dropped[name, "prefilter"] = counts["packets_prefiltered"]
        dropped[name, "store"] = counts["packets_dropped_store"]
    for drop in drops:
        for reason in families.REASONS:
            dropped.setdefault((drop.interface, reason), 0)
        dropped[drop.interface, drop.reason] += drop.packets
    yield _metric(families.PACKETS, packets)
    yield _metric(families.BYTES, bytes_)
    yield _metric(families.DROPPED, dropped.items())


def _traffic(snapshot: "Snapshot") -> Iterator[Metric]:
    blocks = snapshot["blocks"]
    yield _metric(families.BLOCK_PACKETS, (one for row in blocks for one in _both(row[:1], row[1], row[2])))
    yield _metric(families.BLOCK_BYTES, (one for row in blocks for one in _both(row[:1], row[3], row[4])))
    services = snapshot["services"]
    yield _metric(families.SERVICE_BYTES, (one for row in services for one in _both(row[:2], row[3], row[4])))
    yield _metric(families.SERVICE_FLOWS, ((row[:2], row[2]) for row in services))
    countries = snapshot["countries"]
    yield _metric(
        families.COUNTRY_BYTES, (one for row in countries for one in _both(row[:2], row[2], row[3]))
    )
    yield _metric(families.APPLICATION_FLOWS, ((row[:2], row[2]) for row in snapshot["applications"]))
    yield _metric(families.DNS, ((row[:2], row[2]) for row in snapshot["dns"]))


def _flows(snapshot: "Snapshot") -> Iterator[Metric]:
    yield _metric(families.ACTIVE_FLOWS, [((), snapshot["active_flows"])])
    events: Values = [
        (("created",), snapshot["flows_created"]),
        (("expired",), snapshot["flows_expired"]),
        (("evicted",), snapshot["flows_evicted"]),
    ]
    yield _metric(families.FLOWS, events)
    evicted: Values = [
        (("flows",), snapshot["flows_evicted"]),
        (("names",), snapshot["names_evicted"]),
        (("fragments",), snapshot["fragments_evicted"]),
        (("hosts",), snapshot["hosts_evicted"]),
    ]
    yield _metric(families.EVICTED, evicted)
    yield _metric(families.NAMES, (((source,), count) for source, count in snapshot["names"]))


def _both(labels: tuple[str, ...], out: int, incoming: int) -> tuple[tuple[tuple[str, ...], float], ...]:
    """Two samples that differ in direction."""
    return ((*labels, "out"), out), ((*labels, "in"), incoming)


def _metric(family: Family, values: Values) -> Metric:
    """A family with its samples, made directly: the library's way costs several calls a sample."""
    suffix = {"counter": "_total", "info": "_info"}.get(family.kind, "")
    metric = Metric(family.name.removesuffix(suffix), family.help, family.kind)
    sample = partial(Sample, family.name)
    names = family.labels
    metric.samples = [sample(dict(zip(names, labels, strict=True)), float(value)) for labels, value in values]
    return metric


def protocol_word(number: int) -> str:
    """What an IP protocol is called, or its number."""
    return PROTOCOLS.get(number) or str(number)
