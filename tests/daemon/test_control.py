"""The control socket: who answers, who may ask, and what nobody can do to it."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor.daemon import ask as asking
from sensor.daemon import control
from sensor.daemon.ask import SYSTEM_SOCKET, ask, default_path, path_to_ask
from sensor.daemon.control import MOST_CLIENTS, MOST_REQUEST_BYTES, ControlServer
from sensor.errors import ConfigError


def fail(_: dict[str, Any]) -> dict[str, Any]:
    raise ValueError("bad rules: blocks.toml:3")


HANDLERS = {
    "status": lambda _: {"packets": 7},
    "echo": lambda request: {"text": request["text"]},
    "fail": fail,
    "large": lambda _: {"text": "x" * (4 << 20)},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
def server(path: Path) -> Iterator[ControlServer]:
    with ControlServer(path, HANDLERS) as started:
        yield started


def connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(str(path))
    return connection


def test_asked_and_answered(server: ControlServer) -> None:
    assert ask(server.path, {"request": "status"}) == {"ok": True, "packets": 7}
    assert ask(server.path, {"request": "echo", "text": "a\nü"}) == {"ok": True, "text": "a\nü"}
    assert len(ask(server.path, {"request": "large"})["text"]) == 4 << 20
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o660


def test_failure_is_told_and_survived(server: ControlServer) -> None:
    assert ask(server.path, {"request": "fail"}) == {"ok": False, "error": "bad rules: blocks.toml:3"}
    unknown = ask(server.path, {"request": "statsu"})
    assert unknown == {"ok": False, "error": "unknown request statsu; did you mean status?"}
    assert ask(server.path, {"request": "status"})["ok"]


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"7", b'{"request": 7}', b'{"request": ["a"]}', b"\xff\x00", b"[" * 60_000]
)
def test_nonsense_is_refused(server: ControlServer, line: bytes) -> None:
    with connect(server.path) as connection:
        connection.sendall(line + b"\n")
        assert json.loads(connection.makefile().readline())["ok"] is False
        connection.sendall(b'{"request": "status"}\n')
        assert json.loads(connection.makefile().readline())["ok"] is True


def test_several_at_once_and_in_pieces(server: ControlServer) -> None:
    with connect(server.path) as connection, connection.makefile() as lines:
        connection.sendall(b'{"request": "status"}\n{"request": "large"}\n{"request": "echo", "te')
        assert json.loads(lines.readline())["packets"] == 7
        assert len(json.loads(lines.readline())["text"]) == 4 << 20
        connection.sendall(b'xt": 1}\n')
        assert json.loads(lines.readline())["text"] == 1


def test_too_long_is_let_go(server: ControlServer) -> None:
    with connect(server.path) as connection:
        connection.sendall(b" " * (MOST_REQUEST_BYTES + 1))
        with connection.makefile() as lines:
            assert "too long" in lines.readline()
            assert lines.readline() == ""


def test_silent_and_slow_keep_nobody_waiting(server: ControlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "CLIENT_TIMEOUT_S", 0.3)
    with connect(server.path) as silent, connect(server.path) as slow:
        slow.sendall(b'{"request": "large"}\n')
        assert ask(server.path, {"request": "status"})["ok"]
        assert silent.recv(1) == b""
        time.sleep(0.5)
        taken = 0
        while came := slow.recv(1 << 20):
            taken += len(came)
        assert taken < 4 << 20


def test_too_many_are_let_go(server: ControlServer) -> None:
    connections = [connect(server.path) for _ in range(MOST_CLIENTS)]
    for connection in connections:
        connection.sendall(b'{"request": "status"}\n')
        assert connection.recv(100)
    with connect(server.path) as one_more:
        assert one_more.recv(1) == b""
    connections.pop().close()
    time.sleep(0.1)
    assert ask(server.path, {"request": "status"})["ok"]
    for connection in connections:
        connection.close()


def test_live_one_is_not_replaced(server: ControlServer) -> None:
    with pytest.raises(ConfigError, match=f"process {os.getpid()} answers there already"):
        ControlServer(server.path, {}).start()
    assert ask(server.path, {"request": "status"})["ok"]


def test_socket_of_a_dead_one_is_replaced(path: Path) -> None:
    script = (
        "import os, sys, pathlib; from sensor.daemon.control import ControlServer\n"
        "ControlServer(pathlib.Path(sys.argv[1]), {}).start(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert path.is_socket()
    with pytest.raises(ConnectionError, match="no blocktap runs there"):
        ask(path, {"request": "status"})
    with ControlServer(path, HANDLERS):
        assert ask(path, {"request": "status"})["ok"]
    assert not path.exists()


def test_others_are_left_alone(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(ConfigError, match="no socket"):
        ControlServer(path, {}).start()
    assert path.read_text() == "precious"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(ConfigError, match="another program answers there"):
            ControlServer(path, {}).start()
        assert path.is_socket()


def test_stop_leaves_another_ones_socket(path: Path) -> None:
    server = ControlServer(path, HANDLERS)
    server.start()
    path.unlink()
    path.write_text("another's")
    server.stop()
    assert path.exists()
    assert "control" not in {thread.name for thread in threading.enumerate()}


def test_no_folder_and_too_long(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        ControlServer(tmp_path / "none" / "control.sock", {}).start()
    with pytest.raises(ConfigError, match="too long"):
        ControlServer(tmp_path / ("x" * 120), {}).start()


def test_nobody_is_there(path: Path) -> None:
    with pytest.raises(ConnectionError, match="no blocktap runs there; start one"):
        ask(path, {"request": "status"})


@pytest.mark.parametrize("says", [b"", b"220 mail\r\n", b"[1]\n"])
def test_no_blocktap_answers(path: Path, says: bytes) -> None:
    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(100)
            connection.sendall(says)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ConnectionError, match="no blocktap"):
            ask(path, {"request": "status"})
        thread.join()


def test_no_answer_in_time(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(TimeoutError, match=r"no answer within 0\.1 s"):
            ask(path, {"request": "status"}, timeout_s=0.1)


def test_default_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 101)
    assert default_path() == path_to_ask() == SYSTEM_SOCKET
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert default_path() == tmp_path / "blocktap.sock"
    assert path_to_ask() == SYSTEM_SOCKET
    (tmp_path / "blocktap.sock").touch()
    assert path_to_ask() == tmp_path / "blocktap.sock"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert path_to_ask() == SYSTEM_SOCKET
    with pytest.raises(ConfigError, match="XDG_RUNTIME_DIR"):
        default_path()


def test_asking_imports_little() -> None:
    script = f"import sys, {asking.__name__}; print('structlog' in sys.modules or 'numpy' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "False"
