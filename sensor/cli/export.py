"""``blocktap export``: the flows of a store for a collector."""

from enum import StrEnum
from typing import Annotated

import typer

from sensor.cli._options import StoreRead


class ExportFormat(StrEnum):
    """What collectors speak."""

    IPFIX = "ipfix"


class TransportName(StrEnum):
    """How messages travel."""

    UDP = "udp"
    TCP = "tcp"


def export(
    store: StoreRead,
    to: Annotated[str, typer.Option("--to", metavar="HOST:PORT", help="Where the collector listens.")],
    format: Annotated[ExportFormat, typer.Option("--format", help="What it speaks.")] = ExportFormat.IPFIX,
    transport: Annotated[
        TransportName, typer.Option("--transport", help="TCP loses nothing; many collectors know only UDP.")
    ] = TransportName.UDP,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, UTC.")] = None,
    last: Annotated[str | None, typer.Option("--to-day", metavar="DAY", help="Last day, included.")] = None,
    block: Annotated[
        list[str] | None, typer.Option("--block", metavar="NAME", help="Only this block; may be repeated.")
    ] = None,
    enterprise: Annotated[
        int, typer.Option("--enterprise", metavar="NUMBER", help="Whose number the names and others have.")
    ] = 32473,
    domain: Annotated[
        int, typer.Option("--domain", metavar="NUMBER", help="The observation domain of the messages.")
    ] = 1,
    mtu: Annotated[
        int, typer.Option("--mtu", metavar="BYTES", help="Of the link; messages over UDP are shorter.")
    ] = 1500,
    rate: Annotated[
        int | None,
        typer.Option(
            "--rate",
            metavar="RECORDS",
            min=0,
            help="Records a second at most; over UDP 10000 if not told, 0 is no limit.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Send the flow records of a store to a collector, with their names."""
    from sensor.cli._export import Asked, run_export
    from sensor.export import Destination, ExporterOptions

    destination = Destination.parse(to, "tcp" if transport is TransportName.TCP else "udp")
    options = ExporterOptions(enterprise, domain, mtu, rate)
    _ = format  # there is one
    run_export(Asked(store, destination, options, (first, last), tuple(block or ())), as_json=as_json)
