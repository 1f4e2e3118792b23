"""The exceptions Blocktap raises beside Python's own."""


class ConfigError(Exception):
    """A setting is missing, contradicts another or has no meaning."""


class RuleError(Exception):
    """A rule file, or one rule in it, was refused."""


class StoreError(Exception):
    """A store cannot be opened, read or written."""


class CaptureError(Exception):
    """A capture cannot be opened or read."""
