"""Which words of other classifiers mean the protocols that the sensor knows as well."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Protocol:
    """Our words for a protocol, and those of the others.

    `ndpi` and `arkime` say what a flow is; `frames` are what a dissector calls frames of a capture.
    """

    ours: frozenset[str]
    ndpi: frozenset[str] = field(default_factory=frozenset)
    arkime: frozenset[str] = field(default_factory=frozenset)
    frames: frozenset[str] = field(default_factory=frozenset)


def _protocol(ours: str, ndpi: str = "", arkime: str = "", frames: str = "") -> Protocol:
    return Protocol(*(frozenset(words.split()) for words in (ours, ndpi, arkime, frames)))


PROTOCOLS: dict[str, Protocol] = {
    "bitcoin": _protocol("bitcoin", "BITCOIN", frames="bitcoin"),
    "bittorrent": _protocol(
        "bittorrent bittorrent_dht bittorrent_tracker utp", "BitTorrent", "bittorrent",
        "bittorrent bt-dht bt-utp",
    ),
    "dhcp": _protocol("dhcp", "DHCP DHCPV6", "dhcp", "dhcp dhcpv6"),
    "dns": _protocol("dns", "DNS", "dns"),
    "dnscrypt": _protocol("dnscrypt", "DNScrypt"),
    "dtls": _protocol("dtls", "DTLS", "dtls", "dtls"),
    "esp": _protocol("esp", "", "esp", "esp udpencap"),
    "ethereum": _protocol("ethereum", "ETHEREUM"),
    "ftp": _protocol("ftp", "FTP_CONTROL", "ftp", "ftp"),
    "http": _protocol("http http2", "HTTP", "http"),
    "ike": _protocol("ikev1 ikev2", "IPSec", "isakmp", "isakmp"),
    "l2tp": _protocol("l2tp", frames="l2tp"),
    "ldap": _protocol("ldap", "LDAP", "ldap", "ldap cldap"),
    "llmnr": _protocol("llmnr", "LLMNR", "llmnr", "llmnr"),
    "mdns": _protocol("mdns", "MDNS", "mdns", "mdns"),
    "monero": _protocol("monero", "Monero", frames="monero"),
    "mqtt": _protocol("mqtt", "MQTT", "mqtt", "mqtt"),
    "netbios": _protocol("netbios", "NetBIOS", "", "nbns nbdgm"),
    "ntp": _protocol("ntp", "NTP", "ntp", "ntp"),
    "openvpn": _protocol("openvpn", "OpenVPN", "openvpn", "openvpn"),
    "pptp": _protocol("pptp", "PPTP", "", "pptp"),
    "quic": _protocol("quic doq", "QUIC", "quic", "quic gquic"),
    "rdp": _protocol("rdp", "RDP", "rdp", "rdp"),
    "rtp": _protocol("rtp", "RTP", "rtp", "rtp"),
    "sip": _protocol("sip", "SIP", "sip", "sip"),
    "smb": _protocol("smb", "SMBv1 SMBv23", "smb", "smb smb2"),
    "smtp": _protocol("smtp", "SMTP", "smtp", "smtp"),
    "snmp": _protocol("snmp", "SNMP", "snmp", "snmp"),
    "socks": _protocol("socks", "SOCKS", "socks", "socks"),
    "softether": _protocol("softether", "Softether"),
    "ssdp": _protocol("ssdp", "SSDP", "ssdp", "ssdp"),
    "ssh": _protocol("ssh", "SSH", "ssh", "ssh"),
    "stratum": _protocol("stratum getwork", "Mining"),
    "stun": _protocol("stun", "STUN", "stun", "stun classicstun"),
    "teamviewer": _protocol("teamviewer", "TeamViewer"),
    "telegram": _protocol("telegram", "Telegram"),
    "tls": _protocol("tls dot doh", "TLS DoH_DoT", "tls"),
    "tor": _protocol("tor", "Tor", "tor", "tor"),
    "vnc": _protocol("vnc", "VNC", "vnc", "vnc"),
    "wireguard": _protocol("wireguard", "WireGuard", "wireguard", "wg"),
}  # fmt: skip
