"""The failures a caller may want to tell apart; everything else is a builtin exception."""


class ConfigError(Exception):
    """A setting is missing, unknown or out of range."""


class RuleError(Exception):
    """A rule file is refused; the message names file, line, the offending text and the mend."""


class StoreError(Exception):
    """A store cannot be read or written."""


class CaptureError(Exception):
    """A capture cannot be read; the message names the file and the offset."""


class DatasetError(Exception):
    """A data set cannot be written, or is not what it says it is."""
