"""A second opinion on a frame, by dpkt: which flow it belongs to, and how many bytes that packet has.

dpkt takes apart tags, labels, PPPoE, IP with its options and extension headers, GRE, and the transports. The headers
that it does not know are passed here, by their specifications alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

import dpkt

_UDP_TUNNELS = {1701: "l2tp", 2152: "gtp", 4789: "vxlan", 6081: "geneve"}
_TAGGED = {dpkt.ethernet.ETH_TYPE_8021Q, dpkt.ethernet.ETH_TYPE_8021AD}
_BRIDGED = 0x6558
_ERSPAN_HEADER_BYTES = {0x88BE: 8, 0x22EB: 12}
_PORTED = (dpkt.tcp.TCP, dpkt.udp.UDP, dpkt.sctp.SCTP)

Network = dpkt.ip.IP | dpkt.ip6.IP6


@dataclass(frozen=True, order=True)
class Seen:
    """The innermost packet of a frame: ends as address and port, the lower one first; ICMP has no ports."""

    protocol: int
    ends: tuple[tuple[str, int], tuple[str, int]]
    ip_bytes: int
    tunnel: str | None


def innermost(frame: bytes) -> Seen:
    """Take a frame apart down to the innermost IP packet."""
    network, tunnel = _of_ethernet(frame), None
    while (opened := _inside(network)) is not None:
        tunnel, network = opened
    carried = network.data
    ports = (carried.sport, carried.dport) if isinstance(carried, _PORTED) else (0, 0)
    source, destination = (str(ip_address(address)) for address in (network.src, network.dst))
    first, second = sorted([(source, ports[0]), (destination, ports[1])])
    return Seen(network.p, (first, second), _ip_bytes(network), tunnel)


def _of_ethernet(frame: bytes) -> Network:
    """Pass the link's header, tags and labels; dpkt's own frame knows neither labels behind tags nor options there."""
    kind, rest = int.from_bytes(frame[12:14]), frame[14:]
    while kind in _TAGGED:
        tag = dpkt.ethernet.VLANtag8021Q(rest)
        kind, rest = tag.type, rest[tag.__hdr_len__ :]
    if kind == dpkt.ethernet.ETH_TYPE_PPPoE:
        return _network(dpkt.pppoe.PPPoE(rest).data.data)
    while kind == dpkt.ethernet.ETH_TYPE_MPLS:
        label = dpkt.ethernet.MPLSlabel(rest)
        rest = rest[label.__hdr_len__ :]
        if label.s:
            break
    return _network(rest)


def _ip_bytes(network: Network) -> int:
    return network.len if isinstance(network, dpkt.ip.IP) else 40 + network.plen


def _inside(network: Network) -> tuple[str, Network] | None:
    protocol, carried = network.p, network.data
    if protocol == dpkt.ip.IP_PROTO_IPIP:
        return "ipip", _network(carried)
    if protocol == dpkt.ip.IP_PROTO_IP6:
        return ("6in4" if isinstance(network, dpkt.ip.IP) else "ipip"), _network(carried)
    if protocol == dpkt.ip.IP_PROTO_GRE:
        return _inside_gre(carried)
    if isinstance(carried, dpkt.udp.UDP) and carried.dport in _UDP_TUNNELS:
        word = _UDP_TUNNELS[carried.dport]
        return word, _OPENERS[word](bytes(carried.data))
    return None


def _network(data: object) -> Network:
    if isinstance(data, Network):
        return data
    octets = bytes(data)  # type: ignore[call-overload]
    return dpkt.ip.IP(octets) if octets[0] >> 4 == 4 else dpkt.ip6.IP6(octets)


def _inside_gre(carried: object) -> tuple[str, Network]:
    header = carried if isinstance(carried, dpkt.gre.GRE) else dpkt.gre.GRE(bytes(carried))  # type: ignore[call-overload]
    data = bytes(header.data)
    if header.p in _ERSPAN_HEADER_BYTES:
        return "erspan", _of_ethernet(data[_ERSPAN_HEADER_BYTES[header.p] :])
    return "gre", _of_ethernet(data) if header.p == _BRIDGED else _network(data)


def _vxlan(data: bytes) -> Network:
    return _of_ethernet(data[8:])


def _geneve(data: bytes) -> Network:
    behind = data[8 + (data[0] & 0x3F) * 4 :]
    if int.from_bytes(data[2:4]) == _BRIDGED:
        return _of_ethernet(behind)
    return _network(behind)


def _gtp(data: bytes) -> Network:
    return _network(data[12 if data[0] & 7 else 8 :])


def _l2tp(data: bytes) -> Network:
    # Flags, tunnel, session; then PPP with its address, control and protocol.
    return _network(data[6 + 4 :])


_OPENERS = {"vxlan": _vxlan, "geneve": _geneve, "gtp": _gtp, "l2tp": _l2tp}
