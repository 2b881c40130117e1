"""The arena's sites, in the order in which worlds are populated, and every task template there is."""

from __future__ import annotations

from services.arena.site import Site
from services.arena.sites import admin, code, cross, forum, shop, wiki
from services.arena.task import Template

SITES: dict[str, Site] = {site.key: site for site in (shop.SITE, admin.SITE, forum.SITE, code.SITE, wiki.SITE)}

TEMPLATES: dict[int, Template] = {
    template.id: template
    for template in sorted(
        [*(template for site in SITES.values() for template in site.templates), *cross.TEMPLATES],
        key=lambda template: template.id,
    )
}
