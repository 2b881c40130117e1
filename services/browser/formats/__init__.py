"""Observation formats by name; each is a pure function of the accessibility tree."""
