"""Stand-in for ``blocktap replay`` in the tests of the benchmark: reads the capture and says its counts."""

import json
import struct
import sys
from pathlib import Path


def main() -> None:
    """Answer as ``replay --json`` does."""
    data = Path(sys.argv[2]).read_bytes()
    packets, at = 0, 24
    while at + 16 <= len(data):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
        packets += 1
    said = {"packets": packets, "matched": packets, "unmatched": 0, "malformed": 0}
    print(json.dumps(said | {"records": packets // 10, "dns": 0, "flows": packets // 10}))


if __name__ == "__main__":
    main()
