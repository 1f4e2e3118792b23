"""Run the replay command over captures one after the other, as a process of its own.

``python hostile_run.py CAPTURE...`` prints a JSON object: the exit status of each capture, and the peak
memory of the process. A capture that takes too long ends the process with a traceback.
"""

import faulthandler
import json
import sys
from pathlib import Path

from sensor.cli import main

MOST_SECONDS = 10


def status_of(capture: str) -> int:
    """Replay one capture as the command line does."""
    sys.argv = ["blocktap", "replay", capture, "--watch", "0.0.0.0/0", "--watch", "::/0"]
    sys.argv += ["--store", "none", "--workers", "2"]
    faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        faulthandler.cancel_dump_traceback_later()
    return 0


def peak_bytes() -> int:
    """Most memory that this program has had; getrusage also counts what its parent had when it was forked."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kib = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kib) * 1024


if __name__ == "__main__":
    # The command prints nothing on standard output; if it does, the reader of this JSON will notice.
    statuses = {Path(capture).name: status_of(capture) for capture in sys.argv[1:]}
    print(json.dumps({"statuses": statuses, "peak_bytes": peak_bytes()}))
