"""The blocks of a scenario as a rule file, for those that the shipped rules do not have."""

from __future__ import annotations

import json

from sensor.simulate.inside import networks
from sensor.simulate.scenario import Block, Scenario


def blocks_text(scenario: Scenario) -> str | None:
    """The text of a ``blocks.toml`` with every block of the scenario; None where the shipped rules do."""
    if not any(block.prefixes for block in scenario.block):
        return None
    tables = "\n".join(_table(block) for block in scenario.block)
    return f"# The blocks of the simulated scenario {scenario.name}. Nobody is meant by them.\n\n{tables}"


def _table(block: Block) -> str:
    # JSON's quotes and escapes are TOML's too.
    prefixes = json.dumps([str(network) for network in networks(block)])
    lines = ["[[block]]", f"name = {json.dumps(block.name)}", f"prefixes = {prefixes}"]
    lines += [
        f"{key} = {json.dumps(getattr(block, key))}"
        for key in ("holder", "claimed_country", "confidence", "role")
        if getattr(block, key)
    ]
    return "\n".join(lines) + "\n"
