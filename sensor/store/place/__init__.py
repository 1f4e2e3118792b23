"""Where a store lies: a folder of this machine, or object storage. Everything else asks this for its files."""

from sensor.store.place.find import Where, place_of
from sensor.store.place.model import Found, Lock, Place

__all__ = ["Found", "Lock", "Place", "Where", "place_of"]
