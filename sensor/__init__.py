"""Blocktap: a passive network sensor for a list of address blocks, and the study of who they talk to."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Look the version up when somebody asks: the package's metadata are slow to read."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("blocktap")
    except PackageNotFoundError:  # a checkout on the path that was never installed
        return "0+unknown"
