"""Suites and workflow engines behind the ports."""
