"""Real clients, recorded by ``record.sh``: what they asked for is what their flows are called."""

from pathlib import Path
from typing import Any

import pytest

from tests.functional.replays import Replayed, replay, watching

INSIDE, SERVER = "192.0.2.10", "198.51.100.20"
FLOW_COLUMNS = ("application", "name", "name_source", "names", "ja4")
DNS_COLUMNS = ("transport", "qname", "qtype", "rcode", "answers", "min_ttl")

FLOWS: dict[str, list[tuple[Any, ...]]] = {
    "curl-tls": [
        ("tls", "tls.recorded.example", "tls_sni", ["tls.recorded.example"], "t13d0412h2_16476d049b0b_85302d7e289e"),
    ],
    "curl-tls12": [
        ("tls", "old.recorded.example", "tls_sni", ["old.recorded.example"], "t12d2807h2_d943125447b4_a44c6288192a"),
    ],
    "curl-http": [
        ("http", "one.recorded.example", "http_host", ["one.recorded.example", "two.recorded.example"], None),
    ],
    "aioquic": [
        ("quic", "quic.recorded.example", "quic_sni", ["quic.recorded.example"],
         "q13d0307h3_55b375c5d22e_1cecd519fee8"),
    ],
    "dig-udp": [("dns", "udp.recorded.example", "dns_query", ["udp.recorded.example"], None)],
    "dig-tcp": [
        ("dns", "tcp.recorded.example", "dns_query", ["tcp.recorded.example"], None),
        ("dns", "other.recorded.example", "dns_query", ["other.recorded.example"], None),
    ],
    "resolve-connect": [
        ("dns", "joined.recorded.example", "dns_query", ["joined.recorded.example"], None),
        (None, "joined.recorded.example", "dns_answer", None, None),
    ],
}  # fmt: skip
TRANSACTIONS: dict[str, list[tuple[Any, ...]]] = {
    "dig-udp": [("udp", "udp.recorded.example", "A", "NOERROR", [SERVER], 60)],
    "dig-tcp": [
        ("tcp", "tcp.recorded.example", "A", "NOERROR", [SERVER], 60),
        ("tcp", "other.recorded.example", "AAAA", "NOERROR", [], None),
    ],
    "resolve-connect": [("udp", "joined.recorded.example", "A", "NOERROR", [SERVER], 60)],
}


def recorded(own_captures: Path, name: str) -> Replayed:
    return replay(own_captures / f"recorded-{name}.pcap", plan=watching("192.0.2.0/24"))


def columns(rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.parametrize("name", FLOWS)
def test_flows(own_captures: Path, name: str) -> None:
    rows = sorted(recorded(own_captures, name).flows, key=lambda row: row["start_time"])
    assert columns(rows, FLOW_COLUMNS) == FLOWS[name]
    ends = ("inside_ip", "outside_ip", "initiator", "answered")
    assert set(columns(rows, ends)) == {(INSIDE, SERVER, "inside", True)}


@pytest.mark.parametrize("name", FLOWS)
def test_transactions(own_captures: Path, name: str) -> None:
    rows = recorded(own_captures, name).rows.of("dns")
    assert columns(rows, DNS_COLUMNS) == TRANSACTIONS.get(name, [])
    assert all(0 < row["latency_us"] < 1_000_000 for row in rows)


def test_every_recording_is_told_of(own_captures: Path) -> None:
    files = {path.stem.removeprefix("recorded-") for path in own_captures.glob("recorded-*.pcap")}
    assert files == set(FLOWS)
