"""The daemon: what keeps a sensor running for months around the capture itself."""
