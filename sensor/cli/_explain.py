"""What ``blocktap explain`` does: find the flow, watch it closely, tell."""

import json
import re
import stat
from dataclasses import dataclass, replace
from ipaddress import ip_network
from itertools import islice
from pathlib import Path
from typing import Any

import typer

from sensor.capture import trace
from sensor.cli._explain_flows import Flows, find_flows
from sensor.cli._explain_packets import dissected
from sensor.cli._explain_show import show, show_flows
from sensor.cli._explain_steps import Case, explain_steps
from sensor.cli._values import json_value
from sensor.config import Config
from sensor.rules import Plan, load_plan
from sensor.rules.names import NameRules

MOST_FLOWS_OFFERED = 10
EVERYTHING = ("0.0.0.0/0", "::/0")

_COMMUNITY_ID = re.compile(r"1:[A-Za-z0-9+/]{27}=")


@dataclass(frozen=True)
class Asked:
    """The words of the command; ``flow`` is None where a list of all flows is wanted."""

    captures: list[str]
    flow: str | None
    packets: int
    plan: Plan
    config: Config
    names: NameRules
    as_json: bool


def run_explain(asked: Asked) -> None:
    """Explain a flow or list all; the program ends with status 1 where there is no such flow."""
    _check(asked)
    watched = find_flows(asked.captures, asked.plan, asked.config, asked.names, asked.flow)
    if asked.flow is None:
        _list(asked, watched)
    elif watched.rows:
        _explain(asked, watched, None)
    else:
        _explain_unwatched(asked, watched)


def _check(asked: Asked) -> None:
    if asked.flow is not None and not _COMMUNITY_ID.fullmatch(asked.flow):
        raise typer.BadParameter(
            "a community id is 1: and 28 characters of base64; --list tells those of a capture",
            param_hint="--flow",
        )
    for capture in asked.captures:
        if capture == "-" or _is_pipe(Path(capture)):
            raise typer.BadParameter(
                f"{capture}: a capture is read more than once here; save it to a file first"
            )


def _is_pipe(path: Path) -> bool:
    return path.exists() and not stat.S_ISREG(path.stat().st_mode) and not path.is_dir()


def _everything(asked: Asked) -> Flows:
    return find_flows(asked.captures, load_plan([], EVERYTHING), asked.config, asked.names, asked.flow)


def _list(asked: Asked, watched: Flows) -> None:
    flows = watched.seen | {
        key: one for key, one in _everything(asked).seen.items() if key not in watched.seen
    }
    unwatched = len(flows) - len(watched.seen)
    if asked.as_json:
        print(json.dumps({"flows": [one.as_json() for one in flows.values()], "not_watched": unwatched}))
    else:
        show_flows(flows.values(), f"{len(flows):,} flows, {unwatched:,} of them in no watched block")


def _explain_unwatched(asked: Asked, watched: Flows) -> None:
    """Watch the address that began the flow, so that all is as it would be were it in a block."""
    everything = _everything(asked)
    if not everything.rows:
        _offer(asked, watched, everything)
    address = everything.rows[0]["inside_ip"]
    alone = replace(asked, plan=load_plan([], [str(ip_network(address))]))
    found = find_flows(asked.captures, alone.plan, asked.config, asked.names, asked.flow)
    _explain(alone, found if found.rows else everything, asked.plan)


def _offer(asked: Asked, watched: Flows, everything: Flows) -> None:
    """End with the flows there are."""
    others = {key: one for key, one in everything.seen.items() if key not in watched.seen}
    offered = list(islice((watched.seen | others).values(), MOST_FLOWS_OFFERED))
    message = f"no flow {asked.flow} in {', '.join(asked.captures)}"
    if asked.as_json:
        print(json.dumps({"error": message, "flows": [one.as_json() for one in offered]}))
    else:
        heading = "the first of those there are; --list tells all" if offered else "there are no flows"
        show_flows(offered, f"{message}; {heading}", is_failure=True)
    raise typer.Exit(1)


def _explain(asked: Asked, found: Flows, not_in: Plan | None) -> None:
    rows = found.rows
    first = rows[0]
    traced = trace(
        asked.captures,
        asked.plan,
        asked.config,
        asked.names,
        {
            "flow_ids": list({row["flow_id"] for row in rows}),
            "addresses": (first["inside_ip"], first["outside_ip"]),
            "frames": asked.packets,
        },
    )
    case = Case(rows, traced, found.inputs, asked.plan, not_in, asked.config, asked.names)
    steps = explain_steps(case)
    packets = [dissected(packet) for packet in traced["packets"][: asked.packets]]
    if not asked.as_json:
        show(str(asked.flow), steps, packets, traced["packets_counted"])
        return
    told: dict[str, Any] = {
        "community_id": asked.flow,
        "watched": not_in is None,
        "steps": [step.as_json() for step in steps],
        "records": [{key: json_value(value) for key, value in row.items()} for row in rows],
        "packets_counted": traced["packets_counted"],
        "packets": [packet.as_json() for packet in packets],
    }
    print(json.dumps(told))
