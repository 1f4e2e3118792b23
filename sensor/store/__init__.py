"""The store: a folder of Parquet files that any engine reads.

Housekeeping is imported when somebody asks for it: a writer of a small capture does without.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sensor.store.manifest import Manifest, mark_simulated, read_manifest
from sensor.store.runs import Run, RunInfo, RunInput, earlier_runs, fingerprint, read_runs
from sensor.store.writer import StoreWriter, TableStatistics, WriterOptions

if TYPE_CHECKING:
    from sensor.store.compaction import Compaction, CompactionResult, compact
    from sensor.store.retention import PruneResult, prune

__all__ = [
    "Compaction",
    "CompactionResult",
    "Manifest",
    "PruneResult",
    "Run",
    "RunInfo",
    "RunInput",
    "StoreWriter",
    "TableStatistics",
    "WriterOptions",
    "compact",
    "earlier_runs",
    "fingerprint",
    "mark_simulated",
    "prune",
    "read_manifest",
    "read_runs",
]

_LATER = {
    "Compaction": "compaction",
    "CompactionResult": "compaction",
    "compact": "compaction",
    "PruneResult": "retention",
    "prune": "retention",
}


def __getattr__(name: str) -> object:
    """Import what was put off."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
