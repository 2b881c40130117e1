"""Experiments: several iterations in order, measured on the same tasks, and what they show together.

Invariant: all that an experiment did is in the rooms; asking for it again goes on where it stopped.
"""
