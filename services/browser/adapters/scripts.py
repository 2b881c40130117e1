"""The few scripts that run inside a page.

Invariant: they read the page, say what a field takes and keep dialogs countable; the clicking and typing is done
by real input.
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
