"""The packet path, in Rust. Batches follow the Arrow PyCapsule interface."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypedDict

class InputError(Exception):
    """An input that cannot be replayed; the message names it, says what is wrong and what to do."""

class InterfaceError(Exception):
    """An interface that cannot be captured from; the message names it, says what is wrong and what to do."""

class Batch:
    """Rows of one table."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __len__(self) -> int: ...

class Rules:
    """The watched prefixes, compiled.

    ``addresses`` has 16 bytes a prefix, big-endian, IPv4 mapped; ``lengths`` one byte; ``block_indices``
    a little-endian uint32 into ``blocks``; the times a little-endian int64 of nanoseconds since 1970 UTC.
    """

    def __init__(
        self,
        blocks: list[str],
        addresses: bytes,
        lengths: bytes,
        block_indices: bytes,
        valid_from_ns: bytes,
        valid_until_ns: bytes,
    ) -> None: ...
    @property
    def memory_bytes(self) -> int: ...

class Names:
    """What names and applications are called.

    ``services`` are (service, organisation, category); ``suffixes`` have the place of their service, or -1
    for an exception; ``application_categories`` count where no service gives a category.
    """

    def __init__(
        self,
        services: list[tuple[str, str, str]],
        suffixes: list[tuple[str, int]],
        resolvers: list[str],
        application_categories: dict[str, str],
    ) -> None: ...

class Replay:
    """A replay of captures, on threads of its own from the moment it is made.

    ``options`` has the keys sensor, workers, tunnels, idle_ns, active_ns, close_ns, max_flows, duplicate_ns,
    drop_duplicates, naming, join_slack_ns, countries, hosts and memory_bytes.
    A packed input may unpack to ``max_ratio`` times its size (1,000).

    Raises
    ------
    InputError
        An input is missing, a folder, or no capture. Nothing was read.
    """

    def __init__(
        self,
        paths: list[str],
        rules: Rules,
        names: Names,
        options: Mapping[str, Any],
        max_ratio: int | None = None,
    ) -> None: ...
    def next(self, timeout_s: float) -> tuple[str, Batch] | None:
        """The next rows with their table, or None when none came in time; StopIteration at the end."""

    def stop(self) -> None:
        """End the input early; what was read still comes out of `next`."""

    def progress(self) -> tuple[int, int, int, int | None]:
        """Packets, bytes on the wire, bytes of the input files as stored, and the length of these if known."""

    def result(self) -> dict[str, Any]:
        """Counts and inputs, once `next` has ended; may be called once."""

class InterfaceCounts(TypedDict):
    """What became of the frames of an interface; bytes are those on the wire."""

    packets_seen: int
    bytes_seen: int
    packets_matched: int
    packets_unmatched: int
    packets_malformed: int
    bytes_matched: int
    bytes_malformed: int
    packets_truncated: int
    packets_duplicate: int
    packets_prefiltered: int
    packets_dropped_store: int
    rows_dropped_store: int
    packets_dropped_kernel: int
    packets_dropped_interface: int
    frames_merged: int
    frames_unhandled: int
    adapter_times: int
    blocks_damaged: int

FlowKey: TypeAlias = tuple[str, str, str, int, int, str | None]
"""Block, inside address, outside address, outside port, protocol number, service."""

HeavyFlow: TypeAlias = tuple[FlowKey, tuple[int, int, int, int], bool]
"""Parallel connections; packets out and in, bytes out and in, since they are watched; whether one is alive."""

class Snapshot(TypedDict):
    """What has been counted so far, by all workers.

    ``blocks`` are (block, packets out, packets in, bytes out, bytes in); ``services`` (block, service, flows,
    bytes out, bytes in); ``countries`` (block, country, bytes out, bytes in); ``applications`` (block,
    application, flows); ``dns`` (block, rcode, transactions); ``names`` (source, flows). ``flows`` are those
    that are, or not long ago were, among each worker's heaviest. ``labels_refused`` counts the times that a
    flow had to do without service and country for lack of room, ``records_forgotten`` the records whose bytes
    a service that becomes known later is not credited with.
    """

    interfaces: dict[str, InterfaceCounts]
    active_flows: int
    flows_created: int
    flows_expired: int
    flows_evicted: int
    names_found: int
    names_evicted: int
    fragments_evicted: int
    hosts_evicted: int
    rows_waiting: int
    blocks: list[tuple[str, int, int, int, int]]
    services: list[tuple[str, str, int, int, int]]
    countries: list[tuple[str, str, int, int]]
    applications: list[tuple[str, str, int]]
    dns: list[tuple[str, str, int]]
    names: list[tuple[str, int]]
    flows: list[HeavyFlow]
    labels_refused: int
    records_forgotten: int

