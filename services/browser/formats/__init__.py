"""Observation formats made outside the page; each is a pure function of the accessibility tree."""
