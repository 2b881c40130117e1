"""All of the shop's task templates (ids 100-199)."""

from __future__ import annotations

from services.arena.sites.shop import account_tasks, buying_tasks, catalogue_tasks
from services.arena.task import Template

TEMPLATES: list[Template] = [
    *catalogue_tasks.TEMPLATES,
    *buying_tasks.TEMPLATES,
    *account_tasks.TEMPLATES,
]
