"""A throw-away copy of this machine, in which packages are installed and services started without a trace."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
START_S = 20.0


def development_folders() -> list[Path]:
    """The folders that this Python and this checkout need, wherever they are."""
    folders = {ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    return sorted(folder for folder in folders if folder != Path("/usr"))


class MachineRefusedError(Exception):
    """Nobody is let make namespaces or overlays here."""


class Machine:
    """Its own processes, network and files; ``folder`` alone is shared with the test.

    Parameters
    ----------
    folder
        Of the test, empty.
    shared
        Further folders that are there as they are.
    """

    def __init__(self, folder: Path, shared: list[Path]) -> None:
        self.folder = folder / "shared"
        self.folder.mkdir()
        scratch = folder / "scratch"
        scratch.mkdir()
        ready = self.folder / "ready"
        script = Path(__file__).with_name("machine.sh")
        namespaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--propagation", "private"]
        self._holder = subprocess.Popen(
            ["unshare", *namespaces, "--fork", "--kill-child", script, scratch, ready, self.folder, *shared],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + START_S
        while not ready.exists():
            if self._holder.poll() is not None or time.monotonic() > deadline:
                self._holder.kill()
                assert self._holder.stderr is not None
                raise MachineRefusedError(self._holder.stderr.read().strip() or "no answer")
            time.sleep(0.02)
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        self._first = children.read_text().split()[0]

    def command(self, *words: str | Path) -> list[str]:
        """What runs a command there."""
        enter = ["nsenter", "--target", self._first, "--mount", "--net", "--pid", "--ipc", "--uts"]
        return [*enter, "--", *map(str, words)]

    def run(self, *words: str | Path, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run a command there and wait for its end.

        Raises
        ------
        AssertionError
            It failed; with what it said.
        """
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            **more,
        )
        assert not check or done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def start(self, *words: str | Path, log: Path, **more: Any) -> subprocess.Popen[str]:
        """Start a command there; what it says goes to a file."""
        with log.open("w") as file:
            return subprocess.Popen(
                self.command(*words), stdin=subprocess.DEVNULL, stdout=file, stderr=file, text=True, **more
            )

    def write(self, path: str, text: str) -> None:
        """Write a file there."""
        program = "import pathlib, sys; p = pathlib.Path(sys.argv[1]); p.parent.mkdir(parents=True, exist_ok=True); "
        self.run("/usr/bin/python3", "-c", program + "p.write_text(sys.argv[2])", path, text)

    def changed(self) -> set[str]:
        """Every file that is not as on the machine, was added or removed; folders that are empty among them."""
        listed = self.run("find", "/run/changed", "-mindepth", "1", "(", "!", "-type", "d", "-o", "-empty", ")",
                          "-printf", "/%P\n")  # fmt: skip
        return set(listed.stdout.split("\n")) - {""}

    def make_tap(self) -> None:
        """Put in a cable: what is sent at ``far`` comes in at ``tap``."""
        self.run("ip", "link", "add", "tap", "type", "veth", "peer", "name", "far")
        for name in ("tap", "far"):
            self.run("sysctl", "-q", f"net.ipv6.conf.{name}.disable_ipv6=1", check=False)
            self.run("ip", "link", "set", name, "up")

    def fetch(self, url: str, *words: str) -> str:
        """What a web server there answers."""
        return self.run("curl", "--silent", "--show-error", "--fail", "--max-time", "10", *words, url).stdout

    def close(self) -> None:
        """End every process there; the files are gone with them."""
        self._holder.kill()
        with suppress(subprocess.TimeoutExpired):
            self._holder.wait(START_S)
        assert self._holder.stderr is not None
        self._holder.stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
