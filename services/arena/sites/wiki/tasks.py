"""All task templates of the encyclopedia, ids 500 to 599."""

from __future__ import annotations

from services.arena.sites.wiki import reading_tasks, writing_tasks
from services.arena.task import Template

TEMPLATES: list[Template] = [*reading_tasks.TEMPLATES, *writing_tasks.TEMPLATES]
