"""All task templates of the back office, ids 200 to 299."""

from __future__ import annotations

from services.arena.sites.admin import reading_tasks, writing_tasks
from services.arena.task import Template

TEMPLATES: list[Template] = [*reading_tasks.TEMPLATES, *writing_tasks.TEMPLATES]
