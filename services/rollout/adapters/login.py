"""Signing in to a hosted site by its own form, as a script: the page is fetched, its form filled, the cookies kept.

Invariant: the name and the password go to the form's own site only, and never into an error or a log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from services.rollout.ports import EnvironmentFailed
from services.rollout.settings import Login

_TIMEOUT_S = 30.0


@dataclass
class _Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """The forms of a page with the fields that they would send untouched."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Form] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = True
            self.found.append(_Form(given.get("action", ""), given.get("method", "get").lower()))
        elif self._inside and tag in ("input", "button") and given.get("name"):
            kind = given.get("type", "submit" if tag == "button" else "text").lower()
            ticked = kind not in ("checkbox", "radio") or "checked" in given
            if ticked and kind not in ("submit", "button", "image", "reset", "file"):
                self.found[-1].fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


async def sign_in(login: Login, real_url: str) -> list[dict[str, Any]]:
    """The cookies of a fresh session, as Playwright's storage state has them. Raises EnvironmentFailed."""
    page = real_url.rstrip("/") + "/" + login.page.lstrip("/")
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, follow_redirects=True) as http:
            form, action = _filled(login, await http.get(page))
            if urlsplit(action).netloc != urlsplit(real_url).netloc:
                raise EnvironmentFailed(f"the form on {login.site}{login.page} leads to another site; nothing was sent")
            reply = await http.request(form.method, action, **_payload(form))
            reply.raise_for_status()
            if _has_form(login, reply):
                raise EnvironmentFailed(
                    f"{login.site} shows its sign-in form again: is the name and password in [[rollout.logins]] right?"
                )
            return [_cookie(cookie, real_url) for cookie in http.cookies.jar]
    except httpx.HTTPError as error:
        raise EnvironmentFailed(
            f"cannot sign in to {login.site}{login.page}: {error or type(error).__name__}"
        ) from error


def _payload(form: _Form) -> dict[str, Any]:
    return {"params" if form.method == "get" else "data": form.fields}


def _filled(login: Login, page: httpx.Response) -> tuple[_Form, str]:
    page.raise_for_status()
    form = _form(login, page)
    if form is None:
        fields = ", ".join(sorted(login.form))
        raise EnvironmentFailed(
            f"{login.site}{login.page} has no form with the fields {fields}; see [[rollout.logins]]"
        )
    form.fields |= {name: value.get_secret_value() for name, value in login.form.items()}
    return form, urljoin(str(page.url), form.action)


def _form(login: Login, page: httpx.Response) -> _Form | None:
    parser = _Forms()
    parser.feed(page.text)
    return next((form for form in parser.found if login.form.keys() <= form.fields.keys()), None)


def _has_form(login: Login, page: httpx.Response) -> bool:
    return _form(login, page) is not None


def _cookie(cookie: Any, real_url: str) -> dict[str, Any]:
    return {
        "name": cookie.name,
        "value": cookie.value or "",
        "domain": cookie.domain if cookie.domain_specified else urlsplit(real_url).hostname,
        "path": cookie.path or "/",
        "expires": cookie.expires or -1,
        "httpOnly": cookie.has_nonstandard_attr("HttpOnly"),
        "secure": cookie.secure,
        "sameSite": "Lax",
    }
