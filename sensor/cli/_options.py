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
Settings = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file.")]
ControlSocket = Annotated[
    Path | None,
    typer.Option("--socket", metavar="FILE", help="Control socket of the sensor; found by itself otherwise."),
]
