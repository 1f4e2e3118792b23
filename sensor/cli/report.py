"""``blocktap report``: the study of a store, or of a data set made of one."""

from pathlib import Path
from typing import Annotated

import typer

from sensor.cli._options import DayZone, Events, Expectation, KnownBlocks, OneWay, Rules


def report(
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="STORE", help="The store: its folder, or s3://bucket/prefix."),
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(
            "--dataset", metavar="DATASET", help="A data set instead, with the settings it was made with."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the page, one HTML file.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers; - is standard output.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write Markdown; - is standard output.")
    ] = None,
    day: Annotated[str | None, typer.Option("--day", metavar="DAY", help="Study this day alone.")] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day of the study.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, included.")] = None,
    timezone: DayZone = "UTC",
    one_way: OneWay = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the random numbers.")] = None,
    expectation: Expectation = None,
    events: Events = None,
    blocks: KnownBlocks = None,
    rules: Rules = None,
    engine: Annotated[
        str,
        typer.Option("--engine", metavar="NAME", help="What reads the store: duckdb, spark or clickhouse."),
    ] = "duckdb",
    engine_address: Annotated[
        str | None,
        typer.Option(
            "--engine-address",
            metavar="ADDRESS",
            help="Spark's master (spark://host:7077) or ClickHouse's server (http://user@host:8123).",
        ),
    ] = None,
    engine_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--engine-setting", metavar="NAME=VALUE", help="Of Spark or ClickHouse; may be repeated."
        ),
    ] = None,
) -> None:
    """Study a store: hard numbers and how sure they are.

    Without -o, --json and --markdown a summary is printed.
    """
    from sensor.cli._report import Asked, Engine, Outputs, run_dataset_report, run_report

    if (store is None) == (dataset is None):
        raise typer.BadParameter("say what to study: --store DIR or --dataset DATASET", param_hint="--store")
    outputs = Outputs(output, json, markdown)
    if dataset is not None:
        refused = (
            day,
            first,
            last,
            seed,
            expectation,
            events,
            blocks,
            rules,
            engine_address,
            engine_settings,
        )
        _refuse(refused, timezone, engine, one_way=one_way)
        run_dataset_report(dataset, outputs)
    elif store is not None:
        run_report(
            Asked(
                store,
                (day, first, last),
                timezone,
                one_way,
                seed,
                expectation,
                events,
                blocks,
                rules,
                Engine(engine, engine_address, engine_settings),
            ),
            outputs,
        )


def _refuse(settings: tuple[object, ...], timezone: str, engine: str, *, one_way: bool) -> None:
    if any(one is not None for one in settings) or timezone != "UTC" or engine != "duckdb" or one_way:
        raise typer.BadParameter(
            "a data set has its own period, time zone and rules: only -o, --json and --markdown go with it",
            param_hint="--dataset",
        )
