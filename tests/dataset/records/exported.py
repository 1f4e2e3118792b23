"""Records that were exported, read back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sensor.dataset.package import Resource
from sensor.dataset.records import RecordOptions


@dataclass(frozen=True)
class Exported:
    """A data set's folder and what was asked for."""

    folder: Path
    options: RecordOptions
    resources: list[Resource]

    def table(self) -> pa.Table:
        return pa.concat_tables(
            pq.ParquetFile(self.folder / resource.path).read() for resource in self.resources
        )

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.table().to_pylist()
        return found
