"""Over HTTP: formats, refusals, TLS, passwords, and clients that mean no good."""

import base64
import gzip
import hashlib
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sensor.config import MetricsSettings
from sensor.errors import ConfigError
from sensor.metrics import MetricsServer, build_registry, exposure
from sensor.metrics import server as server_module
from tests.unit.metrics.fakes import FakeSource, large_snapshot

Start = Callable[..., MetricsServer]


def password_hash(password: str) -> str:
    salt = os.urandom(16)
    made = hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1)
    return f"scrypt$1024$8$1${salt.hex()}${made.hex()}"


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[MetricsServer] = []

    def begin(
        reason: str | None = None, source: FakeSource | None = None, **settings: object
    ) -> MetricsServer:
        all_settings = MetricsSettings.model_validate({"listen": "127.0.0.1:0", **settings})
        registry = build_registry(source or FakeSource(), all_settings.top_flows)
        server = MetricsServer(all_settings, registry, lambda: reason)
        server.start()
        started.append(server)
        return server

    yield begin
    for server in started:
        server.stop()


def get(
    server: MetricsServer, path: str = "/metrics", method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
    response = connection.getresponse()
    answer = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return answer


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_formats(start: Start) -> None:
    server = start()
    status, headers, body = get(server)
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    assert b"blocktap_active_flows 5.0" in body
    accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    status, headers, body = get(server, Accept=accept, Accept_Encoding="gzip")
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert gzip.decompress(body).endswith(b"# EOF\n")


def test_paths_and_methods(start: Start) -> None:
    server = start()
    assert get(server, "/-/healthy")[0] == 200
    assert get(server, "/-/ready")[::2] == (200, b"ready\n")
    assert get(server, "/metrics?x=1")[0] == 200
    for path in ("/", "/metrics/", "/../metrics", "//metrics"):
        assert get(server, path)[0] == 404
    assert get(server, method="POST")[0] == 405
    status, headers, body = get(server, method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


def test_not_ready_says_why(start: Start) -> None:
    assert get(start("the interface is down"), "/-/ready")[::2] == (
        503,
        b"not ready: the interface is down\n",
    )


def test_asking_often_costs_one_scrape(start: Start) -> None:
    source = FakeSource()
    server = start(source=source)
    began = time.monotonic()
    for _ in range(10):
        assert get(server)[0] == 200
    assert source.asked <= 1 + (time.monotonic() - began)


def test_password(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start(basic_auth_user="prometheus", basic_auth_hash=password_hash("right: ü"))
    status, headers, _ = get(server)
    assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="blocktap"')
    for wrong in (
        basic("prometheus", "wrong"), basic("other", "right: ü"), "Basic", "Basic !", "Bearer x",
        "Basic " + base64.b64encode(b"prometheus").decode(), "Basic " + "A" * 2000,
    ):  # fmt: skip
        assert get(server, Authorization=wrong)[0] == 401
    right = basic("prometheus", "right: ü")
    assert get(server, Authorization=right)[0] == 200
    monkeypatch.setattr("sensor.metrics.password.matches", lambda *_: pytest.fail("checked again"))
    assert get(server, Authorization=right)[0] == 200
    # Health is for anyone: it says nothing of the traffic.
    assert get(server, "/-/healthy")[0] == 200


def talk(server: MetricsServer, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/2.0\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nA : b\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.0\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 20_000, b"431"),
        (b"GET /\xff HTTP/1.1\r\n\r\n", b"404"),
    ],
)
def test_odd_requests(start: Start, sent: bytes, status: bytes) -> None:
    server = start()
    try:
        assert talk(server, sent).split(b" ")[1] == status
    except ConnectionResetError:
        # What is left unread when the connection is closed may reset it.
        assert status == b"431"
    assert get(server)[0] == 200


def test_slow_clients_keep_nobody_waiting(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEAD_TIMEOUT_S", 1.0)
    server = start(source=FakeSource(large_snapshot()))
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    for connection in silent[::2]:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nx")
    began = time.monotonic()
    assert get(server)[0] == 200
    assert time.monotonic() - began < 3
    time.sleep(1.5)
    assert len(server._open) == 0
    for connection in silent:
        connection.close()


def test_a_client_that_reads_nothing_is_left(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "ANSWER_TIMEOUT_S", 0.5)
    server = start(source=FakeSource(large_snapshot(services=20_000)))
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert get(server, "/-/healthy")[0] == 200
        deadline = time.monotonic() + 10
        while server._open and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(server._open) == 0


def test_a_source_that_fails_answers_so(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    server = start(source=source)
    monkeypatch.setattr(source, "store", lambda: 1 / 0)
    assert get(server)[0] == 500
    monkeypatch.undo()
    assert get(server)[0] == 200


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("NOT CHECKED: openssl is missing")
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
         "-out", str(paths[0]), "-keyout", str(paths[1])],
        check=True, capture_output=True,
    )  # fmt: skip
    return paths


def test_tls(start: Start, certificate: tuple[Path, Path]) -> None:
    server = start(tls_certificate=str(certificate[0]), tls_key=str(certificate[1]))
    context = ssl.create_default_context(cafile=certificate[0])
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=context)
        connection.request("GET", "/metrics")
        assert connection.getresponse().status == 200
        connection.close()
        silent.close()


class TestRefusedAtStart:
    def test_address_in_use(self, start: Start) -> None:
        taken = start()
        with pytest.raises(ConfigError, match=r"metrics\.listen"):
            start(listen=f"127.0.0.1:{taken.port}")

    def test_no_certificate(self, start: Start, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"metrics\.tls_certificate"):
            start(tls_certificate=str(tmp_path / "none.pem"), tls_key=str(tmp_path / "none.key"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, None),
        ({"listen": "[::1]:9477"}, None),
        ({"listen": "localhost:9477"}, None),
        ({"listen": "0.0.0.0:9477"}, "without TLS and a password"),
        ({"listen": "tap.example:1", "tls_certificate": "c", "tls_key": "k"}, "without a password"),
        ({"listen": "[::]:9", "basic_auth_user": "u", "basic_auth_hash": password_hash("x")}, "without TLS"),
    ],
)
def test_exposure(settings: dict[str, str], said: str | None) -> None:
    told = exposure(MetricsSettings.model_validate(settings))
    assert told is None if said is None else told is not None and told.endswith(said)
