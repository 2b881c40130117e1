"""Environments behind the port."""
