"""The Debian package installs, runs under its unit's restrictions, is upgraded, removed and purged without a trace."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.machine import ROOT, Machine, MachineRefusedError, development_folders
from tests.deploy.service import DEMO_PACKETS, METRICS, SETTINGS, Service, play, settings, wait_until
from tests.deploy.unit_file import Unit

pytestmark = [
    pytest.mark.long,
    *(
        pytest.mark.skipif(shutil.which(command) is None, reason=f"no {command}")
        for command in ("dpkg-deb", "dpkg-shlibdeps", "systemd-analyze", "tcpreplay", "curl")
    ),
]

INSTALLED_UNIT = Path("/lib/systemd/system/blocktap.service")
# What every installation of any package writes, and accounts that came and went.
BOOKKEEPING = (
    r"/var/(lib/dpkg|log|cache)/.*|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?|/etc/\.pwd\.lock"
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of this checkout, uncompressed to save time."""
    folder = tmp_path_factory.mktemp("package")
    maturin = Path(sys.executable).parent / "maturin"
    subprocess.run(
        [maturin, "build", "--release", "--out", folder], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    build = ROOT / "deploy" / "debian" / "build.sh"
    done = subprocess.run(
        [build, wheel, folder, sys.executable, "-m", "pip"],
        env={**os.environ, "COMPRESSION": "-Znone"}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.strip())


@pytest.fixture
def bare(tmp_path: Path, package: Path) -> Iterator[Machine]:
    """A machine in which the sandbox finds what it needs; the sensor there is the package's alone."""
    if os.geteuid() != 0:
        pytest.skip("only root can install")
    try:
        made = Machine(tmp_path, [*development_folders(), package.parent])
    except MachineRefusedError as error:
        pytest.skip(f"no machine to throw away: {error}")
    with made:
        made.make_tap()
        yield made


def dpkg(machine: Machine, *words: str | Path) -> str:
    environment = {"PATH": os.environ["PATH"], "DEBIAN_FRONTEND": "noninteractive"}
    done = machine.run("dpkg", *words, env=environment)
    return done.stdout + done.stderr


def traces(machine: Machine) -> set[str]:
    """Files that are left of it, and folders that nobody had before."""
    left = {path for path in machine.changed() if not re.fullmatch(BOOKKEEPING, path)}
    return {path for path in left if not Path(path).is_dir()}


def test_package_comes_works_and_goes(bare: Machine, package: Path) -> None:
    said = dpkg(bare, "--install", package)
    assert "names no interface yet" in said
    assert bare.run("blocktap", "--version").stdout.startswith("blocktap ")
    assert bare.run("stat", "--format=%U %a", "/var/lib/blocktap").stdout == "blocktap 700\n"
    assert bare.run("dpkg", "--verify", "blocktap").stdout == ""
    # Compiled, since the service may not write there.
    assert bare.run("find", "/usr/lib/blocktap/sensor/daemon", "-name", "life.*.pyc").stdout

    bare.write(SETTINGS, settings(flush_interval_s="1", memory_bytes="16777216"))
    service = Service(bare, INSTALLED_UNIT)
    service.wait_ready()
    assert bare.fetch(f"{METRICS}/-/healthy")
    play(bare)
    wait_until(lambda: service.metric("blocktap_packets_total") == DEMO_PACKETS, "every packet counted")
    assert service.stop() < 10
    assert service.process.returncode == 0, service.log.read_text()

    said = dpkg(bare, "--force-confold", "--install", package)  # an upgrade keeps settings and store
    assert "names no interface" not in said
    assert 'interfaces = ["tap"]' in bare.run("cat", SETTINGS).stdout

    dpkg(bare, "--remove", "blocktap")
    assert bare.run("ls", "/etc/blocktap").stdout.split() == ["blocks.toml", "blocktap.toml"]
    assert bare.run("test", "-e", "/usr/lib/blocktap", check=False).returncode == 1
    assert bare.run("ls", "/var/lib/blocktap/store").stdout

    said = dpkg(bare, "--purge", "blocktap")
    assert "the store is kept: /var/lib/blocktap" in said
    assert bare.run("id", "blocktap").stdout
    (mend,) = re.findall(r"rm -r .* && deluser .*", said)
    bare.run("sh", "-c", mend)
    assert traces(bare) == set()


def test_purge_without_a_store_leaves_nothing(bare: Machine, package: Path) -> None:
    dpkg(bare, "--install", package)
    assert "kept" not in dpkg(bare, "--purge", "blocktap")
    assert bare.run("id", "blocktap", check=False).returncode == 1
    assert bare.run("ls", "-d", "/var/lib/blocktap", "/etc/blocktap", check=False).stdout == ""
    assert traces(bare) == set()


def test_unit_of_the_package_is_this_one(bare: Machine, package: Path) -> None:
    dpkg(bare, "--install", package)
    assert bare.run("cat", INSTALLED_UNIT).stdout == (ROOT / "deploy/systemd/blocktap.service").read_text()
    command = Unit(ROOT / "deploy/systemd/blocktap.service").one("ExecStart").split()[0]
    assert bare.run("dpkg", "--search", command).stdout == f"blocktap: {command}\n"
