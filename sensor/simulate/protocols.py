"""The applications that traffic can be of: what the sensor calls them, and where they run."""

from dataclasses import dataclass

TCP, UDP = 6, 17


@dataclass(frozen=True)
class Protocol:
    """Transport and port of an application; ``name_source`` is what carries names, if anything does."""

    transport: int
    port: int
    name_source: str | None = None


PROTOCOLS: dict[str, Protocol] = {
    "tls": Protocol(TCP, 443, "tls_sni"),
    "http": Protocol(TCP, 80, "http_host"),
    "bitcoin": Protocol(TCP, 8333),
    "bittorrent": Protocol(TCP, 6881),
    "stratum": Protocol(TCP, 3333),
    "ssh": Protocol(TCP, 22),
    "openvpn": Protocol(UDP, 1194),
    "wireguard": Protocol(UDP, 51820),
    "ikev2": Protocol(UDP, 500),
    "unknown": Protocol(TCP, 7777),
}
"""``unknown`` is traffic that the sensor does not recognise."""

DNS = Protocol(UDP, 53, "dns_query")
