"""Flow records that may leave the house: inside hosts by pseudonym, and only what several of them share.

`write_records` writes them, `privacy_report` says how many hosts could still be told apart. What is protected
and what is not is told in ``docs/records.md``.
"""

from sensor.dataset.records.addresses import pseudonyms, real_addresses
from sensor.dataset.records.key import Key, read_or_make_key
from sensor.dataset.records.options import DEFAULT_ROUND_TIME_S, Outside, RecordOptions
from sensor.dataset.records.privacy import privacy_report
from sensor.dataset.records.write import write_records

__all__ = [
    "DEFAULT_ROUND_TIME_S",
    "Key",
    "Outside",
    "RecordOptions",
    "privacy_report",
    "pseudonyms",
    "read_or_make_key",
    "real_addresses",
    "write_records",
]
