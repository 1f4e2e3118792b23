"""Flows as packets: what the ends say, in segments and datagrams, in a capture."""
