"""Real clients, recorded by ``record.sh`` and ``tests/live/record.py``: flows are called what they asked for."""

from pathlib import Path
from typing import Any

import pytest

from tests.functional.replays import Replayed, replay, watching

INSIDE, SERVER = "192.0.2.10", "198.51.100.20"
FLOW_COLUMNS = ("application", "name", "name_source", "names", "ja4")
DNS_COLUMNS = ("transport", "qname", "qtype", "rcode", "answers", "min_ttl")
CHROMIUM_JA4 = "t13d1517h2_8daaf6152771_cb7bf5808d99"
CHROMIUM_AGAIN_JA4 = "t13d1518h2_8daaf6152771_e2d80978ab2e"
"""Of a session that goes on with what an earlier one agreed on: the hello has one extension more."""

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
    "openssl-tls": [
        ("tls", "openssl.recorded.example", "tls_sni", ["openssl.recorded.example"],
         "t13d311000_e8f1e7e78f70_1f22a2ca17c4"),
    ],
    "chromium": [
        ("tls", f"{name}.recorded.example", "tls_sni", [f"{name}.recorded.example"], ja4)
        for name, ja4 in (
            ("page", CHROMIUM_JA4), ("page", CHROMIUM_AGAIN_JA4), ("images", CHROMIUM_JA4), ("scripts", CHROMIUM_JA4),
        )
    ],
    "openvpn-udp": [("openvpn", None, None, None, None)],
    "openvpn-tcp": [("openvpn", None, None, None, None)],
    "wireguard": [("wireguard", None, None, None, None)],
}  # fmt: skip
COUNTS: dict[str, list[tuple[int, ...]]] = {
    "openssl-tls": [(11, 7, 1105, 2117)],
    "chromium": [(13, 9, 3418, 2221), (9, 6, 2808, 840), (11, 8, 3184, 2051), (11, 8, 3148, 2032)],
    "openvpn-udp": [(14, 10, 2944, 2825)],
    "openvpn-tcp": [(19, 19, 3505, 3490)],
    "wireguard": [(8, 6, 1124, 916)],
}
"""Packets and bytes, out and in, as tcpdump's recording has them."""

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


@pytest.mark.parametrize("name", COUNTS)
def test_counts(own_captures: Path, name: str) -> None:
    rows = sorted(recorded(own_captures, name).flows, key=lambda row: row["start_time"])
    assert columns(rows, ("packets_out", "packets_in", "bytes_out", "bytes_in")) == COUNTS[name]


@pytest.mark.parametrize("name", FLOWS)
def test_transactions(own_captures: Path, name: str) -> None:
    rows = recorded(own_captures, name).rows.of("dns")
    assert columns(rows, DNS_COLUMNS) == TRANSACTIONS.get(name, [])
    assert all(0 < row["latency_us"] < 1_000_000 for row in rows)


def test_every_recording_is_told_of(own_captures: Path) -> None:
    files = {path.stem.removeprefix("recorded-") for path in own_captures.glob("recorded-*.pcap")}
    assert files == set(FLOWS)
