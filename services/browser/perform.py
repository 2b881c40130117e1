"""Doing one parsed action on a session's tabs.

Invariant: what the page does not allow is NotActionable with a sentence for the model that names the element
as the model named it; everything else is the machinery's failure.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.browser.actions import Action
from services.browser.addresses import Addresses
from services.browser.nodes import Element
from services.browser.ports import Context, LoadFailed, NotActionable, Tab


async def perform(action: Action, context: Context, addresses: Addresses, seen: Mapping[int, Element]) -> None:
    """Do it; `seen` are the elements of the last observation, if the tab in front still shows that document."""
    verb = action.verb
    if verb in ("click", "hover", "type"):
        await _on_element(action, context.front, seen)
    elif verb == "press":
        await context.front.hand.press(action.text)
    elif verb == "scroll":
        await context.front.hand.scroll(-1 if action.text == "up" else 1)
    elif verb == "goto":
        await _goto(context.front, action.text, addresses)
    elif verb in ("go_back", "go_forward"):
        await context.front.traverse(-1 if verb == "go_back" else 1)
    elif verb == "new_tab":
        await context.open_tab()
    elif verb == "tab_focus":
        await _focus(context, action.target or 0)
    elif verb == "close_tab":
        await _close(context)
    # stop asks nothing of the page.


async def _on_element(action: Action, tab: Tab, seen: Mapping[int, Element]) -> None:
    element = seen.get(action.target or 0)
    if element is None:
        raise NotActionable(f"[{action.target}] is not on the page")
    try:
        if action.verb == "click":
            await tab.hand.click(element.node)
        elif action.verb == "hover":
            await tab.hand.hover(element.node)
        else:
            await tab.hand.type(element.node, action.text, enter=action.enter)
    except NotActionable as error:
        raise NotActionable(f"[{element.id}] {element.role} '{element.name}' {error}") from error


async def _goto(tab: Tab, url: str, addresses: Addresses) -> None:
    try:
        real = addresses.real(url)
    except ValueError as error:
        raise NotActionable(str(error)) from error
    try:
        await tab.load(real)
    except LoadFailed as error:
        raise NotActionable(f"{url} {error}") from error


async def _focus(context: Context, index: int) -> None:
    tabs = context.tabs
    if index >= len(tabs):
        raise NotActionable(f"there is no tab {index}; the tabs are 0 to {len(tabs) - 1}")
    await context.focus(tabs[index])


async def _close(context: Context) -> None:
    await context.close_tab(context.front)
    if context.tabs:
        await context.focus(context.tabs[-1])
    else:
        await context.open_tab()
