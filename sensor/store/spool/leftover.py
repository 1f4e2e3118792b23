"""Ships what earlier writers left in the spools of this machine."""

from __future__ import annotations

from pathlib import Path

from sensor.errors import StoreError
from sensor.store.landing import Asked
from sensor.store.layout import list_segments
from sensor.store.place import place_of
from sensor.store.place.objects import ObjectPlace
from sensor.store.place.state import State
from sensor.store.spool.landing import SpooledLanding
from sensor.store.spool.options import SpoolOptions


def ship_left_overs(address: str, folder: Path | None = None, patience_s: float = 30.0) -> int:
    """Ship everything that waits for a store, sensor by sensor; return how many segments that were.

    Parameters
    ----------
    address
        The store, on object storage.
    folder
        Holds the spools, if it is not the one by default.
    patience_s
        So long a storage that is away is waited for.

    Raises
    ------
    StoreError
        The store is a folder of this machine, the storage stayed away, or a sensor is at it.
    """
    place = place_of(address)
    if not isinstance(place, ObjectPlace):
        raise StoreError(f"{place.name} is a folder: nothing waits for it")
    spools = (State(folder) if folder else place.state).store_folder(place)
    shipped = 0
    for spool in sorted(spools.glob("[!.]*")):
        if next(list_segments(spool), None) is None and not any(spool.glob("runs/[!.]*.json")):
            continue
        landing = SpooledLanding(place, Asked(spool.name), SpoolOptions(folder, patience_s=patience_s))
        try:
            landing.settle()
            shipped += landing.spool_state.shipped
        finally:
            landing.release()
    return shipped
