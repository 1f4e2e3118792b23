"""Real servers at the server's end of the tap: HTTPS, DNS, QUIC, OpenVPN, WireGuard."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.live.namespaces import Namespace, wait_for
from tests.live.tap import SERVER

ROOT = Path(__file__).resolve().parents[2]
SMALL_SERVERS = ROOT / "tests" / "golden" / "record_servers.py"
DOMAIN = "recorded.example"
PAGE = f"""<!doctype html><title>page</title><link rel=icon href="data:,">
<img src="https://images.{DOMAIN}/image.svg"><script src="https://scripts.{DOMAIN}/script.js"></script>
"""
ANSWERS = {
    "/": ("text/html", PAGE),
    "/image.svg": ("image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    "/script.js": ("text/javascript", "document.body.append('the page is whole')"),
}


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test's own, and a certificate that it signed for all names of the domain."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"


def make_authority(folder: Path) -> Authority:
    """Make both by OpenSSL."""
    made = Authority(folder)
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
    authority_key = folder / "authority-key.pem"
    _openssl(
        "req", "-x509", *new_key, "-subj", "/CN=Test authority", "-addext", "basicConstraints=critical,CA:TRUE",
        "-addext", "keyUsage=critical,keyCertSign", "-keyout", authority_key, "-out", made.authority,
    )  # fmt: skip
    _openssl(
        "req", "-x509", *new_key, "-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN},DNS:*.{DOMAIN}",
        "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth,clientAuth",
        "-CA", made.authority, "-CAkey", authority_key, "-keyout", made.key, "-out", made.certificate,
    )  # fmt: skip
    return made


def serve_pages(server: Namespace, made: Authority) -> None:
    """HTTPS at port 443 and HTTP at port 80, at every address of the server's."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for port, files in ((443, (made.certificate, made.key)), (80, ())):
        server.start(sys.executable, "-m", "tests.live.servers", str(port), *files, env=environment, cwd=ROOT)
        wait_for_port(server, "tcp", port)


def serve_names(server: Namespace) -> None:
    """dnsmasq, which answers every name of the domain with the server's address."""
    server.start(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
        "--pid-file", f"--listen-address={SERVER}", "--bind-interfaces", f"--address=/{DOMAIN}/{SERVER}",
        "--local-ttl=60",
    )  # fmt: skip
    wait_for_port(server, "udp", 53)


def serve_quic(server: Namespace, made: Authority) -> None:
    """QUIC by aioquic at port 443."""
    server.start(sys.executable, SMALL_SERVERS, "quic", "443", made.certificate, made.key)
    wait_for_port(server, "udp", 443)


def wait_for_port(server: Namespace, kind: str, port: int) -> None:
    """Wait until a socket is open at a port; ``kind`` is ``tcp`` or ``udp``."""
    table = Path("/proc/thread-self/net", kind)
    wanted = f":{port:04X}"

    def listens() -> bool:
        with server.entered():
            lines = table.read_text().splitlines()[1:]
        return any(line.split()[1].endswith(wanted) for line in lines)

    wait_for(f"{kind} port {port} is open", listens)


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class _Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self) -> None:
        kind, text = ANSWERS.get(self.path, ("text/plain", "nothing of that name"))
        self.send_response(200 if self.path in ANSWERS else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def finish(self) -> None:
        super().finish()
        if isinstance(self.connection, ssl.SSLSocket):
            # OpenSSL takes an end without a farewell for an attack.
            with suppress(OSError):
                self.connection.unwrap()

    def log_request(self, code: object = None, size: object = None) -> None:
        pass


def _main(port: str, certificate: str = "", key: str = "") -> None:
    server = ThreadingHTTPServer(("", int(port)), _Pages)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # The handshake is the handler's, so that one slow client keeps no other waiting.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    _main(*sys.argv[1:])
