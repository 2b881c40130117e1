"""Engines. Only the host imports them."""
