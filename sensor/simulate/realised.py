"""Numbers that came of chance: what was really drawn, for whoever wants to check sums to the last flow."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensor.simulate.columns import Records
from sensor.simulate.draw import Flows
from sensor.simulate.endpoints import Kind
from sensor.simulate.world import World


class Realised:
    """Counts flows by block and endpoint, and adds up their packets and bytes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._flows = np.zeros((len(world.scenario.block), len(world.endpoints.rows)), np.int64)
        self._sums = dict.fromkeys(("packets_out", "packets_in", "bytes_out", "bytes_in"), 0)
        self._rows = 0

    def add(self, records: Records) -> None:
        """Count more rows."""
        for name in self._sums:
            self._sums[name] += int(getattr(records.sizes, name).sum())
        self._rows += len(records.flows)
        self._count(records.flows.part(np.flatnonzero(records.number == 0)))

    def add_flows(self, flows: Flows) -> None:
        """Count more flows of one record each, whose packets are counted one by one."""
        self._rows += len(flows)
        self._count(flows)

    def add_packet(self, *, is_out: bool, ip_bytes: int) -> None:
        """Count one packet, with the bytes of its inner IP header and all behind."""
        way = "out" if is_out else "in"
        self._sums[f"packets_{way}"] += 1
        self._sums[f"bytes_{way}"] += ip_bytes

    def _count(self, flows: Flows) -> None:
        block = self._world.inside_block[flows.inside]
        place = block * self._flows.shape[1] + flows.endpoint
        self._flows += np.bincount(place, minlength=self._flows.size).reshape(self._flows.shape)

    def as_dict(self) -> dict[str, Any]:
        """Everything that was counted, relays apart from the rest."""
        endpoints, scenario = self._world.endpoints, self._world.scenario
        use = np.where(endpoints.kind == Kind.USE, self._flows, 0)
        held = use[self._world.holders].sum(axis=0)
        return {
            "rows": self._rows,
            **self._sums,
            "flows_by_kind": {
                kind.name.lower(): int(self._flows[:, endpoints.of_kind[kind]].sum()) for kind in Kind
            },
            "blocks": {
                block.name: int(use[number].sum()) for number, block in enumerate(scenario.block)
            },
            "named": int(held[endpoints.columns["name"] >= 0].sum()),
        } | {
            plural: self._by(column, held)
            for plural, column in (
                ("services", "service"), ("categories", "category"), ("applications", "application"),
                ("countries", "country"), ("names", "name"),
            )
        }  # fmt: skip

    def _by(self, column: str, flows: Any) -> dict[str, int]:
        places, words = self._world.endpoints.columns[column], self._world.endpoints.words[column]
        sums = np.bincount(places + 1, weights=flows, minlength=len(words.texts) + 1)[1:]
        return {text: int(count) for text, count in zip(words.texts, sums, strict=True) if count}
