"""What an independent decoder says of the real captures."""

import json
from collections import defaultdict
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from tests.functional.replays import Counts, Flow, add

TCP, UDP = 6, 17
PROTOCOLS = {"tcp": TCP, "udp": UDP}


def captures_of(folder: Path) -> dict[str, Any]:
    """The truth of every capture of a folder, by file name; nothing where there is no folder."""
    if not folder.is_dir():
        return {}
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))["captures"]


def flows_of(truth: dict[str, Any]) -> dict[Flow, Counts]:
    """Counts of each TCP and UDP flow."""
    flows: dict[Flow, Counts] = defaultdict(lambda: [0, 0, 0, 0])
    for flow in truth.get("flows", []):
        protocol = PROTOCOLS.get(flow["proto"])
        if protocol is not None:
            ends = (_address(flow["a"]), flow["ap"]), (_address(flow["b"]), flow["bp"])
            add(flows, protocol, ends, _counts(flow))
    return dict(flows)


def pairs_of(truth: dict[str, Any]) -> dict[Flow, Counts]:
    """Counts of each pair of addresses, whatever the protocol and the ports."""
    pairs: dict[Flow, Counts] = defaultdict(lambda: [0, 0, 0, 0])
    for flow in truth.get("flows", []):
        add(pairs, 0, ((_address(flow["a"]), 0), (_address(flow["b"]), 0)), _counts(flow))
    return dict(pairs)


def _address(text: str) -> str:
    return str(ip_address(text))


def _counts(flow: dict[str, Any]) -> tuple[int, int, int, int]:
    return flow["pkts_ab"], flow["ipbytes_ab"], flow["pkts_ba"], flow["ipbytes_ba"]
