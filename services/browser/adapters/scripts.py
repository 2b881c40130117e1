"""The few scripts that run inside a page.

Invariant: they read the page, bring an element into view and keep dialogs countable; the clicking and typing
is done by real input.
"""

# Runs in each new document. A script that opens one dialog after the other cannot be stopped from outside while
# it does; past the thirtieth without a pause the dialogs answer by themselves, and a busy script can be stopped.
DIALOGS = """(() => {
  const later = setTimeout, answers = {alert: undefined, confirm: false, prompt: null};
  let opened = 0;
  for (const [name, answer] of Object.entries(answers)) {
    const real = window[name].bind(window);
    window[name] = (...words) => {
      if (opened >= 30) return answer;
      if (!opened++) later(() => { opened = 0; });
      return real(...words);
    };
  }
})()"""

# Brings the element into view and answers a visible point of it that a click would reach, or why there is none.
POINT = """function() {
  let e = this.nodeType === Node.ELEMENT_NODE ? this : this.parentElement;
  if (!e || !e.isConnected) return {error: 'is not on the page any more'};
  if (e.disabled || e.closest('[aria-disabled="true"]') === e) return {error: 'is disabled'};
  if (e.tagName === 'OPTION' && e.closest('select')) {
    const list = e.closest('select');
    e.selected = true;
    for (const type of ['input', 'change']) list.dispatchEvent(new Event(type, {bubbles: true}));
    return {done: true};
  }
  const boxes = n => Array.from(n.getClientRects()).filter(r => r.width >= 1 && r.height >= 1);
  const shown = n => boxes(n).length > 0 && n.checkVisibility({visibilityProperty: true, opacityProperty: true});
  // A styled check box is often an invisible input under its visible label.
  const labels = Array.from(e.labels || []);
  if (!shown(e)) {
    const other = labels.find(shown) || Array.from(e.children).find(shown);
    if (!other) return {error: 'is not visible'};
    e = other;
  }
  const view = e.ownerDocument.defaultView, {innerWidth, innerHeight} = view;
  const inside = r => r.top >= 0 && r.left >= 0 && r.bottom <= innerHeight && r.right <= innerWidth;
  // Where a point of the element's frame is in the window.
  const inWindow = (x, y) => {
    for (let f = view.frameElement; f; f = f.ownerDocument.defaultView.frameElement) {
      const r = f.getBoundingClientRect();
      x += r.left + f.clientLeft;
      y += r.top + f.clientTop;
    }
    return {x, y};
  };
  const isInWindow = () => {
    if (view === window) return true;
    const r = e.getBoundingClientRect(), p = inWindow(r.left + r.width / 2, r.top + r.height / 2);
    return p.x >= 0 && p.y >= 0 && p.x <= window.innerWidth && p.y <= window.innerHeight;
  };
  if (!inside(e.getBoundingClientRect()) || !isInWindow()) {
    e.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
  }
  const at = (x, y) => {
    let hit = e.ownerDocument.elementFromPoint(x, y);
    while (hit && hit.shadowRoot) {
      const deeper = hit.shadowRoot.elementFromPoint(x, y);
      if (!deeper || deeper === hit) break;
      hit = deeper;
    }
    return hit;
  };
  const within = (outer, node) => {
    for (let n = node; n; n = n.parentNode || n.host) if (n === outer) return true;
    return false;
  };
  let cover = null;
  for (const r of boxes(e)) {
    const left = Math.max(r.left, 0), right = Math.min(r.right, innerWidth);
    const top = Math.max(r.top, 0), bottom = Math.min(r.bottom, innerHeight);
    if (right - left < 1 || bottom - top < 1) continue;
    for (const [fx, fy] of [[.5, .5], [.1, .5], [.9, .5], [.5, .1], [.5, .9]]) {
      const x = left + (right - left) * fx, y = top + (bottom - top) * fy, hit = at(x, y);
      if (hit && (within(e, hit) || labels.some(l => within(l, hit)))) return inWindow(x, y);
      cover = cover || hit;
    }
  }
  if (!cover) return {error: 'cannot be brought into view'};
  const words = (cover.innerText || cover.getAttribute('aria-label') || '').trim().replace(/\\s+/g, ' ');
  return {error: 'is covered by ' + (words ? `"${words.slice(0, 60)}"` : 'another element')};
}"""

# Asked before the click that gives focus: clicking a button or a link would do what it does.
TAKES_TEXT = """function() {
  const e = this.nodeType === Node.ELEMENT_NODE ? this : this.parentElement;
  const kind = e.tagName === 'INPUT' ? e.type : e.tagName.toLowerCase();
  const others = ['checkbox', 'radio', 'button', 'submit', 'reset', 'image', 'file', 'a'];
  return others.includes(kind) ? {error: 'is not a text field'} : {text: true};
}"""

# Selects what a field holds so that the next insertion replaces it; answers how text gets in, or why not.
FIELD = """function() {
  let e = this.nodeType === Node.ELEMENT_NODE ? this : this.parentElement;
  const editable = n => n && (n.isContentEditable || n.tagName === 'TEXTAREA' || n.tagName === 'INPUT');
  if (!editable(e)) {
    const focused = e.ownerDocument.activeElement;
    e = editable(focused) && focused !== e.ownerDocument.body ? focused : e.querySelector('input, textarea');
  }
  if (!editable(e)) return {error: 'is not a text field'};
  const kind = e.tagName === 'INPUT' ? e.type : '';
  if (['checkbox', 'radio', 'button', 'submit', 'reset', 'image', 'file'].includes(kind)) {
    return {error: 'is not a text field'};
  }
  if (e.readOnly) return {error: 'is read-only'};
  if (['date', 'time', 'datetime-local', 'month', 'week', 'color', 'range'].includes(kind)) return {assign: true};
  e.focus();
  if (e.isContentEditable) e.ownerDocument.getSelection().selectAllChildren(e); else e.select();
  return {insert: true};
}"""

# Sets the fields that have a picker instead of text.
ASSIGN = """function(text) {
  this.value = text;
  for (const type of ['input', 'change']) this.dispatchEvent(new Event(type, {bubbles: true}));
  if (this.value === text || text === '') return {done: true};
  return {error: `does not take the value "${text}" (${this.type})`};
}"""

# Evaluates to JSON-able data; a node is its visible text, as a reader would copy it.
VALUE = """(async () => {
  const plain = v => v instanceof Node ? (v.outerText ?? v.textContent) : v;
  const v = await (%s);
  return v instanceof NodeList || v instanceof HTMLCollection || Array.isArray(v) ? Array.from(v, plain) : plain(v);
})()"""
