"""Privileges are given up for good, by every thread, and what was kept works."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sensor.daemon import capabilities
from sensor.daemon.capabilities import Capability
from sensor.daemon.privileges import Identity, check_folder, drop, identity_of, needed, prepare_folder
from sensor.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT CHECKED: only root can give privileges up")

RAW, ADMIN, BPF = Capability.CAP_NET_RAW, Capability.CAP_NET_ADMIN, Capability.CAP_BPF

# Run by a process of its own: nothing gives privileges back.
BEGIN = """
import json, os, socket, sys, threading
from pathlib import Path
from sensor.daemon import capabilities
from sensor.daemon.capabilities import Capability
from sensor.daemon.privileges import drop
from sensor.errors import ConfigError
"""


def run(script: str) -> dict[str, object]:
    # As the command line sets it; a thread for sums would be one that keeps its privileges.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", BEGIN + script], check=False, capture_output=True, text=True, cwd=ROOT,
        env=environment,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)  # type: ignore[no-any-return]


def test_needed() -> None:
    assert needed(interface_setup=False, prefilter="none") == {RAW}
    assert needed(interface_setup=True, prefilter="none") == {RAW, ADMIN}
    assert needed(interface_setup=False, prefilter="xdp") == {RAW, ADMIN, BPF}


def test_capability_numbers_are_those_of_the_system() -> None:
    header = Path("/usr/include/linux/capability.h")
    if not header.exists():
        pytest.skip("no header to compare with")
    defined = dict(
        line.split()[1:3] for line in header.read_text().splitlines()
        if line.startswith("#define CAP_") and len(line.split()) == 3
    )  # fmt: skip
    assert {one.name: int(defined[one.name]) for one in Capability} == {one.name: one for one in Capability}


@as_root
def test_dropped_for_good() -> None:
    found = run("""
drop({Capability.CAP_NET_RAW}, "nobody")
state = {}
def look():
    status = Path("/proc/thread-self/status").read_text()
    state["thread"] = {k: v.split() for k, v in (l.split(":", 1) for l in status.splitlines())}
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
thread = threading.Thread(target=look); thread.start(); thread.join()
refused = []
for attempt in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0]),
                lambda: capabilities.set_all({Capability.CAP_NET_ADMIN}), lambda: open("/etc/shadow")):
    try: attempt()
    except OSError: refused.append(True)
status = state["thread"]
print(json.dumps([os.getresuid(), os.getresgid(), refused, status["CapEff"], status["CapPrm"], status["CapInh"],
    status["CapBnd"], status["CapAmb"], status["NoNewPrivs"], sorted(capabilities.effective())]))
""")
    uid, gid = identity_of("nobody").uid, identity_of("nobody").gid
    only_raw, none = [f"{1 << RAW:016x}"], ["0" * 16]
    assert found == [
        [uid] * 3, [gid] * 3, [True] * 5, only_raw, only_raw, none, only_raw, none, ["1"], [RAW.value],
    ]  # fmt: skip


@as_root
def test_all_that_is_on_is_kept() -> None:
    found = run("""
drop({Capability.CAP_NET_RAW, Capability.CAP_NET_ADMIN, Capability.CAP_BPF}, "nobody")
print(json.dumps(sorted(capabilities.permitted())))
""")
    assert found == [ADMIN, RAW, BPF]


@as_root
def test_what_is_kept_is_enough_for_an_interface() -> None:
    found = run("""
import ctypes, subprocess
from sensor.interface import LinkWatch, Meter, Setup, Wishes, describe
assert ctypes.CDLL(None).unshare(0x4000_0000) == 0
subprocess.run("ip link add tap type veth peer name far && ip link set far up", shell=True, check=True)
before = describe("tap")
drop({Capability.CAP_NET_RAW, Capability.CAP_NET_ADMIN}, "nobody")
with LinkWatch(["tap"]) as watch:
    with Setup("tap", Wishes(gro="off", up=True)):
        kinds = [event.kind for event in watch.events(5)]
        during = describe("tap")
    kinds += [event.kind for event in watch.events(5)]
