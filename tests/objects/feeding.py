"""A replay that takes its time: ``python -m tests.objects.feeding CAPTURE STORE SENSOR SECONDS``."""

import sys
import time
from pathlib import Path

from sensor.capture import Replaying
from sensor.config import Config
from sensor.rules import load_plan
from sensor.store import RunInfo, StoreWriter, WriterOptions, fingerprint
from sensor.store.spool import SpoolOptions, shipper

shipper.MARK_S = 1.0  # so that there is something to merge
ROWS = 250
SEGMENT_ROWS = 1000


class Slowly:
    """Hands rows on a few at a time, with pauses between."""

    def __init__(self, writer, pause_s):
        self._writer = writer
        self._pause_s = pause_s

    def write(self, table, batch):
        for first in range(0, batch.num_rows, ROWS):
            self._writer.write(table, batch.slice(first, ROWS))
            if table == "flows":
                time.sleep(self._pause_s)


def replay(capture, store, sensor, pause_s=0.0):
    settings = Config.model_validate({"store": {"sensor": sensor}, "flow": {"idle_timeout_s": 1}})
    spool = SpoolOptions(patience_s=120)
    options = WriterOptions(segment_rows=SEGMENT_ROWS, compact_on_close=False, spool=spool)
    run = RunInfo((fingerprint(capture),), "digest")
    with (
        Replaying([str(capture)], load_plan([], ["10.0.0.0/8"]), settings) as replaying,
        StoreWriter(store, sensor, run, options=options) as writer,
    ):
        replaying.run(Slowly(writer, pause_s))


if __name__ == "__main__":
    replay(Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]))
