"""An S3 server of our own, on loopback, that can be killed like any other.

It is VersityGW: an S3 server that companies run, written in Go, one program that keeps each object as a file of an
ordinary folder. What it has acknowledged is therefore there after it was killed, it starts within a tenth of a
second, and it can be had from the Go module proxy alone (``make storage-server``: about a minute of two cores, once).
MinIO's and SeaweedFS's servers take several times that to build, and moto, a mock for unit tests, keeps everything
in memory: killed, it would forget.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from pyarrow import fs

ROOT = Path(__file__).resolve().parents[2]
KEY, SECRET, BUCKET = "tests", "not-a-secret", "lab"


def program() -> str | None:
    """Where the server is; None where it was not built."""
    places = (os.environ.get("BLOCKTAP_S3_SERVER"), ROOT / "build" / "s3" / "versitygw")
    found = next((str(place) for place in places if place and Path(place).is_file()), None)
    return found or shutil.which("versitygw")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Server:
    """A server with one bucket, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "objects"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What tells a client of it."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        found = program()
        assert found is not None
        keys = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [found, "--quiet", "--port", f"127.0.0.1:{self.port}", "posix", str(self.folder)],
                env=os.environ | keys, stdout=log, stderr=log,
            )  # fmt: skip
        for _ in range(400):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None, self._log.read_text()
            time.sleep(0.025)
        raise AssertionError("the server does not answer")

    def make_bucket(self) -> None:
        client = fs.S3FileSystem(
            access_key=KEY, secret_key=SECRET, endpoint_override=f"127.0.0.1:{self.port}", scheme="http",
            allow_bucket_creation=True,
        )  # fmt: skip
        client.create_dir(BUCKET)

    def kill(self) -> None:
        """Kill it, as the kernel does for want of memory."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
