"""The agent loop: one attempt at one task, from a fresh world to a stored trajectory."""
