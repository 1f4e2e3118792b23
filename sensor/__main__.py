"""Make ``python -m sensor`` the same as ``blocktap``."""

from sensor.cli import main

if __name__ == "__main__":
    main()
