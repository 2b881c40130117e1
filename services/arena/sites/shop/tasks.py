"""The shop's task templates (ids 100-199)."""

from __future__ import annotations

from services.arena.task import Template

TEMPLATES: list[Template] = []
