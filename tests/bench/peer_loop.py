"""What a short Python program takes to count packets per flow: ``peer_loop.py dpkt|scapy|nfstream CAPTURE``."""

import sys
from collections import Counter
from pathlib import Path


def with_dpkt(capture: str) -> int:
    """Flows by dpkt."""
    import dpkt

    flows: Counter[tuple[bytes, bytes, int, int, int]] = Counter()
    with Path(capture).open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            try:
                packet = dpkt.ethernet.Ethernet(frame).data
            except dpkt.UnpackError:
                continue
            segment = getattr(packet, "data", None)
            if isinstance(segment, (dpkt.tcp.TCP, dpkt.udp.UDP)):
                flows[packet.src, packet.dst, segment.sport, segment.dport, packet.p] += 1
    return len(flows)


def with_scapy(capture: str) -> int:
    """Flows by scapy."""
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.utils import PcapReader

    flows: Counter[tuple[str, str, int, int, int]] = Counter()
    with PcapReader(capture) as packets:
        for packet in packets:
            segment = packet.getlayer(TCP) or packet.getlayer(UDP)
            if IP in packet and segment is not None:
                flows[packet[IP].src, packet[IP].dst, segment.sport, segment.dport, packet[IP].proto] += 1
    return len(flows)


def with_nfstream(capture: str) -> int:
    """Flows by nfstream, 20 packets of each dissected, in one worker."""
    from nfstream import NFStreamer

    return sum(1 for _ in NFStreamer(source=capture, n_dissections=20, n_meters=1))


if __name__ == "__main__":
    print({"dpkt": with_dpkt, "scapy": with_scapy, "nfstream": with_nfstream}[sys.argv[1]](sys.argv[2]))
