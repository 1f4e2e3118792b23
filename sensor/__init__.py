"""Blocktap: a passive network sensor for a list of address blocks, and the study of who they talk to."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("blocktap")
except PackageNotFoundError:  # a checkout on the path that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
