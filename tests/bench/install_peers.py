"""Put the programs that the sensor is compared with into folders of their own: ``install_peers.py FOLDER``.

Debian packages are unpacked, with what they need and the machine has not, and not installed; Python packages get an
environment each. What cannot be had is named, and the others are there all the same.
"""

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

DEBIAN = {
    "softflowd": "softflowd",
    "nfpcapd": "nfdump",
    "pmacctd": "pmacct",
    "argus": "argus-server",
    "ndpiReader": "libndpi-bin",
    "tshark": "tshark",
}
PYPI = {"nfstream": ["nfstream"], "loops": ["dpkt", "scapy"]}
DONE = ".complete"


class NotInstalledError(Exception):
    """A peer cannot be had here."""


def call(*command: str, cwd: Path | None = None) -> str:
    """Run a command and give its output."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NotInstalledError(f"there is no {error.filename}") from None
    if done.returncode != 0:
        raise NotInstalledError((done.stderr.strip().splitlines() or ["it failed without a word"])[-1])
    return done.stdout


def unpack_debian(package: str, folder: Path) -> None:
    """Unpack a package, and those it needs that the machine has not."""
    plan = call("apt-get", "install", "--simulate", "--no-install-recommends", package)
    packages = {line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")} | {package}
    with tempfile.TemporaryDirectory(dir=folder) as downloads:
        # apt drops privileges to download, and its user must be able to write there.
        Path(downloads).chmod(0o777)
        call("apt-get", "download", *sorted(packages), cwd=Path(downloads))
        for archive in sorted(Path(downloads).glob("*.deb")):
            call("dpkg-deb", "--extract", str(archive), str(folder))


def make_environment(packages: list[str], folder: Path) -> None:
    """Make a Python environment with packages."""
    venv.create(folder, with_pip=True, clear=True)
    call(str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages)


def main() -> int:
    """Install what is missing; 0 even where a peer cannot be had, for then it is not compared."""
    parser = argparse.ArgumentParser(description="Install the programs to compare with.")
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--only", action="append", choices=[*DEBIAN, *PYPI], help="a peer; may be given again"
    )
    words = parser.parse_args()
    for name in words.only or [*DEBIAN, *PYPI]:
        folder = words.folder.resolve() / name
        if (folder / DONE).exists():
            print(f"{name}: there already")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        try:
            if name in DEBIAN:
                unpack_debian(DEBIAN[name], folder)
            else:
                make_environment(PYPI[name], folder)
        except NotInstalledError as error:
            print(f"{name}: cannot be installed here: {error}", file=sys.stderr)
            continue
        (folder / DONE).touch()
        print(f"{name}: installed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
