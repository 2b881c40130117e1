// Where the mouse goes: a point of an element that a person could click, or why there is none.
//
// Nothing is changed but what is in view; whether a press reached the element is told by the page's own event, and one
// that did not is kept from whatever it reached. Both are called on elements from outside, so they are global here.

// Set from a press that was aimed until it is asked what it reached.
let aimed = null;

// Answers a point in the window, and whether a click there `adds` to what is chosen in a list of several; an option of a
// closed menu has none: its index. Else why there is none, and what lies over the element. `mode` is "press" to be told
// by `pressLanded` what a press reached, "grab" for one that is not asked about, "hover" for a mouse that only goes there,
// "still" for one that goes there without moving the page, and "through" for a frame of another origin: the point that
// is `at` these coordinates in it. In such a frame the window is the frame; `first` tells whose it is.
globalThis.aimAt = function (mode, at) {
  let e = this.nodeType === Node.ELEMENT_NODE ? this : this.parentElement;
  if (!e || !e.isConnected) return {error: 'is not on the page any more'};
  const list = e.tagName === 'OPTION' && e.closest('select');
  const isOff = n => n && (n.matches(':disabled') || n.closest('[aria-disabled="true"]'));
  if ((mode === 'press' || mode === 'grab') && (isOff(e) || isOff(list))) return {error: 'is disabled'};
  if (list && !list.multiple && list.size <= 1) return {menu: e.index};
  const boxes = n => Array.from(n.getClientRects()).filter(r => r.width >= 1 && r.height >= 1);
  const drawn = n => n.checkVisibility({visibilityProperty: true});
  const shown = n => boxes(n).length > 0 && drawn(n) && n.checkVisibility({opacityProperty: true});
  // A styled check box is often an invisible input under its visible label.
  const labels = Array.from(e.labels || []);
  if (!shown(e)) {
    const other = labels.find(shown) || Array.from(e.children).find(shown);
    if (!other && !drawn(e)) return {error: 'is hidden'};
    if (!other && !boxes(e).length) return {error: 'has no size on the page'};
    e = other || e;
  }
  const meant = n => isInside(e, n) || labels.some(l => isInside(l, n));
  const view = e.ownerDocument.defaultView, {innerWidth, innerHeight} = view;
  // The element's frames from the inside out.
  const frames = [];
  for (let f = view.frameElement; f; f = f.ownerDocument.defaultView.frameElement) frames.push(f);
  const outside = (frame, {x, y}) => {
    const r = frame.getBoundingClientRect(), style = frame.ownerDocument.defaultView.getComputedStyle(frame);
    const scaleX = r.width / frame.offsetWidth || 1, scaleY = r.height / frame.offsetHeight || 1;
    const left = frame.clientLeft + parseFloat(style.paddingLeft), top = frame.clientTop + parseFloat(style.paddingTop);
    return {x: r.left + (left + x) * scaleX, y: r.top + (top + y) * scaleY};
  };
  const inWindow = (x, y) => frames.reduce((point, frame) => outside(frame, point), {x, y});
  const isInView = () => {
    const r = e.getBoundingClientRect();
    if (r.top < 0 || r.left < 0 || r.bottom > innerHeight || r.right > innerWidth) return false;
    const p = inWindow(r.left + r.width / 2, r.top + r.height / 2);
    return p.x >= 0 && p.y >= 0 && p.x <= window.innerWidth && p.y <= window.innerHeight;
  };
  const hitIn = (doc, x, y) => {
    let hit = doc.elementFromPoint(x, y);
    while (hit && hit.shadowRoot) {
      const deeper = hit.shadowRoot.elementFromPoint(x, y);
      if (!deeper || deeper === hit) break;
      hit = deeper;
    }
    return hit;
  };
  // What a click at the point reaches instead of the element; null where it reaches the element.
  const between = (x, y) => {
    const hit = hitIn(e.ownerDocument, x, y);
    if (!hit || !meant(hit)) return hit || e.ownerDocument.documentElement;
    let point = {x, y};
    for (const frame of frames) {
      point = outside(frame, point);
      const over = hitIn(frame.ownerDocument, point.x, point.y);
      if (over !== frame) return over || frame.ownerDocument.documentElement;
    }
    return null;
  };
  const isCutOff = (x, y) => {
    for (let a = flatParent(e); a && a !== e.ownerDocument.documentElement; a = flatParent(a)) {
      const r = a.getBoundingClientRect(), isOut = x < r.left || x > r.right || y < r.top || y > r.bottom;
      if (isOut && a !== e.ownerDocument.body && view.getComputedStyle(a).overflow !== 'visible') return true;
    }
    return false;
  };
  const points = function* () {
    for (const r of boxes(e)) {
      const left = Math.max(r.left, 0), right = Math.min(r.right, innerWidth);
      const top = Math.max(r.top, 0), bottom = Math.min(r.bottom, innerHeight);
      if (right - left < 1 || bottom - top < 1) continue;
      for (const [fx, fy] of [[.5, .5], [.1, .5], [.9, .5], [.5, .1], [.5, .9]]) {
        yield [left + (right - left) * fx, top + (bottom - top) * fy];
      }
    }
  };
  const search = () => {
    let cover = null, isSeen = false;
    for (const [x, y] of points()) {
      const over = between(x, y);
      if (!over) return {point: inWindow(x, y)};
      if (!isCutOff(x, y)) {
        isSeen = true;
        cover = cover || over;
      }
    }
    return {cover, isSeen};
  };
  // Tells by the first event of a press whether it reaches the element; one that does not goes no further.
  const arm = () => {
    const state = aimed = {has: true};
    const stop = event => { event.preventDefault(); event.stopImmediatePropagation(); };
    const kinds = ['mousedown', 'pointerup', 'mouseup', 'click'];
    const press = event => {
      view.removeEventListener('pointerdown', press, true);
      if (event.composedPath().some(n => n === e || n === this || labels.includes(n))) return;
      state.has = false;
      stop(event);
      for (const kind of kinds) view.addEventListener(kind, stop, true);
    };
    view.addEventListener('pointerdown', press, true);
    state.end = () => {
      view.removeEventListener('pointerdown', press, true);
      if (!state.has) for (const kind of kinds) view.removeEventListener(kind, stop, true);
    };
  };
  if (mode === 'through') {
    const p = outside(e, at), inside = inWindow(p.x, p.y);
    const isOut = ({x, y}, w) => x < 0 || y < 0 || x >= w.innerWidth || y >= w.innerHeight;
    if (isOut(p, view) || isOut(inside, window) || isCutOff(p.x, p.y)) return {away: true};
    const over = between(p.x, p.y);
    return over ? coverOf(over, e) : inside;
  }
  let found = isInView() || mode === 'still' ? search() : {};
  if (!found.point && mode === 'still') return {away: true};
  if (!found.point) {
    e.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
    found = search();
  }
  if (found.point) {
    if (mode === 'press') arm();
    const point = {...found.point, first: firstNumber};
    return list && list.multiple ? {...point, adds: true} : point;
  }
  if (view.getComputedStyle(e).pointerEvents === 'none') {
    return {error: 'does not react to the mouse (pointer-events: none)'};
  }
  if (!found.isSeen) return {error: 'cannot be scrolled into view'};
  return coverOf(found.cover, e);
};

