"""The forum's task templates, 300-399: reading in questions, marking in votes, writing in writing."""

from __future__ import annotations

from services.arena.sites.forum import questions, votes, writing
from services.arena.task import Template

TEMPLATES: list[Template] = [*questions.TEMPLATES, *votes.TEMPLATES, *writing.TEMPLATES]