class Live:
    """A live capture, on threads of its own from the moment it is made until it is stopped.

    ``options`` has the keys of `Replay`'s and flush_ns, queue_rows and top_flows. ``capture`` has the keys
    interfaces, rings_per_interface, memory_bytes, fanout (``hash``, ``cpu``, ``queue``), rollover, promiscuous,
    ignore_outgoing, snap_bytes, retire_ms, filter_descriptor and timestamps (``kernel``, ``adapter``).

    Raises
    ------
    InterfaceError
        An interface cannot be captured from.
    OSError
        ``filter_descriptor`` is none.
    """

    def __init__(
        self, rules: Rules, names: Names, options: Mapping[str, Any], capture: Mapping[str, Any]
    ) -> None: ...
    def next(self, timeout_s: float) -> tuple[str, Batch] | None:
        """The next rows with their table, or None when none came in time; StopIteration at the end."""

    def stop(self) -> None:
        """End the capture; what was captured still comes out of `next`."""

    def swap(self, rules: Rules, names: Names) -> None:
        """Put other rules into force with the next packets, none of which is lost."""

    def account(
        self, interface: str, prefiltered_packets: int, prefiltered_bytes: int, dropped_interface: int
    ) -> bool:
        """Add to the current interval of an interface; False once the capture is over."""

    def snapshot(self) -> Snapshot:
        """Everything counted so far, over all workers."""

    def interfaces(self) -> list[str]:
        """Names of the interfaces."""

    def reopen(self, interface: str) -> None:
        """Open an interface again that went away and has come back."""

    def events(self) -> list[tuple[str, Literal["down", "reopened", "not_reopened"], str | None]]:
        """Interface, what happened to it, and a reason, since this was last asked."""

    def result(self) -> dict[str, Any]:
        """Counts, once `next` has ended; may be called once."""

class Wanted(TypedDict):
    """Flows by their ids, their inside and outside address, and how many first packets bring their bytes."""

    flow_ids: list[int]
    addresses: tuple[str, str]
    frames: int

class Level(TypedDict):
    """One IP header of a packet; ``offset`` is where it begins, ``tunnel`` what it is wrapped in."""

    source: str
    destination: str
    source_port: int
    destination_port: int
    version: int
    protocol: int
    tcp_flags: int
    ttl: int
    tunnel: str | None
    fragment: str | None
    ip_bytes: int
    payload_bytes: int
    offset: int
    source_block: str | None
    destination_block: str | None

class TracedPacket(TypedDict):
    """A packet by its number in the stream, from 1; ``level`` is the header that its flow was counted by."""

    number: int
    flow_id: int
    time_ns: int
    link: int
    captured: int
    original: int
    interface: str | None
    level: int
    is_out: bool
    levels: list[Level]
    frame: bytes | None

class Fact(TypedDict):
    """What a packet made known of a flow.

    ``kind`` is ``initiator``, ``answered``, ``name``, ``joined``, ``application``, ``application_likely``,
    ``ja4``, ``alpn``, ``ech``, ``starttls``, ``proxy`` or ``user_agent``.
    """

    packet: int
    flow_id: int
    kind: str
    value: str
    signs: list[str]

class DnsAnswer(TypedDict):
    """A DNS answer that gave the inside address the outside one."""

    packet: int
    time_ns: int
    server: str
    transport: str
    qname: str
    answers: list[str]
    cnames: list[str]
    min_ttl: int | None
    latency_us: int | None
    flow_id: int

class Traced(TypedDict):
    """What was seen of the wanted flows, each list in the order of the stream and bounded."""

    packets: list[TracedPacket]
    packets_counted: int
    facts: list[Fact]
    facts_dropped: int
    answers: list[DnsAnswer]

def trace(paths: list[str], rules: Rules, names: Names, options: Mapping[str, Any], wanted: Wanted) -> Traced:
    """What the stages of one worker saw of some flows; ``options`` as for `Replay`, whose errors it raises."""