Meter("tap").since()
print(json.dumps([before.admin_up, during.admin_up, describe("tap").admin_up, kinds]))
""")
    assert found == [False, True, False, ["up", "down"]]


@as_root
def test_without_a_user_capabilities_go_all_the_same() -> None:
    found = run("""
drop({Capability.CAP_NET_RAW})
print(json.dumps([os.getuid(), sorted(capabilities.effective())]))
""")
    assert found == [0, [RAW]]


@as_root
@pytest.mark.parametrize(("user", "refused"), [("None", True), ("'nobody'", False)])
def test_thread_that_kept_more_is_found(user: str, refused: bool) -> None:
    found = run(f"""
begun, end = threading.Event(), threading.Event()
def wait():
    Path("/proc/thread-self/comm").write_text("early"); begun.set(); end.wait()
thread = threading.Thread(target=wait); thread.start(); begun.wait()
try:
    drop({{Capability.CAP_NET_RAW}}, {user})
    said = ""
except ConfigError as error:
    said = str(error)
end.set(); thread.join()
print(json.dumps([said]))
""")
    assert ("the thread early was started before" in str(found)) == refused


@as_root
def test_missing_capability_is_named() -> None:
    found = run("""
capabilities.set_all({Capability.CAP_NET_RAW})
try:
    drop({Capability.CAP_NET_RAW, Capability.CAP_BPF})
except ConfigError as error:
    print(json.dumps([str(error)]))
""")
    assert found == [
        "missing CAP_BPF: start as root, or with AmbientCapabilities=CAP_BPF in the systemd unit"
    ]


@as_root
def test_not_root_cannot_become_another() -> None:
    found = run("""
drop({Capability.CAP_NET_RAW}, "nobody")
try:
    drop({Capability.CAP_NET_RAW}, "root")
except ConfigError as error:
    print(json.dumps([str(error)]))
""")
    assert "no permission to become the user root" in str(found)


def test_unknown_user() -> None:
    with pytest.raises(ConfigError, match="no user nosuchuser; make it with: useradd"):
        identity_of("nosuchuser")
    with pytest.raises(ConfigError, match="no user 4294967290"):
        drop(set(), "4294967290")
    assert identity_of("0").name == "root"


def test_folder_of_another_is_refused_with_the_mend(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    somebody = Identity("blocktap", 4242, 4242, (4242,))
    with pytest.raises(
        ConfigError, match=f"user blocktap cannot write there .*; chown -R blocktap: {tmp_path}"
    ):
        check_folder(tmp_path, somebody)
    check_folder(tmp_path)
    check_folder(tmp_path, Identity("me", os.getuid(), 0, ()))
    tmp_path.chmod(0o707)
    check_folder(tmp_path, somebody)
    tmp_path.chmod(0o070)
    check_folder(tmp_path, Identity("member", 4242, 4242, (tmp_path.stat().st_gid,)))
    with pytest.raises(ConfigError, match="No such file"):
        check_folder(tmp_path / "none", somebody)


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="not a folder"):
        check_folder(tmp_path / "file")


@as_root
def test_folder_is_made_for_the_user(tmp_path: Path) -> None:
    nobody = identity_of("nobody")
    prepare_folder(tmp_path / "run", nobody)
    check_folder(tmp_path / "run", nobody)
    assert (tmp_path / "run").stat().st_uid == nobody.uid
    prepare_folder(tmp_path / "run", identity_of("root"))
    assert (tmp_path / "run").stat().st_uid == nobody.uid
    with pytest.raises(ConfigError, match="cannot be made"):
        prepare_folder(tmp_path / "none" / "run", nobody)


def test_sets_are_read() -> None:
    assert capabilities.effective() <= capabilities.permitted()
    assert capabilities.last_capability() >= Capability.CAP_NET_RAW
