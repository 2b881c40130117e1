"""Rewards, the label-free filter, and honest comparisons."""
