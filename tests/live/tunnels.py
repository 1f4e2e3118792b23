"""OpenVPN and WireGuard over the tap: a tunnel is opened, a page is fetched through it, the tunnel is closed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.live.namespaces import Namespace, stop, wait_for
from tests.live.servers import Authority, wait_for_port
from tests.live.tap import SERVER, Tap

OPENVPN_PORT = 1194
WIREGUARD_PORT = 51820
OPENVPN_CLIENT, OPENVPN_SERVER = "10.8.0.2", "10.8.0.1"
WIREGUARD_CLIENT, WIREGUARD_SERVER = "10.9.0.2", "10.9.0.1"
OPENED = "Initialization Sequence Completed"


def through_openvpn(tap: Tap, made: Authority, folder: Path, transport: Literal["udp", "tcp"]) -> None:
    """TLS on both sides with the test's certificate."""
    common = (
        "--dev", "tun", "--ca", made.authority, "--cert", made.certificate, "--key", made.key, "--cipher",
        "AES-256-GCM", "--data-ciphers", "AES-256-GCM", "--port", str(OPENVPN_PORT), "--verb", "3",
    )  # fmt: skip
    served, asked = (f"{transport}-server", f"{transport}-client") if transport == "tcp" else ("udp", "udp")
    server_log, client_log = (folder / f"openvpn-{transport}-{end}.log" for end in ("server", "client"))
    server = ("--proto", served, "--tls-server", "--dh", "none", "--ifconfig", OPENVPN_SERVER, OPENVPN_CLIENT)
    client = ("--proto", asked, "--tls-client", "--nobind", "--remote", SERVER,
              "--ifconfig", OPENVPN_CLIENT, OPENVPN_SERVER)  # fmt: skip
    with _openvpn(tap.server, server_log, *common, *server):
        wait_for_port(tap.server, transport, OPENVPN_PORT)
        with _openvpn(tap.client, client_log, *common, *client):
            for log in (server_log, client_log):
                wait_for(f"{log} says that the tunnel is open", lambda log=log: OPENED in log.read_text())
            fetch(tap.client, OPENVPN_SERVER)


def through_wireguard(tap: Tap, folder: Path) -> None:
    """Debian's wireguard-go at both ends: no kernel module is needed."""
    keys = {end: _wireguard_key(folder / f"{end}.key") for end in ("client", "server")}
    client = (tap.client, "wgc", WIREGUARD_CLIENT, keys["client"])
    server = (tap.server, "wgs", WIREGUARD_SERVER, keys["server"])
    with _wireguard(*server) as at_server, _wireguard(*client) as at_client:
        tap.server.run(
            "wg", "set", at_server, "listen-port", str(WIREGUARD_PORT),
            "peer", _public(keys["client"]), "allowed-ips", f"{WIREGUARD_CLIENT}/32",
        )  # fmt: skip
        tap.client.run(
            "wg", "set", at_client, "peer", _public(keys["server"]),
            "endpoint", f"{SERVER}:{WIREGUARD_PORT}", "allowed-ips", f"{WIREGUARD_SERVER}/32",
        )  # fmt: skip
        fetch(tap.client, WIREGUARD_SERVER)


def fetch(client: Namespace, address: str) -> None:
    """A small page over plain HTTP."""
    client.run(
        "curl", "--silent", "--show-error", "--fail", "--max-time", "20", f"http://{address}/script.js"
    )


@contextmanager
def _openvpn(namespace: Namespace, log: Path, *words: str | Path) -> Iterator[None]:
    with log.open("wb") as file:
        running = namespace.start("openvpn", *words, stdout=file, stderr=file)
    try:
        yield
    finally:
        stop(running)


@contextmanager
def _wireguard(namespace: Namespace, word: str, address: str, key: Path) -> Iterator[str]:
    # Its sockets lie in one folder of the machine, by the interface's name.
    name = f"{word}{namespace.name.split('-', 2)[2]}"[:15]
    running = namespace.start("wireguard-go", "--foreground", name)
    control = Path("/run/wireguard") / f"{name}.sock"
    try:
        wait_for("wireguard-go runs", control.exists)
        namespace.ip("address", "add", f"{address}/24", "dev", name)
        namespace.run("wg", "set", name, "private-key", key)
        namespace.ip("link", "set", name, "up")
        yield name
    finally:
        stop(running)
        control.unlink(missing_ok=True)


def _wireguard_key(path: Path) -> Path:
    path.touch(mode=0o600)
    path.write_text(subprocess.run(["wg", "genkey"], check=True, capture_output=True, text=True).stdout)
    return path


def _public(key: Path) -> str:
    made = subprocess.run(["wg", "pubkey"], input=key.read_text(), check=True, capture_output=True, text=True)
    return made.stdout.strip()
