"""The arena's sites, and every task template there is."""

from __future__ import annotations

import importlib
import importlib.util
import sys

from services.arena.site import Site
from services.arena.task import Template

_FOLDERS = ("shop", "admin", "forum", "code", "wiki")


def _load_sites() -> dict[str, Site]:
    sites: dict[str, Site] = {}
    for folder in _FOLDERS:
        name = f"services.arena.sites.{folder}"
        if importlib.util.find_spec(name) is None:
            continue
        try:
            module = importlib.import_module(name)
        except (ImportError, AttributeError, SyntaxError, NameError) as half_written:
            sys.stderr.write(f"arena: site {folder} left out: {half_written}\n")
            continue
        if hasattr(module, "SITE"):
            sites[module.SITE.key] = module.SITE
    return sites


def _load_templates() -> dict[int, Template]:
    templates = [template for site in SITES.values() for template in site.templates]
    if importlib.util.find_spec("services.arena.sites.cross.tasks") is not None:
        templates += importlib.import_module("services.arena.sites.cross.tasks").TEMPLATES
    return {template.id: template for template in sorted(templates, key=lambda t: t.id)}


SITES: dict[str, Site] = _load_sites()
TEMPLATES: dict[int, Template] = _load_templates()
