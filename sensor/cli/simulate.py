"""``blocktap simulate``: traffic, or rows alone, with planted, known numbers."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensor.cli._say import say

if TYPE_CHECKING:
    from sensor.simulate import Scenario
    from sensor.simulate.realised import Realised

_Advance = Callable[[int, int], None]
CAPTURE_FLOWS = 30_000
"""Flows of a capture where nobody says how many: some 200,000 packets."""


def simulate(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A shipped scenario (model-2017, null, ...) or a file.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="CAPTURE", help="Write packets, as pcapng.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option("--store", metavar="DIR", help="Write rows alone, into a new store.")
    ] = None,
    flows: Annotated[
        int | None, typer.Option("--flows", metavar="N", min=1, help="Flow rows to be expected in all.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="Instead of the scenario's own.")
    ] = None,
    planted: Annotated[
        Path | None,
        typer.Option("--planted", metavar="FILE", help="Where the planted numbers go; beside the output."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Simulate a scenario, with planted, known numbers: as a capture or as the rows of a store.

    Everything that is made says of itself that it is simulated. Beside it the planted numbers are written.
    """
    from sensor.simulate import load_scenario

    target = output if output is not None else store
    if target is None or (output is not None and store is not None):
        raise typer.BadParameter("say what to write: -o CAPTURE or --store DIR", param_hint="-o, --store")
    changes = {"flows": flows or (CAPTURE_FLOWS if output else None), "seed": seed}
    chosen = _changed(load_scenario(scenario), {key: one for key, one in changes.items() if one is not None})
    began = time.monotonic()
    with _progress() as advance:
        made, realised = (_capture if output is not None else _rows)(chosen, target, advance)
    seconds = time.monotonic() - began
    numbers = planted or target.with_name(f"{target.name}.planted.json")
    blocks = _write_beside(chosen, target, numbers, realised)
    if as_json:
        print(json.dumps({
            "scenario": chosen.name, "seed": chosen.seed, **made, "seconds": round(seconds, 6),
            "output": str(target), "planted": str(numbers), "blocks": blocks and str(blocks),
        }))  # fmt: skip
    counts = ", ".join(f"{count:,} {what}" for what, count in made.items())
    say(f"simulated {chosen.name}, seed {chosen.seed}: {counts} in {seconds:.1f} s")
    say(f"{target} is written, and the planted numbers in {numbers}")
    if blocks is not None:
        say(f"its blocks are not the shipped ones: name them with --blocks {blocks}")


def _changed(scenario: "Scenario", changes: dict[str, Any]) -> "Scenario":
    """Change a scenario by the options, within its bounds."""
    from pydantic import ValidationError

    from sensor.simulate import Scenario

    try:
        return Scenario.model_validate(scenario.model_dump() | changes)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = first["loc"][0] if first["loc"] else "flows"
        raise typer.BadParameter(first["msg"], param_hint=f"--{option}") from None


def _capture(scenario: "Scenario", path: Path, advance: _Advance) -> tuple[dict[str, int], "Realised"]:
    from sensor.simulate import simulate_capture

    made = simulate_capture(scenario, path, advance)
    return {"packets": made.packets}, made.realised


def _rows(scenario: "Scenario", path: Path, advance: _Advance) -> tuple[dict[str, int], "Realised"]:
    from sensor.simulate import simulate_store

    made = simulate_store(scenario, path, advance)
    return made.rows, made.realised


def _write_beside(scenario: "Scenario", target: Path, numbers: Path, realised: "Realised") -> Path | None:
    """Write the planted numbers, and the blocks where a rule file has to name them."""
    from sensor.simulate.blocks import blocks_text
    from sensor.simulate.parameters import write_planted

    write_planted(numbers, scenario, realised)
    text = blocks_text(scenario)
    if text is None:
        return None
    path = target.with_name(f"{target.name}.blocks.toml")
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def _progress() -> Iterator[_Advance]:
    """Show a bar on a terminal; call what it gives with the days done and those in all."""
    if not sys.stderr.isatty():
        yield lambda _done, _days: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("simulate", total=None)
        yield lambda done, days: bar.update(task, completed=done, total=days)
