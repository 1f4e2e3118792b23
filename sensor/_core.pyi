"""The packet path, in Rust. Batches follow the Arrow PyCapsule interface."""

from collections.abc import Mapping
from typing import Any

class InputError(Exception):
    """An input that cannot be replayed; the message names it, says what is wrong and what to do."""

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
    drop_duplicates, naming, join_slack_ns and countries.

    Raises
    ------
    InputError
        An input is missing, a folder, or no capture. Nothing was read.
    """

    def __init__(self, paths: list[str], rules: Rules, names: Names, options: Mapping[str, Any]) -> None: ...
    def next(self, timeout_s: float) -> tuple[str, Batch] | None:
        """The next rows with their table, or None when none came in time; StopIteration at the end."""

    def stop(self) -> None:
        """End the input early; what was read still comes out of `next`."""

    def progress(self) -> tuple[int, int, int, int | None]:
        """Packets, bytes on the wire, bytes of the input files as stored, and the length of these if known."""

    def result(self) -> dict[str, Any]:
        """Counts and inputs, once `next` has ended; may be called once."""
