"""The person at the terminal: `ratchet`, a plain gRPC client of the rooms."""
