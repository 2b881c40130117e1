"""Other projects' environments, each in a virtual environment of its own, measured beside Ratchet."""
