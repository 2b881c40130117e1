"""Display names of sites and the real addresses behind them.

Invariant: nothing that leaves the room shows a real address, and nothing outside the sites is ever opened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Site:
    """One site: both URLs without a trailing slash."""

    display: str
    real: str


class Addresses:
    """The sites of one session."""

    def __init__(self, sites: tuple[Site, ...]) -> None:
        """Raises ValueError naming a URL that is none."""
        for site in sites:
            for url in (site.display, site.real):
                origin(url)
        # The longest first: a site may live below another's path.
        self._to_real = sorted(((site.display, site.real) for site in sites), key=lambda p: -len(p[0]))
        self._to_display = sorted(((site.real, site.display) for site in sites), key=lambda p: -len(p[0]))
        self.origins = tuple(dict.fromkeys(origin(site.real) for site in sites))
        self._real_text = _alternatives([real for real, _ in self._to_display])
        self._display_of = dict(self._to_display)

    def real(self, url: str) -> str:
        """The address behind a display URL. Raises ValueError, in words for the model, when it is outside."""
        url = url.strip()
        if "://" not in url and not url.startswith(("javascript:", "data:", "about:", "file:")):
            url = f"http://{url}"
        for display, real in self._to_real:
            rest = _below(url, display)
            if rest is not None:
                return real + rest
        for real, _ in self._to_display:
            if _below(url, real) is not None:
                return url
        known = ", ".join(display for display, _ in self._to_real)
        raise ValueError(f"{url} is outside the sites that can be reached: {known}")

    def display(self, url: str) -> str:
        """The name under which a real URL is shown; other URLs stay as they are."""
        for real, display in self._to_display:
            rest = _below(url, real)
            if rest is not None:
                return display + rest
        return url

    def display_in(self, text: str) -> str:
        """Text with every real address in it replaced by its display name."""
        return self._real_text.sub(lambda match: self._display_of[match[0]], text) if self._to_display else text


def origin(url: str) -> str:
    """scheme://host:port of an http(s) URL, the port always given. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not an http(s) URL of a site")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _below(url: str, prefix: str) -> str | None:
    head, rest = url[: len(prefix)], url[len(prefix) :]
    if head.lower() != prefix.lower() or (rest and rest[0] not in "/?#"):
        return None
    return rest


def _alternatives(urls: list[str]) -> re.Pattern[str]:
    return re.compile("(?:" + "|".join(map(re.escape, urls)) + r")(?![\w:-]|\.\w)")
