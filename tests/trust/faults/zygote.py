"""Forks a process for each command that it is told of: what imports take is spent once.

A line on standard input is an object: ``words`` of the command, ``output`` for what it says, ``segment_rows`` or null,
``kill_after_s`` or null. The answer is the status of its end, negative where it was killed. A command that writes
small segments leaves a line in ``output.acknowledged`` for each that is on the disk.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import traceback
from importlib import import_module
from typing import Any

from sensor.cli import main
from sensor.store import StoreWriter

BEFOREHAND = (
    "pyarrow.compute", "pyarrow.parquet", "duckdb", "sensor.cli.replay", "sensor.cli._query", "sensor.cli._report",
    "sensor.cli._store_check", "sensor.capture", "sensor.report", "sensor.store.replacement",
)  # fmt: skip


def become(told: dict[str, Any]) -> None:
    """Be the command."""
    output = os.open(told["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdin.close()
    if told["segment_rows"]:
        write_small_segments(told["segment_rows"], told["output"] + ".acknowledged")
    sys.argv = ["blocktap", *told["words"]]
    status = 0
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 # a failure of whatever kind is told
        traceback.print_exc()
        status = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def small_segments(rows: int) -> None:
    """Let segments have so many rows."""
    object.__setattr__(StoreWriter.options, "segment_rows", rows)


def write_small_segments(rows: int, acknowledged: str) -> None:
    """Let segments be small, and say which rows are acknowledged: what a caller knows when a write returns."""
    small_segments(rows)
    note = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    write_segment = StoreWriter._write_segment

    def write_and_say(self: StoreWriter, buffer: Any) -> None:
        write_segment(self, buffer)
        os.write(note, f"{buffer.table} {self.statistics[buffer.table].rows}\n".encode())

    StoreWriter._write_segment = write_and_say  # type: ignore[method-assign]


def end_of(child: int, kill_after_s: float | None) -> int:
    """Wait for a process, and kill it when its time is over."""
    descriptor = os.pidfd_open(child)
    if not select.select([descriptor], [], [], kill_after_s)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(descriptor)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    for module in BEFOREHAND:
        import_module(module)
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if not child:
            become(told)
        print(end_of(child, told["kill_after_s"]), flush=True)
