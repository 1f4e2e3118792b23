"""What is said when the kernel refuses, and that nothing is left open then."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sensor.errors import CaptureError
from sensor.prefilter import Prefilter
from sensor.prefilter.assembler import Assembler, Register
from sensor.prefilter.loading import Type, load_program
from sensor.rules import load_plan

Load = Callable[..., Prefilter]

TRY = """
from sensor.errors import CaptureError
from sensor.prefilter import Prefilter
from sensor.rules import load_plan
try:
    prefilter = Prefilter.load(load_plan([], ["192.0.2.0/24"]), kind={kind!r})
    prefilter.update(load_plan([], ["198.51.100.0/24"]))
    print("loaded", prefilter.counts())
except CaptureError as error:
    print(error)
"""


def with_capabilities(root: Path, kind: str, capabilities: str) -> str:
    """What a process with these privileges alone says."""
    command = ["setpriv", "--inh-caps", f"-all{capabilities}", "--bounding-set", f"-all{capabilities}"]
    return subprocess.run(
        [*command, sys.executable, "-c", TRY.format(kind=kind)],
        cwd=root, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


@pytest.mark.usefixtures("kernel")
def test_without_privileges(root: Path) -> None:
    said = with_capabilities(root, "socket", "")
    assert "the prefilter needs CAP_BPF, for xdp CAP_NET_ADMIN too" in said
    assert "run with --prefilter none" in said


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(("kind", "capabilities"), [("socket", ",+bpf"), ("xdp", ",+bpf,+net_admin")])
def test_with_no_more_privileges_than_said(root: Path, kind: str, capabilities: str) -> None:
    assert with_capabilities(root, kind, capabilities) == "loaded {}\n"


@pytest.mark.usefixtures("kernel")
def test_counts_need_no_privileges_once_loaded(root: Path) -> None:
    program = (
        "import os\n"
        "from sensor.prefilter import Prefilter\n"
        "from sensor.rules import load_plan\n"
        "prefilter = Prefilter.load(load_plan([], ['192.0.2.0/24']))\n"
        "os.setuid(65534)\n"
        "print(prefilter.counts())\n"
    )
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    assert said == "{}\n"


@pytest.mark.usefixtures("kernel")
def test_the_verifier_is_quoted() -> None:
    code = Assembler()
    code.load(4, Register.R0, Register.R1, 4096)
    code.leave(0)
    with pytest.raises(CaptureError, match=r"verifier says:\n(.*\n)*.*invalid bpf_context access"):
        load_program(Type.SOCKET, "bad", code.assemble())


def open_descriptors() -> set[str]:
    return set(map(str, Path("/proc/self/fd").iterdir()))


def test_nothing_stays_open(load: Load) -> None:
    before = open_descriptors()
    prefilter = load("192.0.2.0/24", kind="xdp")
    prefilter.update(load_plan([], ["10.0.0.0/8"]))
    with pytest.raises(CaptureError):
        prefilter.attach("nothing0")
    prefilter.close()
    prefilter.close()
    assert open_descriptors() == before
    assert (prefilter.descriptor, prefilter.counts()) == (-1, {})


def test_nothing_stays_open_when_loading_fails(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_descriptors()
    monkeypatch.setattr("sensor.prefilter.filter.socket_program", lambda *arguments: bytes(8))
    with pytest.raises(CaptureError, match="loading the program blocktap_socket"):
        load("192.0.2.0/24")
    assert open_descriptors() == before


@pytest.mark.parametrize(("option", "value"), [("kind", "tc"), ("snap_bytes", 0), ("snap_bytes", 1 << 20)])
def test_impossible_options(option: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"socket or xdp|snap_bytes"):
        Prefilter.load(load_plan([], ["192.0.2.0/24"]), **{option: value})  # type: ignore[arg-type]


def test_unknown_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    with pytest.raises(CaptureError, match="no prefilter on pdp11"):
        Prefilter.load(load_plan([], ["192.0.2.0/24"]))
