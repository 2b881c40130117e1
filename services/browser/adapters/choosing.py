"""Choosing options of a list as a person does: a native menu by its keys, every other list by the mouse.

Invariant: the page hears the trusted events of a person's choice; a list that is closed is opened first, and one
that does not open is told.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.browser.ports import NotActionable, Pick

if TYPE_CHECKING:
    from services.browser.adapters.hand import ChromiumHand

_KEYS = {"Home": 36, "End": 35, "ArrowUp": 38, "ArrowDown": 40}

# What a list offers: its kind ("menu", "list" or "custom"), labels, which are chosen, and which are disabled. `isOpen`
# says that it was clicked: then a list that came to show elsewhere on the page counts as its own.
_OPTIONS = """function(isOpen) {
  let e = this.nodeType === Node.ELEMENT_NODE ? this : this.parentElement;
  e = e.control || e;
  const native = e.closest('select');
  const labels = options => options.slice(0, 5000).map(o => (o.label || o.innerText || o.textContent).slice(0, 200));
  const where = (options, test) => options.flatMap((o, index) => test(o) ? [index] : []);
  if (native) {
    if (native.matches(':disabled')) return {error: 'is disabled'};
    const options = globalThis.ratchetOptions = Array.from(native.options);
    return {
      kind: native.multiple || native.size > 1 ? 'list' : 'menu', several: native.multiple, labels: labels(options),
      chosen: where(options, o => o.selected), disabled: where(options, o => o.matches(':disabled')),
    };
  }
  const lists = '[role=listbox]', fields = '[role=combobox], [aria-haspopup=listbox], ' + lists;
  const field = e.closest(fields) || e.querySelector(fields);
  if (!field) return {error: 'has no options to select'};
  if (field.closest('[aria-disabled="true"]') || field.matches(':disabled')) return {error: 'is disabled'};
  const shown = n => n.checkVisibility({visibilityProperty: true}) && n.getClientRects().length > 0;
  const named = n => ['aria-controls', 'aria-owns'].flatMap(name => (n.getAttribute(name) || '').split(/\\s+/))
    .map(id => id && n.getRootNode().getElementById(id)).filter(Boolean);
  const holders = field.matches(lists) ? [field] : [field, ...field.querySelectorAll('[aria-controls], [aria-owns]')]
    .flatMap(n => [n, ...named(n)]);
  const all = nodes => new Set(nodes.flatMap(n => [...n.querySelectorAll('[role=option]')]));
  const inside = nodes => Array.from(all(nodes)).filter(shown);
  let options = inside(holders);
  const elsewhere = inside(Array.from(field.getRootNode().querySelectorAll(lists)));
  if (!isOpen) globalThis.ratchetBefore = new Set(elsewhere);
  else if (!options.length) options = elsewhere.filter(o => !globalThis.ratchetBefore.has(o));
  globalThis.ratchetOptions = options;
  return {
    kind: 'custom', labels: labels(options.map(o => ({label: o.getAttribute('aria-label'), innerText: o.innerText}))),
    several: holders.some(n => n.getAttribute('aria-multiselectable') === 'true'),
    chosen: where(options, o => o.getAttribute('aria-selected') === 'true'),
    disabled: where(options, o => o.closest('[aria-disabled="true"]')),
  };
}"""
_OPTION = "function(index) { return globalThis.ratchetOptions[index]; }"

# Whether the menu of a select is open, and the shortest way by keys to one of its options: an end of the list or where
# it stands, and steps from there.
_WAY = """function(index) {
  const list = this.closest('select'), options = Array.from(list.options);
  const style = n => n.ownerDocument.defaultView.getComputedStyle(n), isShown = n => style(n).display !== 'none';
  const reached = options.filter(o => !o.matches(':disabled') && isShown(o) && isShown(o.parentElement));
  const to = reached.indexOf(options[index]), from = reached.indexOf(list.selectedOptions[0]);
  const ways = [['Home', to], ['End', to - reached.length + 1], ...(from < 0 ? [] : [['', to - from]])];
  const [start, steps] = ways.sort((a, b) => Math.abs(a[1]) - Math.abs(b[1]))[0];
  return {isOpen: list.matches(':open'), isReached: to >= 0, start, steps};
}"""
_CHOSEN = "function(index) { const o = this.closest('select')?.options[index]; return {isChosen: !o || o.selected}; }"
_LIST = "function() { return (this.control || this).closest('select'); }"


async def choose(hand: ChromiumHand, element: str, pick: Pick) -> None:
    """Choose what `pick` picks of the element's options. Raises NotActionable."""
    offered = await hand.call(element, _OPTIONS, False)
    if not offered["labels"] and offered["kind"] == "custom":
        await hand.press_on(element)
        await hand.tab.settle()
        offered = await hand.call(element, _OPTIONS, True)
        if not offered["labels"]:
            raise NotActionable("shows no options; they may come when something is typed into it")
    wanted, chosen = set(pick(offered["labels"], offered["several"])), set(offered["chosen"])
    for index in sorted((wanted - chosen) & set(offered["disabled"])):
        raise NotActionable(f"does not take '{offered['labels'][index].strip()}': that option is disabled")
    if offered["kind"] == "menu":
        for index in wanted - chosen:
            await choose_in_menu(hand, await hand.part(element, _LIST), index)
        return
    # In a list of several each click turns one option on or off; in any other the choice replaces what was chosen.
    clicked = wanted ^ chosen if offered["several"] else wanted
    for index in sorted(clicked):
        await hand.press_on(await hand.part(element, _OPTION, index))
        await hand.tab.settle()


async def choose_in_menu(hand: ChromiumHand, element: str, index: int) -> None:
    """Choose one option of a select that shows one at a time; `element` is the select or any option of it."""
    menu = await hand.part(element, _LIST)
    way = await hand.call(menu, _WAY, index)
    if not way["isReached"]:
        raise NotActionable("is not offered: that option is hidden or disabled")
    if (await hand.call(menu, _CHOSEN, index))["isChosen"]:
        return
    if not way["isOpen"]:
        await hand.press_on(menu)
        # What the click set going may have changed the options.
        way = await hand.call(menu, _WAY, index)
        if not way["isOpen"]:
            raise NotActionable("does not open its list of options")
    step = "ArrowDown" if way["steps"] > 0 else "ArrowUp"
    names = [way["start"]] * bool(way["start"]) + [step] * abs(way["steps"])
    # Sent together: Chromium keeps their order.
    await asyncio.gather(*(_down(hand, name) for name in names))
    await hand.key("Enter", 13, text="\r")
    if not (await hand.call(menu, _CHOSEN, index))["isChosen"]:
        raise NotActionable("did not keep the option that was chosen")


async def _down(hand: ChromiumHand, name: str) -> None:
    key = {"key": name, "code": name, "windowsVirtualKeyCode": _KEYS[name], "nativeVirtualKeyCode": _KEYS[name]}
    await hand.tab.send("Input.dispatchKeyEvent", {"type": "keyDown", **key})
