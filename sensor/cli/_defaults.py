"""The settings where no file gives any, without the machinery that checks a file.

Pydantic takes longer to import than a small capture to replay. A test holds these values to those of
`sensor.config.Config`, which is where they are explained.
"""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from sensor.config import Config

DEFAULTS: dict[str, Any] = {
    "flow": {
        "idle_timeout_s": 120,
        "active_timeout_s": 300,
        "close_timeout_s": 5,
        "max_flows": 4_000_000,
    },
    "decode": {
        "tunnels": (
            "ipip", "6in4", "gre", "erspan", "vxlan", "vxlan-gpe", "geneve", "gtp", "teredo", "l2tp",
        ),
    },
    "duplicates": {"action": "count", "window_ms": 10},
    "naming": {"enabled": True, "answer_slack_s": 300},
    "country": {"enabled": True, "database": None},
    "hosts": {"enabled": True},
    "store": {
        "path": None,
        "sensor": "replay",
        "flush_rows": 500_000,
        "flush_interval_s": 60,
        "queue_rows": 2_000_000,
        "keep_days": None,
        "max_bytes": None,
        "min_free_bytes": 1 << 30,
        "spool": None,
        "spool_max_bytes": 4 << 30,
        "patience_s": 300,
    },
    "rules": {"blocks": (), "folders": (), "watch": ()},
    "capture": {
        "interfaces": (),
        "prefilter": "none",
        "yes_drop": False,
        "memory_bytes": 1 << 28,
        "fanout": "hash",
        "block_timeout_ms": 50,
        "snap_bytes": None,
        "promiscuous": True,
        "outgoing": True,
        "timestamps": "kernel",
        "gro": "keep",
        "lro": "keep",
        "ring_size": "keep",
        "up": False,
    },
    "process": {"user": None, "control_socket": None},
    "log": {"format": "auto", "level": "info"},
    "metrics": {
        "enabled": True,
        "listen": "127.0.0.1:9477",
        "tls_certificate": None,
        "tls_key": None,
        "basic_auth_user": None,
        "basic_auth_hash": None,
        "top_flows": 20,
    },
    "export": {
        "ipfix": None,
        "transport": "udp",
        "enterprise": 32473,
        "observation_domain": 1,
        "mtu": 1500,
        "records_per_second": None,
        "queue_rows": 500_000,
    },
    "workers": None,
    "memory_max": None,
}  # fmt: skip


def default_settings() -> "Config":
    """Everything by default; it is read like a `Config`, but cannot be copied or written like one."""
    tables = {
        name: SimpleNamespace(**value) if isinstance(value, dict) else value
        for name, value in DEFAULTS.items()
    }
    return cast("Config", SimpleNamespace(**tables))
