"""``blocktap`` with its hourly work done nine times as often: what a soak test starts."""

from sensor.cli import main
from sensor.daemon import keeper

COMPRESSION = 9
"""Six hours in 40 minutes."""

if __name__ == "__main__":
    keeper.COMPACTION_S /= COMPRESSION  # type: ignore[misc]
    keeper.BUDGET_S /= COMPRESSION  # type: ignore[misc]
    main()
