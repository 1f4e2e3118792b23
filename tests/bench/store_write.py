"""What writing a flow record costs: CPU per row and bytes per row.

Run it as a script: ``python tests/bench/store_write.py [--rows N] [--named] [--settings]``.
``--settings`` compares Parquet settings instead of running the whole writer.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sensor.schema import arrow_schema
from sensor.store import StoreWriter
from sensor.store.parquet import parquet_settings

BATCH_ROWS = 131_072
_START_NS = 1_491_004_800_000_000_000  # 2017-04-01
_Generator = np.random.Generator


def flow_batch(rows: int, seed: int, *, named: bool = False) -> pa.RecordBatch:
    """Flow records of random peers, ports and sizes; ``named`` gives most of them a name and a service."""
    random = np.random.default_rng(seed)
    schema = arrow_schema("flows", encoded=True)
    start = np.sort(random.integers(0, 60_000_000_000, rows)) + _START_NS
    packets = random.integers(1, 20, rows).astype(np.uint64)
    sizes = random.lognormal(7, 2, rows).astype(np.uint64) if named else packets * 46
    inside = pa.array([f"175.45.{176 + host // 256}.{host % 256}" for host in range(1024)])
    columns: dict[str, pa.Array] = {
        "sensor": _choice(["tap"], rows, random),
        "block": _choice(["star-jv", "china-netcom", "satnet"], rows, random),
        "scope": _choice(["external"], rows, random),
        "inside_ip": inside.take(pa.array(random.integers(0, 1024, rows))),
        "outside_ip": _addresses(rows, random),
        "inside_port": pa.array(random.integers(1024, 65536, rows).astype(np.uint16)),
        "outside_port": pa.array(random.integers(1, 65536, rows).astype(np.uint16)),
        "protocol": pa.array(random.choice([6, 17], rows).astype(np.uint8)),
        "initiator": _choice(["inside", "outside", "unknown"], rows, random),
        "answered": pa.array(random.random(rows) < 0.5),
        "start_time": pa.array(start, pa.timestamp("ns", tz="UTC")),
        "end_time": pa.array(start + random.integers(0, 100_000_000, rows), pa.timestamp("ns", tz="UTC")),
        "packets_out": pa.array(packets),
        "packets_in": pa.array(packets // 2),
        "bytes_out": pa.array(sizes),
        "bytes_in": pa.array(sizes // 2),
        "tcp_flags_out": pa.array(random.integers(0, 32, rows).astype(np.uint8)),
        "tcp_flags_in": pa.array(random.integers(0, 32, rows).astype(np.uint8)),
        "ech": pa.array(np.zeros(rows, bool)),
        "country": _choice(["US", "CN", "RU", "JP", "DE", "FR", "GB", "KR"], rows, random),
        "country_source": _choice(["rir"], rows, random),
        "flow_id": pa.array(random.integers(0, 1 << 63, rows).astype(np.uint64)),
        "record": pa.array(np.zeros(rows, np.uint32)),
        "end_reason": _choice(["idle", "end", "active"], rows, random),
    }
    if named:
        names = pa.array([f"host{number}.example{number % 97}.com" for number in range(5000)])
        picked = names.take(pa.array(random.zipf(1.5, rows) % 5000))
        columns["name"] = picked
        columns["names"] = pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32)), picked)
        columns["service"] = _choice([f"service {number}" for number in range(200)], rows, random)
    return pa.record_batch(
        [columns.get(field.name, pa.nulls(rows, field.type)) for field in schema], schema=schema
    )


def _choice(values: list[str], rows: int, random: _Generator) -> pa.Array:
    indices = pa.array(random.integers(0, len(values), rows, dtype=np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array(values))


def _addresses(rows: int, random: _Generator) -> pa.Array:
    octets = random.integers(1, 224, (rows, 4), dtype=np.uint8).tolist()
    return pa.array([f"{a}.{b}.{c}.{d}" for a, b, c, d in octets])


def measure_writer(batches: list[pa.RecordBatch], slices: int) -> None:
    """Write all batches through a `StoreWriter`, each handed over in ``slices`` parts."""
    rows = sum(batch.num_rows for batch in batches)
    best = float("inf")
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            cpu = time.process_time()
            writer = StoreWriter(Path(folder) / "store", "bench")
            for batch in batches:
                step = -(-batch.num_rows // slices)
                for offset in range(0, batch.num_rows, step):
                    writer.write("flows", batch.slice(offset, step))
            written = writer.close()["flows"]
            best = min(best, time.process_time() - cpu)
    print(
        f"writer, batches of {BATCH_ROWS // slices:6d} rows    {best * 1e6 / rows:6.3f} us/row "
        f"{written.bytes / rows:6.2f} B/row {written.segments:3d} segments"
    )


def variants(schema: pa.Schema) -> Iterator[tuple[str, dict[str, Any]]]:
    """Parquet settings to compare, the chosen ones last."""
    chosen = parquet_settings(schema)
    plain = {"compression": "zstd", "store_schema": False, "row_group_size": BATCH_ROWS}
    dictionary = {**plain, "compression_level": 1, "use_dictionary": chosen["use_dictionary"]}
    few_statistics = {**dictionary, "write_statistics": chosen["write_statistics"]}
    times = dict.fromkeys(("start_time", "end_time"), "DELTA_BINARY_PACKED")
    yield "defaults, zstd", plain
    yield "+ dictionaries only where text repeats", dictionary
    yield "+ few statistics", few_statistics
    yield "+ delta times", {**few_statistics, "column_encoding": times}
    yield "+ delta ports", {**few_statistics, "column_encoding": chosen["column_encoding"]}
    for column in ("bytes_out", "flow_id"):
        encodings = {**chosen["column_encoding"], column: "BYTE_STREAM_SPLIT"}
        without = [name for name in chosen["use_dictionary"] if name != column]
        yield (
            f"+ {column} byte stream split",
            {**few_statistics, "column_encoding": encodings, "use_dictionary": without},
        )
    for level in (3, 6):
        yield (
            f"chosen, zstd {level}",
            {**chosen, "compression_level": dict.fromkeys(chosen["compression_level"], level)},
        )
    for size in (1 << 16, 1 << 20):
        yield f"chosen, pages of {size >> 10} KiB", {**chosen, "data_page_size": size}
    sizes = ("packets_out", "packets_in", "bytes_out", "bytes_in")
    yield (
        "chosen, sizes without dictionary",
        {**chosen, "use_dictionary": [name for name in chosen["use_dictionary"] if name not in sizes]},
    )
    yield (
        "chosen, sizes delta",
        {
            **chosen,
            "use_dictionary": [name for name in chosen["use_dictionary"] if name not in sizes],
            "column_encoding": {**chosen["column_encoding"], **dict.fromkeys(sizes, "DELTA_BINARY_PACKED")},
        },
    )
    yield "chosen", chosen


def measure_settings(batches: list[pa.RecordBatch]) -> None:
    """Print CPU and size for every variant of the settings."""
    rows = sum(batch.num_rows for batch in batches)
    tables = [pa.Table.from_batches([batch]) for batch in batches]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        for label, settings in variants(batches[0].schema):
            best, size = float("inf"), 0
            for _ in range(3):
                cpu, size = time.process_time(), 0
                for table in tables:
                    pq.write_table(table, path, **settings)
                    size += path.stat().st_size
                best = min(best, time.process_time() - cpu)
            print(f"{label:42s} {best * 1e6 / rows:6.3f} us/row {size / rows:6.2f} B/row", flush=True)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=8 * BATCH_ROWS)
    parser.add_argument("--named", action="store_true")
    parser.add_argument("--settings", action="store_true")
    options = parser.parse_args()
    count = max(1, options.rows // BATCH_ROWS)
    batches = [flow_batch(BATCH_ROWS, seed, named=options.named) for seed in range(count)]
    if options.settings:
        measure_settings(batches[:4])
        return
    measure_writer(batches, slices=1)
    measure_writer(batches, slices=8)


if __name__ == "__main__":
    main()
