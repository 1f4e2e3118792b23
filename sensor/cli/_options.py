"""Options that several commands share, each with its one text."""

from pathlib import Path
from typing import Annotated

import typer

Blocks = Annotated[
    list[Path] | None,
    typer.Option("--blocks", metavar="FILE", help="Rule file or list of addresses; may be repeated."),
]
Watch = Annotated[
    list[str] | None, typer.Option("--watch", metavar="CIDR", help="Prefix to watch; may be repeated.")
]
Rules = Annotated[
    list[Path] | None,
    typer.Option("--rules", metavar="DIR", help="Folder of own services and protocols; may be repeated."),
]
ListFormat = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="Format of the lists, not recognised but told."),
]
StoreRead = Annotated[
    str, typer.Option("--store", metavar="DIR", help="The store's folder, or s3://BUCKET/PREFIX.")
]
DayZone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Zone in which days are told.")]
OneWay = Annotated[
    bool, typer.Option("--one-way", help="The tap sees one direction: count unanswered flows.")
]
Expectation = Annotated[
    str | None,
    typer.Option("--expectation", metavar="FILE", help="CSV of country and share, or block:NAME."),
]
Events = Annotated[Path | None, typer.Option("--events", metavar="FILE", help="Dated events.")]
KnownBlocks = Annotated[
    list[Path] | None, typer.Option("--blocks", metavar="FILE", help="What is known of the blocks.")
]
Settings = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file.")]
ControlSocket = Annotated[
    Path | None,
    typer.Option("--socket", metavar="FILE", help="Control socket of the sensor; found by itself otherwise."),
]
