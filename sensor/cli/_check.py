"""``blocktap check``: what would be watched, and what is wrong with the settings and rules."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sensor.cli._check_capture import CaptureCheck, look_at_capture, show_capture
from sensor.cli._check_finding import Finding
from sensor.config import Config, load_config
from sensor.errors import ConfigError, RuleError, StoreError
from sensor.rules import Plan, load_plan
from sensor.rules.dates import day_of
from sensor.rules.mistake import printable, printable_path
from sensor.rules.model import ALWAYS_FROM_NS, FOREVER_UNTIL_NS
from sensor.rules.summary import BlockSummary, summarise
from sensor.store.place.find import is_remote

MOST_BLOCKS_SHOWN = 100
MOST_REFUSED_SHOWN = 20


@dataclass(frozen=True)
class Asked:
    """The words of the command."""

    blocks: list[Path]
    watch: list[str]
    config: Path | None
    store: str | None
    format: str | None
    interfaces: list[str]
    as_json: bool


def run_check(asked: Asked) -> None:
    """Check what was asked for; a failure ends the program with its message."""
    try:
        settings = load_config(asked.config) if asked.config else Config()
        by_hand = bool(asked.blocks or asked.watch)
        plan = load_plan(
            asked.blocks or ([] if by_hand else settings.rules.blocks),
            asked.watch or ([] if by_hand else settings.rules.watch),
            format=asked.format,
        )
        capture = look_at_capture(asked.interfaces, settings, asked.store)
        store_state = _store_state_beside(capture, asked.store or settings.store.path)
    except (ConfigError, RuleError, StoreError, OSError) as error:
        if asked.as_json:
            typer.echo(json.dumps({"ok": False, "error": str(error)}))
        Console(stderr=True, soft_wrap=True).print(f"[red]{escape(str(error))}[/red]", highlight=False)
        raise typer.Exit(1) from None
    summaries = summarise(plan)
    if asked.as_json:
        told = _as_json(plan, summaries, store_state)
        typer.echo(json.dumps(told | capture.as_json() | {"ok": not capture.errors}))
    else:
        _show(plan, summaries, store_state)
        show_capture(capture)
    if capture.errors:
        raise typer.Exit(1)


def _store_state_beside(capture: CaptureCheck, place: str | None) -> str | None:
    """Say what a run would do with a store; what is wrong with it is one finding among those of a capture."""
    try:
        return _store_state(place)
    except (StoreError, OSError) as failed:
        if not capture.seen:
            raise
        capture.machine.append(Finding("error", "store", str(failed)))
        return None


def _store_state(place: str | None) -> str | None:
    """Say what a run would do with a store.

    Raises
    ------
    StoreError
        It could not write there.
    """
    if place is None:
        return None
    shown = printable_path(place)
    if is_remote(place):
        return _far_store_state(place)
    path = Path(place)
    folder = path
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise StoreError(f"{printable_path(folder)}: not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"{printable_path(folder)}: no permission to write")
    if (path / "store.toml").is_file():
        return f"{shown}: a store, would be appended to"
    if path.exists() and any(path.iterdir()):
        raise StoreError(f"{shown}: has files but is no store; give an empty or a new folder")
    return f"{shown}: would be created"


def _far_store_state(place: str) -> str:
    """The same of a store on object storage, which is only looked at."""
    from sensor.store import read_manifest
    from sensor.store.place import place_of

    far = place_of(place)
    shown = printable_path(far.name)
    if far.exists("store.toml"):
        return f"{shown}: a store of schema version {read_manifest(far).schema_version}, would be appended to"
    if not far.is_new():
        raise StoreError(f"{shown}: has objects but is no store; give an empty prefix")
    return f"{shown}: can be reached, would be created"


def _as_json(plan: Plan, summaries: list[BlockSummary], store_state: str | None) -> dict[str, Any]:
    return {
        "ok": True,
        "prefixes": len(plan),
        "blocks": [
            {
                **asdict(summary.block),
                "prefixes": summary.prefixes,
                "addresses": summary.addresses,
                "valid_from": _day(summary.valid_from_ns),
                "valid_until": _day(summary.valid_until_ns),
            }
            for summary in summaries
        ],
        "warnings": list(plan.warnings),
        "refused": [asdict(refusal) for refusal in plan.refused],
        "store": store_state,
    }


def _show(plan: Plan, summaries: list[BlockSummary], store_state: str | None) -> None:
    console = Console(highlight=False)
    table = Table(title=f"Watched: {len(summaries):,} blocks, {len(plan):,} prefixes")
    for heading in ("block", "prefixes", "addresses", "valid", "confidence", "country", "from"):
        table.add_column(
            heading, justify="right" if heading in {"prefixes", "addresses"} else "left", overflow="fold"
        )
    for summary in summaries[:MOST_BLOCKS_SHOWN]:
        block = summary.block
        table.add_row(
            _safe(block.name),
            f"{summary.prefixes:,}",
            _count(summary.addresses),
            _validity(summary),
            block.confidence,
            block.claimed_country,
            _safe(Path(block.path).name),
        )
    console.print(table)
    if len(summaries) > MOST_BLOCKS_SHOWN:
        console.print(f"and {len(summaries) - MOST_BLOCKS_SHOWN:,} more blocks")
    for warning in plan.warnings:
        console.print(f"[yellow]warning:[/yellow] {_safe(warning)}", soft_wrap=True)
    for refusal in plan.refused[:MOST_REFUSED_SHOWN]:
        place = f"{_safe(refusal.file)}:{refusal.line}"
        reason = f"{_safe(refusal.reason)}: '{_safe(refusal.text)}'; {_safe(refusal.mend)}"
        console.print(f"[yellow]left out:[/yellow] {place}: {reason}", soft_wrap=True)
    if len(plan.refused) > MOST_REFUSED_SHOWN:
        console.print(f"and {len(plan.refused) - MOST_REFUSED_SHOWN:,} more lines left out")
    if store_state:
        console.print(f"store: {_safe(store_state)}", soft_wrap=True)


def _safe(text: str) -> str:
    """Escape what the terminal or rich would take for a command."""
    return escape(printable(text, limit=1000))


def _count(addresses: int) -> str:
    """Show a number of addresses; of IPv6, a power of two near it."""
    return f"{addresses:,}" if addresses < 10**12 else f"about 2^{addresses.bit_length() - 1}"


def _day(nanoseconds: int) -> str | None:
    return None if nanoseconds in {ALWAYS_FROM_NS, FOREVER_UNTIL_NS} else day_of(nanoseconds)


def _validity(summary: BlockSummary) -> str:
    first, until = _day(summary.valid_from_ns), _day(summary.valid_until_ns)
    if first is None and until is None:
        return "always"
    return " ".join(part for part in (first and f"from {first}", until and f"until before {until}") if part)
