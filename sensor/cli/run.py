"""``blocktap run``: the daemon."""

from typing import TYPE_CHECKING, Annotated

import typer

from sensor.cli._options import Blocks, ListFormat, Rules, Settings, Watch

if TYPE_CHECKING:
    from sensor.config import Config


def run(
    config: Settings = None,
    interface: Annotated[
        list[str] | None,
        typer.Option("--interface", metavar="NIC", help="Capture from this one; may be repeated."),
    ] = None,
    store: Annotated[str | None, typer.Option("--store", metavar="DIR", help="Where rows go.")] = None,
    blocks: Blocks = None,
    watch: Watch = None,
    rules: Rules = None,
    format: ListFormat = None,
    prefilter: Annotated[
        str | None,
        typer.Option(
            "--prefilter", metavar="KIND", help="none, socket or xdp: drop in the kernel what no block holds."
        ),
    ] = None,
    yes_drop: Annotated[
        bool, typer.Option("--yes-drop", help="Let xdp drop on an interface that this machine uses itself.")
    ] = False,
    sensor: Annotated[
        str | None,
        typer.Option("--sensor", metavar="NAME", help="Sensor name in the store; the machine's by default."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", min=1, max=64, help="Threads; one a core by default."),
    ] = None,
) -> None:
    """Capture from interfaces until told to stop.

    Options override the settings file. SIGHUP or `blocktap reload` reads the rules again; SIGTERM writes
    everything and ends.
    """
    import os

    from sensor.config import load_config
    from sensor.daemon.logs import configure

    settings = _overridden(
        load_config(config) if config else _defaults(), interface, store, prefilter, yes_drop, sensor
    )
    if not settings.capture.interfaces:
        raise typer.BadParameter("say what to capture from: --interface NIC", param_hint="--interface")
    if settings.store.path is None:
        raise typer.BadParameter("say where rows go: --store DIR", param_hint="--store")
    configure(settings.log.format, settings.log.level)

    from sensor.daemon.life import Sensor
    from sensor.daemon.rulebook import Asked, RuleBook

    asked = Asked(tuple(blocks or ()), tuple(watch or ()), tuple(rules or ()), format)
    threads = workers or settings.workers or len(os.sched_getaffinity(0))
    Sensor(settings, RuleBook(settings, config, asked), threads).run()


def _defaults() -> "Config":
    from sensor.config import Config

    return Config()


def _overridden(
    config: "Config",
    interfaces: list[str] | None,
    store: str | None,
    prefilter: str | None,
    yes_drop: bool,
    sensor: str | None,
) -> "Config":
    """The settings as the command line changes them, checked like those of a file."""
    import platform
    import re

    from pydantic import ValidationError

    told = config.model_dump(exclude_unset=True)
    capture, kept, flow = (told.setdefault(table, {}) for table in ("capture", "store", "flow"))
    if interfaces:
        capture["interfaces"] = tuple(interfaces)
    if prefilter:
        capture["prefilter"] = prefilter
    if yes_drop:
        capture["yes_drop"] = True
    if store:
        kept["path"] = store
    if sensor:
        kept["sensor"] = sensor
    # Live, a crash is to lose little, and one store may have several sensors.
    flow.setdefault("active_timeout_s", max(60, flow.get("close_timeout_s", 0)))
    kept.setdefault("sensor", re.sub(r"[^A-Za-z0-9._-]", "-", platform.node())[:64].lstrip(".-_") or "sensor")
    try:
        return type(config).model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise typer.BadParameter(f"{key}: {reason}, found {first['input']!r}") from None
