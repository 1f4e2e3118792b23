"""What an explanation is made of, and what it is made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sensor.capture import InputResult
from sensor.config import Config
from sensor.rules import Plan
from sensor.rules.names import NameRules

if TYPE_CHECKING:
    from sensor._core import Fact, Traced, TracedPacket


@dataclass(frozen=True)
class Finding:
    """One thing that is so, the packet that showed it, and what it was known by."""

    text: str
    packet: int | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One stage and its findings."""

    title: str
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """The step as JSON has it."""
        findings = [
            {"text": one.text, "packet": one.packet, "evidence": list(one.evidence)} for one in self.findings
        ]
        return {"step": self.title, "findings": findings}


@dataclass(frozen=True)
class Case:
    """A flow's records, what the core saw of its packets, and the rules it was seen by.

    ``not_in`` is the plan that was asked for, where the flow lies in none of its blocks; ``plan`` then
    watches one of its ends alone.
    """

    rows: list[dict[str, Any]]
    traced: Traced
    inputs: tuple[InputResult, ...]
    plan: Plan
    not_in: Plan | None
    config: Config
    names: NameRules

    @property
    def flow_ids(self) -> list[int]:
        """Flows of these ends, in the order in which they began."""
        return list(dict.fromkeys(row["flow_id"] for row in self.rows))

    def rows_of(self, flow_id: int) -> list[dict[str, Any]]:
        """The records of one flow."""
        return [row for row in self.rows if row["flow_id"] == flow_id]

    def facts_of(self, flow_id: int, *kinds: str) -> list[Fact]:
        """Facts of these kinds of one flow."""
        return [fact for fact in self.traced["facts"] if fact["flow_id"] == flow_id and fact["kind"] in kinds]

    def packet(self, number: int) -> TracedPacket | None:
        """A packet by its number, if it was written down."""
        return self._by_number.get(number)

    @cached_property
    def _by_number(self) -> dict[int, TracedPacket]:
        return {packet["number"]: packet for packet in self.traced["packets"]}


def counted(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(words: Iterable[object]) -> str:
    """Words one behind the other."""
    return ", ".join(str(word) for word in words)
