"""Iterations of the loop, evaluations, the policy registry, suites."""
