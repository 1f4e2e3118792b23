"""Every real capture gives the names and fingerprints that an independent decoder saw, watching everything.

Where the two differ, ``names_differences.toml`` says why and lists each name that only one of them has:
a further difference fails, and so does one that is no longer there.
"""

import json
import tomllib
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.functional.names import differences, hellos_of, names_of, names_of_truth, normal
from tests.functional.replays import Replayed, replay, replay_once
from tests.functional.truth import captures_of

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT.parent / "shared" / "captures"
TRUTH = captures_of(FOLDER)
DIFFERENCES: dict[str, Any] = tomllib.loads(
    (ROOT / "tests" / "golden" / "names_differences.toml").read_text(encoding="utf-8")
)
CUTS: dict[str, Any] = (
    json.loads((FOLDER / "derived" / "expected.json").read_text(encoding="utf-8")) if TRUTH else {}
)


def each(names: Iterable[str]) -> pytest.MarkDecorator:
    """A test for each capture."""
    return pytest.mark.parametrize("name", list(names))


@pytest.fixture(autouse=True)
def captures(shared_captures: Path) -> Path:
    """These tests are nothing without the captures."""
    return shared_captures


def replayed(name: str) -> Replayed:
    return replay_once(FOLDER / name)


@each(sorted(TRUTH))
def test_names(name: str) -> None:
    listed = DIFFERENCES.get(name, {})
    expected = [*listed.get("missed", []), *listed.get("found", [])]
    assert differences(names_of_truth(TRUTH[name]), names_of(replayed(name))) == expected


@each(sorted(name for name in TRUTH if hellos_of(TRUTH[name])))
def test_hellos_name_their_own_flows(name: str) -> None:
    flows: dict[tuple[str, int, str, int], list[dict[str, Any]]] = {}
    for row in replayed(name).flows:
        inside, outside = (row["inside_ip"], row["inside_port"]), (row["outside_ip"], row["outside_port"])
        for ends in (*inside, *outside), (*outside, *inside):
            flows.setdefault(ends, []).append(row)
    nameless = [
        f"{hello['via']} frame {hello['frame']}"
        for hello in hellos_of(TRUTH[name])
        if not any(agree(row, hello) for row in flows.get(ends_of(hello), []))
    ]
    assert nameless == DIFFERENCES.get(name, {}).get("hellos", [])


def ends_of(hello: dict[str, Any]) -> tuple[str, int, str, int]:
    """Addresses and ports as rows write them."""
    return str(ip_address(hello["src"])), hello["sport"], str(ip_address(hello["dst"])), hello["dport"]


def agree(row: dict[str, Any], hello: dict[str, Any]) -> bool:
    """Whether a flow has the hello's names, its mark of ECH and one of its fingerprints."""
    names = {normal(name) for name in hello["sni"]} - {""}
    return (
        names <= set(row["names"] or [])
        and (row["ech"] or not hello.get("ech"))
        and (not hello.get("ja4") or row["ja4"] is not None)
    )


@each(sorted(CUTS))
def test_hellos_cut_anew(name: str) -> None:
    found = [row for row in replay(FOLDER / "derived" / name).flows if row["ja4"] is not None]
    assert [row["name"] for row in found] == CUTS[name]["sni"]
    assert [row["ja4"] for row in found] == CUTS[name]["ja4"]


@pytest.mark.skipif(not TRUTH, reason="no captures")
def test_differences_are_argued() -> None:
    assert set(DIFFERENCES) <= set(TRUTH)
    for entry in DIFFERENCES.values():
        assert len(entry["reason"]) > 40
        assert set(entry) - {"reason"} <= {"missed", "found", "hellos"}
        assert any(entry[key] for key in set(entry) - {"reason"})