// Asked after a press at a point of aimAt, once the page's queue has turned: whether the press reached the element.
globalThis.pressLanded = function () {
  const state = aimed;
  aimed = null;
  if (state) state.end();
  return new Promise((done) => setTimeout(() => done({ landed: !state || state.has })));
};

// Whether a node is an element or somewhere in it, shadow roots included.
function isInside(one, node) {
  for (let n = node; n; n = n.parentNode || n.host) if (n === one) return true;
  return false;
}

// What lies over an element: in words, and by the numbers of what was told of it.
function coverOf(cover, e) {
  const around = [];
  for (let n = cover; n && !isInside(n, e); n = flatParent(n)) around.push(n);
  const isDialog = n => n.matches('dialog, [role=dialog], [role=alertdialog], [aria-modal=true]');
  const dialog = around.find(isDialog), top = dialog || around[around.length - 1] || cover;
  const short = text => {
    const words = (text || '').trim().replace(/\s+/g, ' ');
    return words.length > 60 ? words.slice(0, 59) + '…' : words;
  };
  const named = n => {
    const title = labelledBy(n)[0] || n.querySelector('h1, h2, h3, h4, h5, h6, [role=heading]');
    return short(n.getAttribute('aria-label') || (title && title.innerText) || n.innerText);
  };
  const words = short(cover.innerText || cover.getAttribute('aria-label'));
  const numbers = nodes => nodes.map(n => ownNumbers.get(n)).filter(Boolean);
  return {
    error: 'is covered by ' + (dialog ? `dialog '${named(dialog)}'` : words ? `"${words}"` : 'another element'),
    by: numbers(dialog ? [dialog] : [...around, ...cover.childNodes]),
    inside: numbers(Array.from(top.querySelectorAll('*')).slice(0, 1000)),
  };
}
