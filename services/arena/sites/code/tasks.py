"""The code host's task templates, 400-499: reading, tracking (issues, merge requests), managing (projects)."""

from __future__ import annotations

from services.arena.sites.code import managing, questions, tracking
from services.arena.task import Template

TEMPLATES: list[Template] = [*questions.TEMPLATES, *tracking.TEMPLATES, *managing.TEMPLATES]
