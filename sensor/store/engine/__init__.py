"""Engines that read a store."""
