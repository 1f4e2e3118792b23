"""What rows and the ground truth call the outside ends, kind by kind."""

from collections import defaultdict
from typing import Any

from tests.functional.replays import Replayed
from tests.functional.truth import TCP, UDP

Names = dict[str, set[str]]
"""Names by kind."""

TRUTH_KEYS = {
    "tls": ("sni_tcp",),
    "dtls": ("sni_dtls",),
    "quic": ("sni_quic", "sni_gquic"),
    "http": ("http_hosts", "http2_authorities"),
    "dns": ("dns_qnames_udp53", "dns_qnames_tcp53", "dns_qnames_other_ports"),
    "mdns": ("dns_qnames_mdns",),
    "llmnr": ("dns_qnames_llmnr",),
    "ja4": ("ja4",),
}
"""Kinds, and where the truth has their names."""

FLOW_KINDS = {
    (TCP, "tls_sni"): "tls",
    (UDP, "tls_sni"): "dtls",
    (UDP, "quic_sni"): "quic",
    (TCP, "http_host"): "http",
}
DNS_KINDS = {"udp": "dns", "tcp": "dns", "mdns": "mdns", "llmnr": "llmnr"}


def normal(name: str) -> str:
    """A name of the truth as rows have it: lower case, without user, port and trailing dot."""
    if name == "<Root>":
        return "."
    name = name.rpartition("@")[2]
    if name.startswith("["):
        return name[1 : name.index("]")].lower()
    host, _, port = name.partition(":")
    return (name if ":" in port else host).rstrip(".").lower()


def names_of_truth(truth: dict[str, Any]) -> Names:
    """Names of a capture's truth by kind."""
    return {
        kind: {normal(name) for key in keys for name in truth.get(key, [])} - {""}
        for kind, keys in TRUTH_KEYS.items()
    }


def names_of(replayed: Replayed) -> Names:
    """Names of the rows by kind: those that flows carried themselves, and those asked for."""
    names: Names = defaultdict(set)
    for row in replayed.flows:
        if row["ja4"] is not None:
            names["ja4"].add(row["ja4"])
        kind = FLOW_KINDS.get((row["protocol"], row["name_source"]))
        if kind is not None:
            names[kind].update(row["names"])
    for row in replayed.rows.of("dns"):
        if row["latency_us"] is not None or row["rcode"] is None:
            names[DNS_KINDS[row["transport"]]].add(row["qname"])
    return {kind: names[kind] for kind in TRUTH_KEYS}


def differences(truth: Names, here: Names) -> list[str]:
    """One line for each name that only one of the two has, and what kind it is."""
    return [
        *(f"{kind} missed {name}" for kind in TRUTH_KEYS for name in sorted(truth[kind] - here[kind])),
        *(f"{kind} found {name}" for kind in TRUTH_KEYS for name in sorted(here[kind] - truth[kind])),
    ]


def hellos_of(truth: dict[str, Any]) -> list[dict[str, Any]]:
    """Client hellos of the truth that travelled by themselves, not inside another protocol."""
    hellos = truth.get("events", {}).get("client_hellos", [])
    return [hello for hello in hellos if hello["via"] in {"tcp", "quic"}]
