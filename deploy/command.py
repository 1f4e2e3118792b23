#!/usr/bin/python3 -IS
"""The command of an installed Blocktap: its own packages and the standard library, nothing else of the machine."""

import sys

sys.path.insert(0, "/usr/lib/blocktap")

from sensor.cli import main  # only there from here on

main()
