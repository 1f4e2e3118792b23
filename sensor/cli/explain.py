"""``blocktap explain``: how one flow of a capture was decoded, matched and named."""

from typing import Annotated

import typer

from sensor.cli._options import Blocks, ListFormat, Rules, Settings, Watch


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
    blocks: Blocks = None,
    watch: Watch = None,
    rules: Rules = None,
    format: ListFormat = None,
    config: Settings = None,
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
