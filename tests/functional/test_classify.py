"""The sensor and other classifiers agree on the real captures but for what ``classify_differences.toml`` argues."""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.bench.classify_report import Agreement, Case, Table, compare_captures, compare_flows, lines
from tests.functional.replays import replay_once
from tests.functional.truth import captures_of

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


# Flows of the protocols whose name says something about who speaks them. Every one of these captures was recorded for
# that protocol, or has it by another classifier; no flow of any other capture may be called so.
TELLING = {
    "arkime--bt-tcp.pcap": {"bittorrent": 1},
    "dpkt--nb6-http.pcap": {"l2tp": 1},
    "libpcap--geneve.pcap": {"ssh": 1},
    "mercury--dns_packet.capture2.pcap": {"pptp": 1, "bittorrent_dht": 5},
    "mercury--geneve.pcap": {"ssh": 1},
    "ndpi--bitcoin-public.pcap": {"bitcoin": 3},
    "ndpi--ethereum.pcap": {"ethereum": 71},
    "ndpi--monero.pcap": {"monero": 4},
    "ndpi--openvpn.pcapng": {"openvpn": 10},
    "ndpi--openvpn_nohmac.pcapng": {"openvpn": 1},
    "ndpi--openvpn_obfuscated.pcapng": {"openvpn": 1},
    "ndpi--protonvpn.pcapng": {"wireguard": 1},
    "ndpi--softether.pcapng": {"softether": 6},
    "ndpi--teamviewer.pcap": {"teamviewer": 1},
    "ndpi--telegram.pcap": {"telegram": 12},
    "ndpi--tunnelbear.pcapng": {"wireguard": 1},
    "pcpp--WireGuard.pcapng": {"wireguard": 1},
    "scapy--ikev2_notify_redirect.pcap": {"ikev2": 2},
    "sv--tls-bypass-missing-event-tor_bl.pcap": {"tor": 2},
    "tcpdump--ipoib.pcap": {"ssh": 1},
    "zeek--gre-sample.pcap": {"ssh": 1},
    "zeek-cryptomining--bitcoin-mining-in-progress.pcap": {"stratum": 1},
    "zeek-cryptomining--bitcoin-mining.pcap": {"getwork": 5, "stratum": 3},
    "zeek-cryptomining--coinhive-stratum.pcap": {"stratum": 3},
    "zeek-spicy-openvpn--openvpn_tcp_nontlsauth.pcapng": {"openvpn": 1},
    "zeek-spicy-openvpn--openvpn_udp_hmac_256.pcap": {"openvpn": 1},
    "zeek-spicy-openvpn--openvpn_udp_tls-auth.pcap": {"openvpn": 2},
}
WORDS = {
    "bitcoin", "bittorrent", "bittorrent_dht", "bittorrent_tracker", "ethereum", "getwork", "ikev1", "ikev2", "l2tp",
    "monero", "openvpn", "pptp", "rdp", "softether", "ssh", "sstp", "steam", "stratum", "teamviewer", "telegram",
    "telnet", "tor", "utp", "vnc", "wireguard",
}  # fmt: skip


def test_telling_words_stand_where_they_belong(shared_captures: Path) -> None:
    found = {}
    for capture in sorted(captures_of(shared_captures)):
        words = {row["flow_id"]: row["application"] for row in replay_once(shared_captures / capture).flows}
        counts = Counter(word for word in words.values() if word in WORDS)
        if counts:
            found[capture] = dict(counts)
    assert found == TELLING
