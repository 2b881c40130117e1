"""Doing one parsed action on a session's tabs.

Invariant: what the page does not allow is NotActionable with a sentence for the model that names the element
as the model named it; everything else is the machinery's failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from services.browser.actions import Action, several
from services.browser.addresses import Addresses
from services.browser.choices import choose
from services.browser.nodes import Element
from services.browser.ports import Context, Covered, LoadFailed, NotActionable, Tab

# Things to name in a dialog that has no id of its own.
_MOST_INSIDE = 3


async def perform(action: Action, context: Context, addresses: Addresses, seen: Mapping[int, Element]) -> None:
    """Do it, but for `dialog`, which asks nothing of a tab.

    `seen` are the elements of the last observation, if the tab in front still shows that document.
    """
    verb = action.verb
    if action.target is not None and verb != "tab_focus":
        await _on_element(action, context, seen)
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


async def _on_element(action: Action, context: Context, seen: Mapping[int, Element]) -> None:
    element = _seen(action.target, seen)
    onto = _seen(action.onto, seen) if action.verb == "drag" else element
    hand, node, others = context.front.hand, element.node, {other.node: other for other in seen.values()}
    try:
        if action.verb == "click":
            await hand.click(node)
        elif action.verb == "hover":
            await hand.hover(node)
        elif action.verb == "type":
            await hand.type(node, action.text, enter=action.enter)
        elif action.verb == "select":
            await hand.select(node, lambda options, several: choose(action.text, options, can_be_several=several))
        elif action.verb == "upload":
            await hand.upload(node, await _files(action.text, context))
        else:
            await hand.drag(node, onto.node)
    except NotActionable as error:
        about = others.get(error.node, element)
        raise NotActionable(f"{_named(about)} {_reason(error, others)}") from error


def _seen(number: int | None, seen: Mapping[int, Element]) -> Element:
    element = seen.get(number or 0)
    if element is None:
        raise NotActionable(f"[{number}] is not on the page")
    return element


def _named(element: Element) -> str:
    return f"[{element.id}] {element.role} '{element.name}'"


def _reason(error: NotActionable, others: Mapping[int, Element]) -> str:
    """The refusal in the words of the last observation: with the ids of what lies over the element."""
    if not isinstance(error, Covered):
        return str(error)
    by = next((others[node] for node in error.by if node in others), None)
    if by is not None:
        return f"is covered by {_named(by)}"
    inside = [_named(others[node]) for node in error.inside if node in others]
    return f"{error} (in it: {', '.join(inside[:_MOST_INSIDE])})" if inside else str(error)


async def _files(text: str, context: Context) -> list[Path]:
    known = context.file_names
    names = several(text, known)
    for name in names:
        if name not in known:
            listed = f"its files are: {', '.join(known)}" if known else "it was opened without files"
            raise NotActionable(f"cannot be given '{name}': the session has no such file; {listed}")
    return await context.file_paths(names)


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
