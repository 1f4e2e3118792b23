"""Blocktap: a passive network sensor for a list of address blocks, and the study of who they talk to.

`replay` reads captures into Arrow tables, `open_store` opens a store for SQL, `Study` computes a store's numbers.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sensor.api import Rows, Store, Study, open_store, replay

    __version__: str

__all__ = ["Rows", "Store", "Study", "__version__", "open_store", "replay"]

if not TYPE_CHECKING:

    def __getattr__(name):
        """Find a name when somebody asks for it: an import of the package alone stays cheap."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name == "__version__":
            return _version()
        import sensor.api

        return getattr(sensor.api, name)

    def __dir__():
        return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("blocktap")
    except PackageNotFoundError:  # a checkout on the path that was never installed
        return "0+unknown"
