"""What makes a capture a daemon: privileges, readiness, logs, the control socket."""
