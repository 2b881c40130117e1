"""Browsers that the room can drive; only the host imports them."""
