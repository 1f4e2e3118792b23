"""How far the sensor and other classifiers agree on what flows are: ``python -m tests.bench.classify_report``.

Two comparisons over the real captures beside the checkout. *Flows*: those of captures for which nDPI's or Arkime's
own results are known, flow by flow; what nDPI guessed by a port or an address is no opinion. *Captures*: all of
them, by whether a dissector called any frame so.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from tests.bench.classify_words import PROTOCOLS
from tests.functional.replays import End, Flow, replay_once
from tests.functional.truth import PROTOCOLS as NUMBERS
from tests.functional.truth import captures_of

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "captures"
SEEN_IN_PACKETS = "DPI"

Case = tuple[str, str]
"""A capture, and what of it."""


@dataclass
class Agreement:
    """Where both say a protocol, and where only one of them does."""

    both: list[Case] = field(default_factory=list)
    only_ours: list[Case] = field(default_factory=list)
    only_theirs: list[Case] = field(default_factory=list)

    def add(self, case: Case, ours: bool, theirs: bool) -> None:
        if ours or theirs:
            (self.both if ours and theirs else self.only_ours if ours else self.only_theirs).append(case)

    @property
    def precision(self) -> float | None:
        """The part of what we say that they say, too; None where we say nothing."""
        return _part(len(self.both), len(self.only_ours))

    @property
    def recall(self) -> float | None:
        """The part of what they say that we say, too; None where they say nothing."""
        return _part(len(self.both), len(self.only_theirs))


Table = dict[str, Agreement]
"""Agreement by protocol."""


def _part(both: int, one: int) -> float | None:
    return both / (both + one) if both + one else None


def compare_flows(folder: Path = FOLDER) -> Table:
    """Protocols of flows against those that other classifiers ship with the captures."""
    table: Table = {protocol: Agreement() for protocol in PROTOCOLS}
    for path in sorted((folder / "second_truth").glob("*.json")):
        other = json.loads(path.read_text(encoding="utf-8"))
        if other["kind"] not in {"ndpi", "arkime"}:
            continue
        ours = _words_of(folder / other["capture"])
        theirs: dict[Flow, set[str]] = defaultdict(set)
        for flow, words in _ndpi(other) if other["kind"] == "ndpi" else _arkime(other):
            theirs[flow] |= words
        for flow in sorted(ours.keys() | theirs.keys()):
            for name, protocol in PROTOCOLS.items():
                known = protocol.ndpi if other["kind"] == "ndpi" else protocol.arkime
                if known:
                    case = other["capture"], describe(flow)
                    table[name].add(case, bool(ours[flow] & protocol.ours), bool(theirs[flow] & known))
    return table


def compare_captures(folder: Path = FOLDER) -> Table:
    """Whether any flow of a capture is of a protocol, against whether any frame is."""
    table: Table = {name: Agreement() for name, protocol in PROTOCOLS.items() if protocol.frames}
    for capture, truth in sorted(captures_of(folder).items()):
        words = set().union(*_words_of(folder / capture).values())
        frames = truth["protocols"].keys()
        for name, agreement in table.items():
            protocol = PROTOCOLS[name]
            agreement.add((capture, ""), bool(words & protocol.ours), bool(frames & protocol.frames))
    return table


def describe(flow: Flow) -> str:
    """A flow as one word, the lower end first."""
    protocol, *ends = flow
    word = {number: word for word, number in NUMBERS.items()}.get(protocol, str(protocol))
    return " ".join([word, *(f"[{address}]:{port}" for address, port in ends)])


def _words_of(capture: Path) -> dict[Flow, set[str]]:
    words: dict[Flow, set[str]] = defaultdict(set)
    for row in replay_once(capture).flows:
        ends = (row["inside_ip"], row["inside_port"]), (row["outside_ip"], row["outside_port"])
        words[_flow(row["protocol"], *ends)] |= {row["application"]} - {None}
    return words


def _flow(protocol: int, one: End, other: End) -> Flow:
    return (protocol, one, other) if one < other else (protocol, other, one)


def _ndpi(results: dict[str, Any]) -> Iterator[tuple[Flow, set[str]]]:
    for flow in results["flows"]:
        protocol = NUMBERS.get(flow["l4"].lower())
        if protocol is not None:
            ends = (_address(flow["a"]), int(flow["ap"])), (_address(flow["b"]), int(flow["bp"]))
            # What stands behind a dot comes from names; the word before it, from the packets.
            words = {flow["proto"].rpartition("/")[2].partition(".")[0]}
            yield _flow(protocol, *ends), words if flow["confidence"] == SEEN_IN_PACKETS else set()


def _arkime(results: dict[str, Any]) -> Iterator[tuple[Flow, set[str]]]:
    for session in results["sessions"]:
        ends = [(_address(session[end]), session.get(f"{end[0]}port", 0)) for end in ("src", "dst")]
        yield _flow(session["ip_protocol"], ends[0], ends[1]), set(session["protocols"])


def _address(text: str) -> str:
    """An address as rows write it; nDPI writes some with two gaps, the first of a single zero."""
    text = text.strip("[]")
    return str(ip_address(text.replace("::", ":0:", text.count("::") - 1)))


def lines(table: Table) -> Iterable[str]:
    """The table for people."""
    yield f"{'protocol':<12} {'both':>6} {'only ours':>10} {'only theirs':>12} {'precision':>10} {'recall':>7}"
    for name, found in table.items():
        counts = len(found.both), len(found.only_ours), len(found.only_theirs)
        if any(counts):
            parts = [f"{part:.3f}" if part is not None else "-" for part in (found.precision, found.recall)]
            yield "{:<12} {:>6} {:>10} {:>12} {:>10} {:>7}".format(name, *counts, *parts)


def main() -> int:
    """Print both tables."""
    if not FOLDER.is_dir():
        print(f"There are no captures at {FOLDER}", file=sys.stderr)
        return 1
    for title, table in (("Flows", compare_flows()), ("Captures", compare_captures())):
        print(title, *lines(table), "", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
