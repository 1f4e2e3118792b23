"""What the sensor may cost, workload by workload."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Budget:
    """At most ``floors`` times the floor's CPU and ``row_s`` a row; None where it is only measured.

    ``peers`` says how many times the CPU of the sensor's whole process each peer is to take at least.
    """

    floor: str = "flow"
    floors: float | None = None
    row_s: float = 0.0
    peers: dict[str, float] = field(default_factory=dict)


BUDGETS = {
    "small-udp": Budget(
        "flow", 1.6, 0.7e-6, {"nfpcapd": 12, "softflowd": 25, "ndpiReader": 40, "nfstream": 60}
    ),
    "mix": Budget("flow", 2.0, 0.8e-6, {"softflowd": 2, "ndpiReader": 12, "nfstream": 45}),
    "elephant": Budget(),
    "unwatched": Budget("match", 1.3),
    "storm-tls": Budget(peers={"ndpiReader": 20}),
    "storm-quic": Budget(peers={"ndpiReader": 20}),
    "storm-dns": Budget(),
}
FLOW_BYTES_MOST = 160
ROW_BYTES_MOST = 40
PREFIXES_RATIO_MOST = 1.3
WORKERS_WALL_MOST = 0.54
WORKERS_CPU_MOST = 1.1
NAMES_RATIO_MOST = {"mix": 1.6, "storm-tls": 2.5, "storm-quic": 2.5}
HELP_RATIO_MOST = 1.3
REPLAY_RATIO_MOST = 1.5
