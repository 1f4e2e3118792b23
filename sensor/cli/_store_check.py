"""What ``blocktap store check`` says."""

from __future__ import annotations

import json

import typer

from sensor.cli._say import say
from sensor.store.check import Checked, check_store
from sensor.store.integrity import Fault
from sensor.store.place import Where
from sensor.store.quarantine import set_aside


def run_check(store: Where, *, quarantine: bool, as_json: bool) -> bool:
    """Check a store and say what was found; whether all of it is whole."""
    checked = check_store(store)
    if as_json:
        typer.echo(json.dumps(_as_json(checked)))
    for damage in checked.damages:
        say(damage)
    if quarantine:
        set_aside(store, checked.broken, say)
    else:
        for fault in checked.broken:
            say(f"broken segment {fault}")
    for fault in checked.quarantined:
        say(f"in the quarantine: {fault}")
    if not as_json:
        typer.echo(_in_short(checked))
    return checked.is_whole


def _in_short(checked: Checked) -> str:
    whole = checked.segments - len(checked.broken)
    told = f"{whole:,} of {checked.segments:,} segments are whole: {checked.rows:,} rows, {checked.bytes:,} bytes"
    if checked.unfinished:
        told += f"; {checked.unfinished} unfinished files, which their sensor removes when it next starts"
    return told


def _as_json(checked: Checked) -> dict[str, object]:
    return {
        "segments": checked.segments,
        "rows": checked.rows,
        "bytes": checked.bytes,
        "unfinished": checked.unfinished,
        "broken": [_fault(fault) for fault in checked.broken],
        "quarantined": [_fault(fault) for fault in checked.quarantined],
        "damages": list(checked.damages),
    }


def _fault(fault: Fault) -> dict[str, object]:
    return {
        "segment": fault.segment.relative_path,
        "reason": fault.reason,
        "rows": fault.rows,
        "first": fault.first.isoformat() if fault.first else None,
        "last": fault.last.isoformat() if fault.last else None,
    }
