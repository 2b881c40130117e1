"""Revisions of the orchestrator's tables, run by services.common.database."""
