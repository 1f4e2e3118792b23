"""The store: a folder of Parquet files that any engine reads."""

from sensor.store.compaction import Compaction, CompactionResult, compact
from sensor.store.manifest import Manifest, mark_simulated, read_manifest
from sensor.store.retention import PruneResult, prune
from sensor.store.runs import Run, RunInfo, RunInput, earlier_runs, fingerprint, read_runs
from sensor.store.writer import StoreWriter, TableStatistics, WriterOptions

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
