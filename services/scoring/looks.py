"""Judges the state that an episode left, by looking at pages through the episode's own browser session.

Invariant: a page that cannot be read is a failed check; a browser that cannot be asked is an error, never a reward.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin

from ratchet.browser.v1 import browser_service_pb2 as browser_pb
from services.scoring import functions, strings
from services.scoring.functions import Look
from services.scoring.tasks import RequiredContents, Target


class Looker:
    """One episode's pages, seen through its session."""

    def __init__(
        self,
        browser: Any,
        session: str,
        last_url: str,
        placeholders: Mapping[str, str],
        timeout_s: float,
        included: Callable[[str, str], bool],
    ) -> None:
        """`included` as in Matching.in_page."""
        self._browser = browser
        self._session = session
        self._last_url = last_url
        self._placeholders = placeholders
        self._timeout_s = timeout_s
        self._included = included

    async def judge(self, target: Target) -> tuple[bool, str]:
        """Whether the target has its required contents, and what was wanted and found.

        Raises InvalidArgument for a target that cannot be understood, and whatever the browser room raises.
        """
        url = await self._url(target.url)
        if not url:
            return False, f"{target.url} leads nowhere"
        look = self._look(target, url)
        answer = await self._probe(look, target.prep_actions)
        missed = missing(target.required_contents, html.unescape(answer.content), self._included)
        place = f"{look.url} {target.locator}".strip()
        if not missed:
            return True, f"{place}: has what is required"
        if answer.error:
            return False, f"{place}: {answer.error}"
        found = f", found {strings.clean(answer.content)[:120]!r}" if target.locator else ""
        return False, f"{place}: {'; '.join(missed)}{found}"

    async def _url(self, text: str) -> str:
        if not text.startswith("func:"):
            return text
        resolved = functions.resolve_url(text, self._last_url, self._placeholders)
        if not isinstance(resolved, Look):
            return resolved
        found = (await self._probe(resolved, [])).content
        return urljoin(resolved.url, found) if found else ""

    def _look(self, target: Target, url: str) -> Look:
        locator = target.locator.strip()
        if locator.startswith("func:"):
            return functions.resolve_locator(locator, url, self._placeholders)
        return Look(url, locator)

    async def _probe(self, look: Look, prep_actions: list[str]) -> browser_pb.ProbeResponse:
        request = browser_pb.ProbeRequest(
            session=self._session, url=look.url, locator=look.locator, prep_actions=prep_actions
        )
        answer: browser_pb.ProbeResponse = await self._browser.Probe(request, timeout=self._timeout_s)
        if answer.content_blob.name:
            # What a page must include may stand after what one message holds.
            asked = browser_pb.ReadBlobRequest(name=answer.content_blob.name)
            chunks = [reply.chunk async for reply in self._browser.ReadBlob(asked, timeout=self._timeout_s)]
            answer.content = b"".join(chunks).decode("utf-8")
        return answer


def missing(wanted: RequiredContents, found: str, included: Callable[[str, str], bool]) -> list[str]:
    """What the text lacks, in words; empty when it has everything."""
    lacks = []
    if wanted.exact_match is not None and not strings.exact_match(wanted.exact_match, found):
        lacks.append(f"is not {wanted.exact_match!r}")
    lacks += [f"does not include {text!r}" for text in wanted.must_include or [] if not included(text, found)]
    return lacks
