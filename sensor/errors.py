"""The exceptions that Blocktap raises besides Python's own."""


class ConfigError(Exception):
    """A setting is wrong or asks for what this machine cannot do."""


class RuleError(Exception):
    """A rule file is wrong; the message says file, line, text and mend."""


class StoreError(Exception):
    """A store cannot be read or written."""


class CaptureError(Exception):
    """A capture or an interface cannot be read."""
