"""Every real capture gives the packets and flows that an independent decoder saw, watching everything.

Where the two differ, ``truth_differences.toml`` says why and lists each flow that differs: a further
difference fails, and so does one that is no longer there.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.functional import fragments
from tests.functional.replays import Counts, Flow, Replayed, add, identity, packets_of, replay_once, totals
from tests.functional.truth import PROTOCOLS, TCP, UDP, captures_of, flows_of, pairs_of

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT.parent / "shared" / "captures"
TRUTH = captures_of(FOLDER)
DIFFERENCES: dict[str, Any] = tomllib.loads(
    (ROOT / "tests" / "golden" / "truth_differences.toml").read_text(encoding="utf-8")
)

IPCOMP = 108


def each(names: Iterable[str]) -> pytest.MarkDecorator:
    """A test for each capture."""
    return pytest.mark.parametrize("name", list(names))


every_capture = each(sorted(TRUTH))
FRAGMENTED = [name for name, entry in DIFFERENCES.items() if entry["kind"] == "fragments"]


@pytest.fixture(autouse=True)
def captures(shared_captures: Path) -> Path:
    """These tests are nothing without the captures."""
    return shared_captures


def replayed(name: str) -> Replayed:
    return replay_once(FOLDER / name)


def describe(flow: Flow, truth: Counts | None, here: Counts | None) -> str:
    """One line of the table of differences."""
    protocol, (low, low_port), (high, high_port) = flow
    word = {number: word for word, number in PROTOCOLS.items()}[protocol]
    sides = [
        f"{side} none" if counts is None else "{} {}/{} {}/{}".format(side, *counts)
        for side, counts in (("truth", truth), ("here", here))
    ]
    return " ".join([word, f"[{low}]:{low_port} [{high}]:{high_port}", *sides])


def ours(name: str) -> dict[Flow, Counts]:
    """Counts of each TCP and UDP flow of our rows."""
    return {flow: counts for flow, counts in totals(replayed(name).flows).items() if flow[0] in {TCP, UDP}}


def differences(truth: dict[Flow, Counts], here: dict[Flow, Counts]) -> list[str]:
    return [
        describe(flow, truth.get(flow), here.get(flow))
        for flow in sorted(truth.keys() | here.keys())
        if truth.get(flow) != here.get(flow)
    ]


def pairs(name: str) -> dict[Flow, Counts]:
    """Counts of each pair of addresses over all rows."""
    sums: dict[Flow, Counts] = defaultdict(lambda: [0, 0, 0, 0])
    for (_, (low, _), (high, _)), counts in totals(replayed(name).flows).items():
        add(sums, 0, ((low, 0), (high, 0)), counts)
    return dict(sums)


@every_capture
def test_packets(name: str) -> None:
    assert replayed(name).result.packets == TRUTH[name]["file"]["packets"]


@every_capture
def test_every_packet_is_counted_once(name: str) -> None:
    assert identity(replayed(name).result)
    assert packets_of(replayed(name).flows) == replayed(name).result.matched


@each(sorted(TRUTH))
def test_flows(name: str) -> None:
    assert differences(flows_of(TRUTH[name]), ours(name)) == DIFFERENCES.get(name, {}).get("flows", [])


@pytest.mark.skipif(not TRUTH, reason="no captures")
class TestDifferences:
    """What the table of differences claims."""

    def test_all_are_argued(self) -> None:
        assert set(DIFFERENCES) <= set(TRUTH)
        assert all(len(entry["reason"]) > 40 and entry["flows"] for entry in DIFFERENCES.values())

    @each(FRAGMENTED)
    def test_fragments_are_counted_once_between_the_same_addresses(self, name: str) -> None:
        assert pairs(name) == pairs_of(TRUTH[name])

    @each(FRAGMENTED)
    def test_fragments_are_counted_in_the_flow_of_the_first(self, name: str) -> None:
        assert ours(name) == fragments.count(FOLDER / name)

    def test_compressed_packets_stand_under_their_own_protocol(self) -> None:
        name = "libpcap--AH-IPcomp-IPv4.pcap"
        here = totals(replayed(name).flows)
        (truth,) = flows_of(TRUTH[name]).values()
        assert {flow[0] for flow in here} == {TCP, IPCOMP}
        assert [sum(counts[way] for counts in here.values()) for way in (0, 2)] == [truth[0], truth[2]]

    def test_what_capwap_carries_is_counted_in_the_flow_that_carries_it(self) -> None:
        name = "ndpi--capwap.pcap"
        here, truth = pairs(name), pairs_of(TRUTH[name])
        carried = sum(counts[0] + counts[2] for pair, counts in truth.items() if pair not in here)
        (carrier,) = (pair for pair in here if here[pair] != truth[pair])
        assert carried == 11
        assert here[carrier][0] + here[carrier][2] == truth[carrier][0] + truth[carrier][2] + carried
