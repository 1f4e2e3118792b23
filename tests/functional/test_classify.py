"""The sensor and other classifiers agree on the real captures but for what ``classify_differences.toml`` argues."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.bench.classify_report import Agreement, Case, Table, compare_captures, compare_flows, lines

ROOT = Path(__file__).resolve().parents[2]
DIFFERENCES: dict[str, Any] = tomllib.loads(
    (ROOT / "tests" / "golden" / "classify_differences.toml").read_text(encoding="utf-8")
)
SIDES = ("only_ours", "only_theirs")
ARGUED = [entry for table in DIFFERENCES.values() for found in table.values()
          for side in SIDES for entry in found.get(side, [])]  # fmt: skip


@pytest.fixture(scope="module", params=["flows", "captures"])
def compared(request: pytest.FixtureRequest, shared_captures: Path) -> tuple[str, Table]:
    compare = compare_flows if request.param == "flows" else compare_captures
    return request.param, compare(shared_captures)


def listed(cases: list[Case], entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Cases by capture, as the table has them: each flow, or how many where they are many."""
    counted = {entry["capture"] for entry in entries if isinstance(entry.get("flows"), int)}
    found: dict[str, Any] = {}
    for capture, flow in cases:
        found.setdefault(capture, []).append(flow)
    return {capture: len(flows) if capture in counted else flows for capture, flows in found.items()}


def expected(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {entry["capture"]: entry.get("flows", [""]) for entry in entries}


def test_agreement(compared: tuple[str, Table]) -> None:
    name, table = compared
    for protocol, agreement in table.items():
        found = DIFFERENCES[name].get(protocol, {})
        assert len(agreement.both) == found.get("both", 0), protocol
        for side in SIDES:
            entries = found.get(side, [])
            assert listed(getattr(agreement, side), entries) == expected(entries), f"{protocol} {side}"


def test_differences_are_argued() -> None:
    assert all(len(entry["reason"]) > 40 for entry in ARGUED)
    assert {entry["reason"].partition(":")[0] for entry in ARGUED} == {"Right", "On purpose", "Missed"}


def test_report() -> None:
    agreement = Agreement()
    agreement.add(("one", ""), True, True)
    agreement.add(("two", ""), True, False)
    agreement.add(("three", ""), False, False)
    assert (agreement.precision, agreement.recall) == (0.5, 1.0)
    assert list(lines({"ssh": agreement, "tor": Agreement()}))[1:] == [
        "ssh               1          1            0      0.500   1.000"
    ]
