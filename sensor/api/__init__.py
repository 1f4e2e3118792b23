"""What a Python program works with; the names are those of the package `sensor` itself."""

from sensor.api.replaying import Rows, replay
from sensor.api.stores import Store, open_store
from sensor.api.studies import Study

__all__ = ["Rows", "Store", "Study", "open_store", "replay"]
