"""What the prefilter has to say of a frame, written from the description and without sharing its code."""

import struct
from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from sensor.rules import Plan

TAGS = {0x8100, 0x88A8, 0x9100, 0x9200, 0x9300}
PORTS = {
    1701: "l2tp", 2152: "gtp", 3544: "teredo", 4789: "vxlan", 8472: "vxlan", 4790: "vxlan-gpe", 6081: "geneve",
}  # fmt: skip
EXTENSIONS = {0, 43, 44, 51, 60, 135, 139, 140}


def networks(plan: Plan) -> list[IPv4Network | IPv6Network]:
    """The prefixes of a plan, of every date."""
    found: list[IPv4Network | IPv6Network] = []
    for number, length in enumerate(plan.lengths):
        packed = plan.addresses[number * 16 : number * 16 + 16]
        if length >= 96 and packed[:12] == bytes(10) + b"\xff\xff":
            found.append(ip_network((packed[12:], length - 96)))
        else:
            found.append(ip_network((packed, length)))
    return found


class Oracle:
    """Judges Ethernet frames by a plan and the tunnels that are opened."""

    def __init__(self, plan: Plan, tunnels: Collection[str]) -> None:
        self.networks = networks(plan)
        self.tunnels = set(tunnels)

    def passes(self, frame: bytes, most_tags: int = 2) -> bool:
        try:
            return self._passes(frame, most_tags)
        except (IndexError, struct.error):
            return True  # cut short

    def _passes(self, frame: bytes, most_tags: int) -> bool:
        (kind,) = struct.unpack_from(">H", frame, 12)
        place = 14
        for _ in range(most_tags):
            if kind in TAGS:
                (kind,) = struct.unpack_from(">H", frame, place + 2)
                place += 4
        if kind == 0x0800:
            return self._ip4(frame[place:])
        if kind == 0x86DD:
            return self._ip6(frame[place:])
        return True

    def watched(self, address: bytes) -> bool:
        one = ip_address(address)
        return any(one in network for network in self.networks)

    def _ip4(self, packet: bytes) -> bool:
        packet[19]
        words = packet[0] & 15
        if packet[0] >> 4 != 4 or words < 5 or self.watched(packet[12:16]) or self.watched(packet[16:20]):
            return True
        later = (packet[6] << 8 | packet[7]) & 0x1FFF != 0
        if later or not self.tunnels:
            return False
        opened = {4: {"ipip"}, 41: {"6in4"}, 47: {"gre", "erspan"}, 51: self.tunnels}
        if opened.get(packet[9], set()) & self.tunnels:
            return True
        return packet[9] == 17 and self._ports(packet[words * 4 :])

    def _ip6(self, packet: bytes) -> bool:
        packet[39]
        if packet[0] >> 4 != 6 or self.watched(packet[8:24]) or self.watched(packet[24:40]):
            return True
        if not self.tunnels:
            return False
        opened = {4: {"ipip"}, 41: {"ipip"}, 47: {"gre", "erspan"}}
        if packet[6] in EXTENSIONS or opened.get(packet[6], set()) & self.tunnels:
            return True
        return packet[6] == 17 and self._ports(packet[40:])

    def _ports(self, datagram: bytes) -> bool:
        known = {port for port, word in PORTS.items() if word in self.tunnels}
        return bool(known) and not known.isdisjoint(struct.unpack_from(">HH", datagram))
