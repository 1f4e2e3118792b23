"""``blocktap dataset``: the evidence of a study as an open data set, and its check."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sensor.cli._options import DayZone, Events, Expectation, KnownBlocks, OneWay, Rules, StoreRead

app = typer.Typer(
    help="The evidence of a study as an open data set in which nobody is, and its check.",
    no_args_is_help=True,
)


class OutsideAddresses(StrEnum):
    """What becomes of outside addresses in flow records."""

    TRUNCATED = "truncated"
    ENCRYPTED = "encrypted"
    KEPT = "kept"


@app.command("export")
def export_(
    store: StoreRead,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DATASET", help="The new folder.")],
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, included.")] = None,
    timezone: DayZone = "UTC",
    k: Annotated[
        int, typer.Option("--k", metavar="N", min=2, help="Fewest inside addresses behind any number.")
    ] = 5,
    licence: Annotated[
        str,
        typer.Option("--licence", metavar="NAME", help="CC-BY-4.0, CC0-1.0, ODbL-1.0, ODC-By-1.0, PDDL-1.0."),
    ] = "CC-BY-4.0",
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Of the data set.")] = None,
    records: Annotated[
        bool, typer.Option("--records", help="Flow records too, inside addresses by pseudonym; takes --key.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="Key of the pseudonyms, made if missing; keep it."),
    ] = None,
    outside: Annotated[
        OutsideAddresses, typer.Option("--outside", help="Outside addresses in flow records.")
    ] = OutsideAddresses.TRUNCATED,
    round_time_s: Annotated[
        int,
        typer.Option(
            "--round-times", metavar="SECONDS", help="Times in flow records are rounded down to it."
        ),
    ] = 3600,
    one_way: OneWay = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the report's random numbers.")] = None,
    expectation: Expectation = None,
    events: Events = None,
    blocks: KnownBlocks = None,
    rules: Rules = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the data set that is there.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Write what a study of a store rests on, told of no fewer than k inside addresses, with its report."""
    from sensor.cli._dataset import RecordWords, run_export, study_words
    from sensor.cli._report import Asked

    asked = Asked(
        str(store), (None, first, last), timezone, one_way, seed, expectation, events, blocks, rules
    )
    words = RecordWords(key, outside.value, round_time_s) if records else None
    if not records and key is not None:
        raise typer.BadParameter("a key is of flow records alone: say --records too", param_hint="--key")
    if records and key is None:
        raise typer.BadParameter("flow records take a key: say --key FILE", param_hint="--records")
    run_export(study_words(asked, k, licence, title), words, output, replace=replace, as_json=as_json)


@app.command()
def verify(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="The data set's folder.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Check a data set against itself: hashes, columns, tables, and every number of its report."""
    from sensor.cli._dataset import run_verify

    run_verify(dataset, as_json=as_json)
