"""``blocktap store``: housekeeping, safe beside writers and readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from sensor.cli._say import say
from sensor.errors import StoreError

_Result = TypeVar("_Result")
_Store = Annotated[
    str, typer.Option("--store", metavar="DIR", help="The store's folder, or s3://BUCKET/PREFIX.")
]


app = typer.Typer(help="Housekeeping of a store, safe beside writers and readers.", no_args_is_help=True)


@app.command()
def compact(
    store: _Store,
    sensor: Annotated[str | None, typer.Option("--sensor", help="Only this sensor's segments.")] = None,
) -> None:
    """Merge small segments."""
    from sensor.store import Compaction, read_manifest
    from sensor.store import compact as compact_store
    from sensor.store.quarantine import set_aside

    def work() -> str:
        read_manifest(store)
        result = compact_store(store, Compaction(sensor=sensor))
        set_aside(store, result.broken, say)
        if result.is_held_up:
            return "readers hold the store: what was merged is in effect, run this again to finish"
        return f"merged {result.merged} segments into {result.written}"

    typer.echo(_try(work))


@app.command()
def check(
    store: _Store,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Move broken segments out of the way, to quarantine/.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Read every segment and say which are broken.

    Checksums, columns, the order and the day of rows, and the store's own small files. The exit status is 1 where
    something is broken or lies in the quarantine.
    """
    from sensor.cli._store_check import run_check

    is_whole = _try(lambda: run_check(store, quarantine=quarantine, as_json=as_json))
    if not is_whole:
        raise typer.Exit(1)


@app.command()
def prune(
    store: _Store,
    days: Annotated[int | None, typer.Option("--days", min=1, help="Keep this many days.")] = None,
    most_bytes: Annotated[
        int | None, typer.Option("--bytes", min=0, help="Keep at most this many bytes.")
    ] = None,
) -> None:
    """Remove the oldest days."""
    from sensor.store import prune as prune_store
    from sensor.store import read_manifest

    if days is None and most_bytes is None:
        raise typer.BadParameter("say what to keep: --days, --bytes or both")

    def work() -> str:
        read_manifest(store)
        result = prune_store(store, days=days, most_bytes=most_bytes)
        return f"removed {len(result.days)} days: {result.segments} segments, {result.bytes} bytes"

    typer.echo(_try(work))


@app.command()
def upgrade(store: _Store) -> None:
    """Bring a store to the newest schema."""
    from sensor.store.upgrade import upgrade as upgrade_store

    def work() -> str:
        done = upgrade_store(store)
        if done.earlier == done.version:
            return f"schema version {done.earlier} of {done.version}: nothing to do"
        return f"from schema version {done.earlier} to {done.version}: {done.segments} segments rewritten"

    typer.echo(_try(work))


@app.command()
def ship(
    store: Annotated[str, typer.Option("--store", metavar="URL", help="Such as s3://BUCKET/PREFIX.")],
    spool: Annotated[
        Path | None,
        typer.Option("--spool", metavar="DIR", help="Where segments wait; found by itself otherwise."),
    ] = None,
) -> None:
    """Ship what waits on this machine for a store on object storage."""
    from sensor.store.spool.leftover import ship_left_overs

    def work() -> str:
        shipped = ship_left_overs(store, spool)
        return f"shipped {shipped} segments" if shipped else "nothing waits"

    typer.echo(_try(work))


def _try(work: Callable[[], _Result]) -> _Result:
    try:
        return work()
    except (StoreError, OSError) as error:
        typer.echo(f"blocktap store: {error}", err=True)
        raise typer.Exit(1) from error
