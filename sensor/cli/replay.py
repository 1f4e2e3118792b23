"""``blocktap replay``: captures through the whole pipeline into a store."""

import json
import os
import signal
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensor.cli._options import Blocks, ListFormat, Rules, Settings, Watch
from sensor.cli._say import say
from sensor.cli._summary import print_rows

if TYPE_CHECKING:
    from pathlib import Path

    from sensor.capture import Replaying, ReplayResult
    from sensor.config import Config
    from sensor.rules import Plan
    from sensor.store import StoreWriter
    from sensor.store.spool import SpoolOptions

WORK_FAILED = 1
INTERRUPTED = 130
"""What shells say of a program that ended by Ctrl-C: half a job is not done."""
NO_STORE = "none"
"""As ``--store``: count, but write nothing."""


def replay(
    captures: Annotated[
        list[str],
        typer.Argument(metavar="CAPTURE...", help="pcap or pcapng, packed or not; - is standard input."),
    ],
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="DIR",
            help="Where rows go: a folder, or s3://BUCKET/PREFIX; 'none' discards them.",
        ),
    ] = None,
    blocks: Blocks = None,
    watch: Watch = None,
    rules: Rules = None,
    format: ListFormat = None,
    config: Settings = None,
    sensor: Annotated[
        str | None,
        typer.Option("--sensor", metavar="NAME", help="Sensor name in the store; replay by default."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", min=1, max=64, help="Threads; one a core by default."),
    ] = None,
    max_ratio: Annotated[
        int | None,
        typer.Option(
            "--max-ratio",
            metavar="N",
            min=1,
            help="Times its size a packed capture may unpack to; 1000 by default.",
        ),
    ] = None,
    memory_max: Annotated[
        str | None,
        typer.Option(
            "--memory-max", metavar="SIZE", help="As 2GiB; half of the machine's memory by default."
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Stand in for the earlier replay of these captures.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Replay captures: decode, match, count per flow, store.

    Several captures are one stream, merged by their timestamps, so a flow goes on from file to file.
    """
    from sensor.capture import Replaying
    from sensor.cli._plan import load_asked_plan
    from sensor.rules.names import load_names

    settings = _settings(config, sensor, memory_max)
    place = store or settings.store.path
    if place is None:
        raise typer.BadParameter("say where rows go: --store DIR, or --store none", param_hint="--store")
    plan = load_asked_plan(settings.rules, blocks, watch, format)
    names = load_names([*settings.rules.folders, *(rules or [])])
    threads = workers or settings.workers or len(os.sched_getaffinity(0))
    with ExitStack() as stack:
        replaying = stack.enter_context(Replaying(captures, plan, settings, threads, names, max_ratio))
        writer = None if place == NO_STORE else _open_store(place, captures, plan, settings, replace, threads)
        if writer is not None:
            stack.enter_context(writer)
            _hand_marks_on(place, captures)
        signal.signal(signal.SIGINT, lambda *_: _interrupted(replaying))
        result = _run(replaying, writer)
    failed = [one for one in result.inputs if one.error]
    if as_json:
        print(json.dumps(_as_json(result, place, threads)))
    _show(result, None if writer is None else place, threads)
    if failed:
        raise typer.Exit(WORK_FAILED)
    if result.stopped:
        raise typer.Exit(INTERRUPTED)


def _settings(path: "Path | None", sensor: str | None, memory_max: str | None) -> "Config":
    if path is None and sensor is None and memory_max is None:
        from sensor.cli._defaults import default_settings

        return default_settings()
    from sensor.config import Config, load_config

    settings = load_config(path) if path else Config()
    if memory_max is not None:
        settings = settings.model_copy(update={"memory_max": memory_size(memory_max)})
    return settings if sensor is None else _with_sensor(settings, sensor)


def memory_size(text: str) -> int:
    """Bytes, as ``--memory-max`` says them."""
    from sensor.memory import check_size

    try:
        return check_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--memory-max") from None


def _with_sensor(settings: "Config", name: str) -> "Config":
    from sensor.config import check_sensor_name

    try:
        check_sensor_name(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--sensor") from None
    return settings.model_copy(update={"store": settings.store.model_copy(update={"sensor": name})})


def _open_store(
    place: str, captures: list[str], plan: "Plan", settings: "Config", replace: bool, workers: int
) -> "StoreWriter":
    """Open the store for this run, and warn where it has these captures already."""
    import hashlib

    from sensor.errors import StoreError
    from sensor.memory import replay_shares
    from sensor.store import RunInfo, StoreWriter, WriterOptions, earlier_runs, fingerprint

    inputs = tuple(fingerprint(capture) for capture in captures)
    digest = hashlib.sha256(plan.addresses + plan.lengths + plan.block_indices).hexdigest()
    this_run = RunInfo(inputs=inputs, blocks_digest=digest)
    options = WriterOptions(
        buffered_bytes=replay_shares(settings.memory_max, workers).buffered,
        spool=_spool(settings) if "://" in place else None,
    )
    writer = StoreWriter(place, settings.store.sensor, this_run, replace, options)
    if not replace:
        # Asked when the store is open: one that is far away may have been waited for.
        try:
            earlier = earlier_runs(place, inputs)
        except StoreError as error:
            if options.spool is None:
                raise
            say(f"warning: not known whether {place} has these captures already: {error}")
            earlier = []
        for run in earlier:
            if run.id != this_run.id:
                say(
                    f"warning: {place} has these captures already, from the replay of {run.started}; "
                    "their packets will count twice. --replace replaces them"
                )
    return writer


def _spool(settings: "Config") -> "SpoolOptions":
    """How segments for object storage wait, and who says so."""
    from sensor.store.spool import SpoolOptions

    class Said:
        """Tells people."""

        def away(self, reason: str, spool: "Path") -> None:
            """See `sensor.store.spool.ShipEvents`."""
            say(f"the storage is away ({reason}): segments wait in {spool}")

        def back(self) -> None:
            """See `sensor.store.spool.ShipEvents`."""
            say("the storage is back")

    store = settings.store
    return SpoolOptions(store.spool, store.spool_max_bytes, store.patience_s, Said())


def _hand_marks_on(place: str, captures: list[str]) -> None:
    """Let the store say that it is simulated where a capture says so of itself."""
    from sensor.simulate.mark import simulated_by
    from sensor.store import mark_simulated

    for capture in captures:
        scenario = simulated_by(capture)
        if scenario is not None:
            mark_simulated(place, scenario)


def _interrupted(replaying: "Replaying") -> None:
    """End the input on the first Ctrl-C; the second one gives up."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    say("interrupted: writing what was read so far; Ctrl-C again gives up")
    replaying.stop()


def _run(replaying: "Replaying", writer: "StoreWriter | None") -> "ReplayResult":
    if not sys.stderr.isatty():
        return replaying.run(writer)
    from sensor.cli._progress import progress_bar

    with progress_bar() as advance:
        return replaying.run(writer, advance)


def _as_json(result: "ReplayResult", place: str, workers: int) -> dict[str, Any]:
    return {
        "packets": result.packets,
        "bytes": result.bytes,
        "matched": result.matched,
        "unmatched": result.unmatched,
        "malformed": result.malformed,
        "truncated": result.truncated,
        "duplicates": result.duplicates,
        "flows": result.flows,
        "records": result.rows["flows"],
        "dns": result.rows["dns"],
        "named": result.named,
        "evicted": {
            "flows": result.evicted,
            "names": result.names_evicted,
            "fragments": result.fragments_evicted,
            "hosts": result.hosts_evicted,
        },
        "seconds": round(result.seconds, 6),
        "workers": workers,
        "store": None if place == NO_STORE else place,
        "stopped": result.stopped,
        "inputs": [
            {
                "path": one.path,
                "format": one.format,
                "packets": one.packets,
                "warning": one.warning,
                "error": one.error,
            }
            for one in result.inputs
        ],
    }


def _show(result: "ReplayResult", place: str | None, workers: int) -> None:
    """Tell people what was seen, on standard error."""
    for one in result.inputs:
        if one.error:
            say(f"{one.path}: {one.error}")
        elif one.warning:
            say(f"warning: {one.path}: {one.warning}")
    rows = []
    rate = result.packets / result.seconds if result.seconds > 0 else 0.0
    threads = f"{workers} worker{'s' if workers > 1 else ''}"
    rows.append(("packets", f"{result.packets:,}", f"{result.bytes:,} bytes on the wire"))
    rows.append(("matched", f"{result.matched:,}", "counted in flows of watched blocks"))
    rows.append(("unmatched", f"{result.unmatched:,}", "no watched address, not IP, or not supported"))
    rows.append(("malformed", f"{result.malformed:,}", "headers cut off or contradictory"))
    if result.truncated:
        rows.append(("truncated", f"{result.truncated:,}", "cut by the snap length, counted in full"))
    if result.duplicates:
        rows.append(("duplicates", f"{result.duplicates:,}", "the same bytes within the window"))
    rows.append(("flows", f"{result.flows:,}", f"{result.rows['flows']:,} records"))
    if result.named:
        rows.append(("named", f"{result.named:,}", f"{result.rows['dns']:,} DNS transactions"))
    rows += _evicted(result)
    rows.append(("time", f"{result.seconds:,.2f} s", f"{rate:,.0f} packets/s, {threads}"))
    print_rows(rows)
    if result.stopped:
        print("Stopped early: the figures and the store cover what was read until then.", file=sys.stderr)
    if place is not None:
        print(f"Stored in {place}", file=sys.stderr)


def _evicted(result: "ReplayResult") -> list[tuple[str, str, str]]:
    """What had to make room."""
    told = (
        ("evicted", result.evicted, "flows ended early for want of room: memory_max, flow.max_flows"),
        ("not named", result.names_evicted, "names and queries given up for want of room: memory_max"),
        (
            "portless",
            result.fragments_evicted,
            "fragments that could not wait for their first one: memory_max",
        ),
    )
    return [(word, f"{count:,}", meaning) for word, count, meaning in told if count]
