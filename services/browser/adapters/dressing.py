"""What a session brings along, put into a context that nobody has used: its state, headers, place and clock.

Invariant: nothing here loads a page of a site.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from services.browser.ports import ContextOptions

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, StorageState

# Shifts what tells the time of day in a document; durations and timers stay real, so the page runs as it always does.
_CLOCK = """(() => {
  const shift = %d, Real = Date, now = Date.now;
  const shifted = new Proxy(Real, {
    construct: (target, given, as) => Reflect.construct(target, given.length ? given : [now() + shift], as),
    apply: () => new shifted().toString(),
  });
  const moved = method => new Proxy(method, {
    apply: (target, self, given) => Reflect.apply(
      target, self, given.length && given[0] !== undefined ? given : [now() + shift]),
  });
  Real.now = new Proxy(now, {apply: () => now() + shift});
  Real.prototype.constructor = shifted;
  globalThis.Date = shifted;
  const formats = Intl.DateTimeFormat.prototype;
  formats.formatToParts = moved(formats.formatToParts);
  const format = Object.getOwnPropertyDescriptor(formats, 'format');
  Object.defineProperty(formats, 'format', {...format, get: new Proxy(format.get, {
    apply: (target, self) => moved(Reflect.apply(target, self, [])),
  })});
  if (globalThis.performance) {
    Object.defineProperty(performance, 'timeOrigin', {get: () => now() + shift - performance.now()});
  }
})()"""


async def dress(context: BrowserContext, options: ContextOptions) -> None:
    """Raises Playwright's Error where Chromium does not take it."""
    state = options.storage_state or {}
    if state.get("origins"):
        whole: StorageState = state  # type: ignore[assignment]
        await context.set_storage_state(whole)
    elif state.get("cookies"):
        # Much cheaper than the whole state, and there is nothing to clear.
        await context.add_cookies(state["cookies"])
    if options.headers:
        await context.set_extra_http_headers(options.headers)
    if options.geolocation is not None:
        latitude, longitude, accuracy_m = options.geolocation
        await context.set_geolocation({"latitude": latitude, "longitude": longitude, "accuracy": accuracy_m})
    if options.clock_start_s is not None:
        await context.add_init_script(_CLOCK % round(1000 * (options.clock_start_s - time.time())))
