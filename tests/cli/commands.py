"""The command line, called as a user calls it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "tests" / "golden" / "captures" / "demo.pcap"
DEMO_PACKETS = 2559
TIMEOUT_S = 30


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "sensor", *map(str, words)]


def blocktap(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, without a terminal."""
    options = {"stdin": subprocess.DEVNULL, "timeout": TIMEOUT_S, **options}
    return subprocess.run(command(*words), check=False, text=True, capture_output=True, **options)


def packets_stored(store: Path) -> int:
    """Packets in the flow rows of a store, read without the product."""
    rows = duckdb.sql(f"SELECT sum(packets_out + packets_in) FROM '{store}/flows/*/*.parquet'")
    return int(rows.fetchall()[0][0])


def packets_seen(store: Path) -> int:
    """Packets that the accounting of a store speaks of."""
    rows = duckdb.sql(f"SELECT sum(packets_seen) FROM '{store}/accounting/*/*.parquet'")
    return int(rows.fetchall()[0][0])
