"""Ratchet's rooms: one folder each, wired together only by services.host."""
