"""``blocktap explain``: how one flow of a capture was decoded, matched and named."""

from pathlib import Path
from typing import Annotated

import typer


def explain(
    captures: Annotated[
        list[str], typer.Argument(metavar="CAPTURE...", help="pcap or pcapng, packed or not, as for replay.")
    ],
    *,
    flow: Annotated[
        str | None, typer.Option("--flow", metavar="COMMUNITY_ID", help="The flow, as in 1:wCb3O...=")
    ] = None,
    list_flows: Annotated[
        bool, typer.Option("--list", help="List all flows with their ids instead.")
    ] = False,
    packets: Annotated[
        int, typer.Option("--packets", metavar="N", min=0, max=1000, help="Packets to dissect.")
    ] = 5,
    blocks: Annotated[
        list[Path] | None,
        typer.Option("--blocks", metavar="FILE", help="Rule file or list of addresses; may be repeated."),
    ] = None,
    watch: Annotated[
        list[str] | None, typer.Option("--watch", metavar="CIDR", help="Prefix to watch; may be repeated.")
    ] = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="DIR", help="Folder of own services and protocols; may be repeated."),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Format of the lists, not recognised but told."),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Explain one flow: how it was decoded, matched and named, with the evidence, and its packets dissected.

    A flow of no watched block is explained too, as if the address that began it were watched.
    """
    from sensor.cli._explain import Asked, run_explain
    from sensor.cli._plan import load_asked_plan
    from sensor.config import Config, load_config
    from sensor.rules.names import load_names

    if (flow is None) == (not list_flows):
        raise typer.BadParameter("say which flow: --flow COMMUNITY_ID, or --list to see what there is")
    settings = load_config(config) if config else Config()
    plan = load_asked_plan(settings.rules, blocks, watch, format)
    names = load_names([*settings.rules.folders, *(rules or [])])
    run_explain(Asked(captures, flow, packets, plan, settings, names, as_json))
