"""Small servers and clients for `record.sh`, each a subcommand; `quic` and `quic-client` need aioquic."""

import asyncio
import ctypes
import fcntl
import socket
import struct
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

TTL_S = 60
QTYPE_A = 1


def turn_offloads_off(interface: str) -> None:
    """Make the kernel send segments that fit the wire, with their checksums."""
    ioctl_ethtool = 0x8946
    set_checksums, set_segmentation, set_generic = 0x00000017, 0x0000001F, 0x00000024
    with socket.socket() as any_socket:
        for command in (set_generic, set_segmentation, set_checksums):
            value = bytearray(struct.pack("II", command, 0))
            buffer = (ctypes.c_char * len(value)).from_buffer(value)
            request = struct.pack("16sP", interface.encode(), ctypes.addressof(buffer))
            fcntl.ioctl(any_socket, ioctl_ethtool, request)


class Pages(BaseHTTPRequestHandler):
    """Answers every request and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"{self.headers['Host']}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def dns_answer(query: bytes, address: str) -> bytes:
    """The answer to a query: the address for A, nothing for other types."""
    end = query.index(b"\0", 12) + 5
    question, qtype = query[12:end], struct.unpack_from("!H", query, end - 4)[0]
    found = qtype == QTYPE_A
    record = struct.pack("!HHHIH", 0xC00C, QTYPE_A, 1, TTL_S, 4) + socket.inet_aton(address)
    header = query[:2] + struct.pack("!HHHHH", 0x8580, 1, int(found), 0, 0)
    return header + question + (record if found else b"")


def serve_dns(port: int, address: str) -> None:
    """Answer over UDP and TCP."""
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("", port))
    listener = socket.create_server(("", port))

    def over_tcp() -> None:
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb") as stream:
                while length := stream.read(2):
                    answer = dns_answer(stream.read(int.from_bytes(length)), address)
                    stream.write(len(answer).to_bytes(2) + answer)
                    stream.flush()

    Thread(target=over_tcp, daemon=True).start()
    while True:
        query, sender = datagrams.recvfrom(4096)
        datagrams.sendto(dns_answer(query, address), sender)


def serve_quic(port: int, certificate: str, key: str) -> None:
    """Accept QUIC connections that speak HTTP/3's name."""
    from aioquic.asyncio import serve
    from aioquic.quic.configuration import QuicConfiguration

    configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    configuration.load_cert_chain(certificate, key)

    async def forever() -> None:
        await serve("0.0.0.0", port, configuration=configuration)
        await asyncio.Event().wait()

    asyncio.run(forever())


def ask_quic(address: str, port: int, name: str) -> None:
    """Shake hands over QUIC version 1, asking for a name."""
    import ssl

    from aioquic.asyncio import connect
    from aioquic.quic.configuration import QuicConfiguration

    configuration = QuicConfiguration(alpn_protocols=["h3"], server_name=name, verify_mode=ssl.CERT_NONE)

    async def once() -> None:
        async with connect(address, port, configuration=configuration) as connection:
            await connection.ping()

    asyncio.run(once())


def resolve_and_connect(address: str, name: str) -> None:
    """Ask for a name over UDP, then open a connection to the answer that names nothing itself."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.sendto(struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1", (address, 53))
        answer = asking.recv(512)
    with socket.create_connection((socket.inet_ntoa(answer[-4:]), 80)) as connection:
        connection.sendall(b"\0" * 8)


def main() -> None:
    """Run the subcommand."""
    command, *rest = sys.argv[1:]
    if command == "offloads":
        turn_offloads_off(rest[0])
    elif command == "http":
        HTTPServer(("", int(rest[0])), Pages).serve_forever()
    elif command == "dns":
        serve_dns(int(rest[0]), rest[1])
    elif command == "quic":
        serve_quic(int(rest[0]), rest[1], rest[2])
    elif command == "quic-client":
        ask_quic(rest[0], int(rest[1]), rest[2])
    elif command == "resolve-connect":
        resolve_and_connect(rest[0], rest[1])


if __name__ == "__main__":
    main()
