"""Real clients, and what each of them asks for."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.servers import (
    DOMAIN,
    SMALL_SERVERS,
    Authority,
    make_authority,
    serve_names,
    serve_pages,
    serve_quic,
)
from tests.live.tap import SERVER, Tap
from tests.live.tunnels import through_openvpn, through_wireguard

Name = tuple[str, str | None]
"""What a flow is called, and by what; ``dns_query`` and so on."""


@dataclass(frozen=True)
class Stage:
    """Where clients act: the tap, the certificates, and a folder for what they leave."""

    tap: Tap
    made: Authority
    folder: Path


@dataclass(frozen=True)
class Client:
    """One client: what it needs, what it does, and what the sensor is to say of it.

    ``names`` has one entry a flow, except for a browser, which opens as many connections as it likes: it has
    ``at_least`` one of each. Tunnels come before what asks for names: a name that was asked for is also what a
    later flow to its address is called.
    """

    needs: tuple[str, ...]
    act: Callable[[Stage], object]
    application: str
    names: tuple[str | None, ...]
    name_source: str | None
    at_least: bool = False

    def missing(self) -> list[str]:
        """Programs and packages that are not here."""
        return [need for need in self.needs if not (shutil.which(need) or importlib.util.find_spec(need))]


def full(name: str) -> str:
    """A name of the domain."""
    return f"{name}.{DOMAIN}"


def _curl(stage: Stage) -> None:
    for name in ("curl-one", "curl-two"):
        stage.tap.client.run(
            "curl", "--silent", "--show-error", "--fail", "--max-time", "20", "--cacert", stage.made.authority,
            "--resolve", f"{full(name)}:443:{SERVER}", f"https://{full(name)}/",
        )  # fmt: skip


def _openssl(stage: Stage) -> None:
    stage.tap.client.run(
        "openssl", "s_client", "-connect", f"{SERVER}:443", "-servername", full("openssl"), "-verify_return_error",
        "-verify_hostname", full("openssl"), "-CAfile", stage.made.authority, "-quiet",
        input=f"GET / HTTP/1.1\r\nHost: {full('openssl')}\r\nConnection: close\r\n\r\n",
    )  # fmt: skip


def _quic(stage: Stage) -> None:
    stage.tap.client.run(sys.executable, SMALL_SERVERS, "quic-client", SERVER, "443", full("quic"))


def _dig(stage: Stage, *words: str) -> None:
    asked = stage.tap.client.run("dig", "+tries=1", "+time=10", "+short", *words, f"@{SERVER}")
    assert asked.stdout.split() == [SERVER]


def _chromium(stage: Stage) -> None:
    shown = stage.tap.client.run(
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        "--disable-default-apps", "--disable-features=OptimizationHints,MediaRouter,Translate",
        "--ignore-certificate-errors", "--no-pings", f"--user-data-dir={stage.folder / 'chromium'}",
        f"--host-resolver-rules=MAP *.{DOMAIN} {SERVER}, MAP * ~NOTFOUND, EXCLUDE {SERVER}",
        "--timeout=20000", "--dump-dom", f"https://{full('page')}/", timeout=90,
    )  # fmt: skip
    assert "the page is whole" in shown.stdout, shown.stderr


CLIENTS = {
    "openvpn-udp": Client(
        ("openvpn", "curl"), lambda stage: through_openvpn(stage.tap, stage.made, stage.folder, "udp"),
        "openvpn", (None,), None,
    ),
    "openvpn-tcp": Client(
        ("openvpn", "curl"), lambda stage: through_openvpn(stage.tap, stage.made, stage.folder, "tcp"),
        "openvpn", (None,), None,
    ),
    "wireguard": Client(
        ("wireguard-go", "wg", "curl"), lambda stage: through_wireguard(stage.tap, stage.folder),
        "wireguard", (None,), None,
    ),
    "curl-tls": Client(("curl",), _curl, "tls", (full("curl-one"), full("curl-two")), "tls_sni"),
    "openssl-tls": Client(("openssl",), _openssl, "tls", (full("openssl"),), "tls_sni"),
    "aioquic": Client(("aioquic",), _quic, "quic", (full("quic"),), "quic_sni"),
    "dig-udp": Client(
        ("dig", "dnsmasq"), lambda stage: _dig(stage, full("dig-udp")), "dns", (full("dig-udp"),), "dns_query"
    ),
    "dig-tcp": Client(
        ("dig", "dnsmasq"), lambda stage: _dig(stage, "+tcp", full("dig-tcp")), "dns", (full("dig-tcp"),), "dns_query"
    ),
    "chromium": Client(
        ("chromium",), _chromium, "tls", (full("page"), full("images"), full("scripts")), "tls_sni", at_least=True
    ),
}  # fmt: skip


@contextmanager
def stage(tap: Tap, folder: Path) -> Iterator[Stage]:
    """Start the servers that are here; the clients of those that are not say so."""
    made = make_authority(folder)
    serve_pages(tap.server, made)
    if shutil.which("dnsmasq"):
        serve_names(tap.server)
    if importlib.util.find_spec("aioquic"):
        serve_quic(tap.server, made)
    yield Stage(tap, made, folder)
