"""Which prefix and block each end of a flow lies in, at the time of its packets."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import numpy as np

from sensor.cli._explain_case import Case, Finding, Step, listed
from sensor.rules import Plan
from sensor.rules.columns import columns_of_plan
from sensor.rules.dates import day_of
from sensor.rules.mistake import printable_path
from sensor.rules.model import ALWAYS_FROM_NS, BY_HAND, FOREVER_UNTIL_NS, Block

_IPV4_MAPPED = 0xFFFF << 32
MOST_PREFIXES = 10


@dataclass(frozen=True)
class Holding:
    """A prefix that holds an address, the block it belongs to, and when."""

    prefix: str
    block: Block
    valid_from_ns: int
    valid_until_ns: int

    def is_valid(self, time_ns: int) -> bool:
        """Whether it holds at a time."""
        return self.valid_from_ns <= time_ns < self.valid_until_ns

    @property
    def validity(self) -> str:
        """When it holds, in words."""
        first = None if self.valid_from_ns == ALWAYS_FROM_NS else day_of(self.valid_from_ns)
        until = None if self.valid_until_ns == FOREVER_UNTIL_NS else day_of(self.valid_until_ns)
        parts = [first and f"from {first}", until and f"until before {until}"]
        return " ".join(part for part in parts if part) or "always"


def holdings(plan: Plan, address: str) -> list[Holding]:
    """Every prefix of a plan that holds an address, the most specific first."""
    columns = columns_of_plan(plan)
    given = ip_address(address)
    number = int(given) | (_IPV4_MAPPED if given.version == 4 else 0)
    found = []
    for length in sorted(np.unique(columns.lengths).tolist(), reverse=True):
        if given.version == 4 and length < 96:
            continue
        network = number >> (128 - length) << (128 - length)
        wanted = np.frombuffer(network.to_bytes(16), dtype=np.uint8)
        same = (columns.lengths == length) & (columns.addresses == wanted).all(axis=1)
        for row in np.flatnonzero(same).tolist():
            _, valid_from_ns, valid_until_ns = columns.meaning(row)
            prefix = str(_network(network, length, given.version))
            found.append(Holding(prefix, columns.block(row), valid_from_ns, valid_until_ns))
    return found


def _network(number: int, length: int, version: int) -> IPv4Network | IPv6Network:
    if version == 4:
        return IPv4Network((number & 0xFFFFFFFF, length - 96))
    return IPv6Network((number, length))


def watch_step(case: Case) -> Step:
    """The blocks of both ends, and what would watch the flow where nothing does."""
    row = case.rows[0]
    packets = case.traced["packets"]
    time_ns = packets[0]["time_ns"] if packets else 0
    plan = case.not_in or case.plan
    findings = []
    if case.not_in is not None:
        files = listed(dict.fromkeys(_file(block) for block in plan.blocks))
        findings.append(
            Finding(
                f"not watched: no block holds {row['inside_ip']} or {row['outside_ip']} at that time",
                None,
                (
                    f"blocks of {files}: {listed(block.name for block in plan.blocks[:MOST_PREFIXES])}",
                    f"explained as if {row['inside_ip']} were watched: --watch {_alone(row['inside_ip'])}",
                ),
            )
        )
    for word, address, block in (
        ("inside", row["inside_ip"], row["block"]),
        ("outside", row["outside_ip"], row["outside_block"]),
    ):
        findings.append(_end_finding(plan, (word, address), None if case.not_in else block, time_ns))
    return Step("watch", tuple(findings))


def _end_finding(plan: Plan, end: tuple[str, str], block: str | None, time_ns: int) -> Finding:
    word, address = end
    held = holdings(plan, address)
    evidence = []
    for one in held[:MOST_PREFIXES]:
        valid = "" if one.is_valid(time_ns) else f", not on {day_of(time_ns)}"
        evidence.append(
            f"{one.prefix} of {one.block.name} ({_file(one.block)}), confidence {one.block.confidence}, "
            f"valid {one.validity}{valid}"
        )
    if block is None:
        return Finding(f"{word} {address}: no block", None, tuple(evidence) or ("no prefix holds it",))
    return Finding(f"{word} {address}: block {block}, the most specific then valid", None, tuple(evidence))


def _alone(address: str) -> str:
    return str(ip_network(address))


def _file(block: Block) -> str:
    return block.path if block.path == BY_HAND else printable_path(Path(block.path).name)
