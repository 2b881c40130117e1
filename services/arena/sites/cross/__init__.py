"""Tasks that span two sites."""

from services.arena.sites.cross.tasks import TEMPLATES

__all__ = ["TEMPLATES"]
