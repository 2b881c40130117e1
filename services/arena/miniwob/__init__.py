"""MiniWoB++: the pages of the PyPI package `miniwob`, with its own rewards, as tasks in WebArena's format."""
