"""A run that stands in for earlier runs of the same captures."""

from __future__ import annotations

from sensor.errors import StoreError
from sensor.schema import TABLES
from sensor.store import runs
from sensor.store.integrity import READ_ERRORS, look_at_footer
from sensor.store.isolated import find_faults
from sensor.store.layout import Segment
from sensor.store.parquet import read_footer
from sensor.store.place import Place
from sensor.store.swap import Swap, carry_out, decide, visible_segments

_WAIT_S = 60.0


def replace_runs(place: Place, info: runs.RunInfo, record: runs.Run, staged: list[Segment]) -> None:
    """Swap the staged segments of a run for the segments of the runs it replaces.

    The caller holds the writer's lock of the run's sensor.

    Raises
    ------
    StoreError
        An earlier run cannot be replaced; nothing has changed then.
    """
    with place.maintenance_lock():
        if not carry_out(place, _WAIT_S):
            raise StoreError(
                f"readers hold an earlier change of {place.name} up: close them and replay again"
            )
        earlier = runs.runs_to_replace(place, info)
        _check_finished(place, earlier, record.sensor)
        hidden_record = f"runs/.{record.id}.json.staged"
        runs.write_run(place, record, relative=hidden_record)
        publish = [(segment.relative_path, segment.visible().relative_path) for segment in staged]
        publish.append((hidden_record, runs.relative_path(record)))
        remove = [segment.visible().relative_path for segment in _segments_of(place, earlier)]
        remove += [runs.relative_path(run) for run in earlier]
        decide(place, Swap(tuple(publish), tuple(remove)))
        carry_out(place)


def _check_finished(place: Place, earlier: list[runs.Run], own_sensor: str) -> None:
    for run in earlier:
        if run.complete or run.sensor == own_sensor:
            continue
        lock = place.writer_lock(run.sensor)
        if not lock.acquire():
            raise StoreError(f"the same capture is being replayed as sensor {run.sensor!r} by {lock.read()}")
        lock.release()


def _segments_of(place: Place, earlier: list[runs.Run]) -> list[Segment]:
    sensors, wanted = {run.sensor for run in earlier}, {run.id for run in earlier}
    return [
        segment
        for segment in visible_segments(place, tuple(TABLES))
        if segment.sensor in sensors and _run_of(place, segment) in wanted
    ]


def _run_of(place: Place, segment: Segment) -> str | None:
    try:
        return read_footer(place.source(segment.relative_path))[1]
    except READ_ERRORS:
        # A broken one says no more whose it is; whoever reads the store sets it aside.
        if find_faults(place, [segment], look_at_footer):
            return None
        raise
