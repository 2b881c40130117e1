// `compact`: one short line per thing, for models with little room.
//
//     [4] textbox 'Search products': 'current value'
//     [9] checkbox 'Subscribe' checked
//     [10] combobox 'Size': 'Small' of 'Small | Large'
//     [12] clickable 'More'
//     heading 'Velmora Kettle'
//     text 'Price: $12.99'
//     row 'Order 1007 | 2024-03-02 | Complete'
//
// Pre-order, no indentation, no line holds a line break; exactly what can be acted on has an id; no text of the page
// reads as an id before a role. Written here and not outside, because most of what the walk notes is in no line.
const MAX_NAME_CHARS = 120;
// Texts and rows hold facts: a paragraph is worth more room than a name.
const MAX_TEXT_CHARS = 400;
const ACTIONABLE = new Set(['link', 'button', 'textbox', 'searchbox', 'checkbox', 'radio', 'combobox', 'listbox', 'option',
  'menuitem', 'menuitemcheckbox', 'menuitemradio', 'tab', 'switch', 'slider', 'spinbutton', 'treeitem',
  'DisclosureTriangle', 'DisclosureTriangleGrouped', 'ToggleButton', 'Date', 'DateTime', 'InputTime', 'ColorWell']);
const FIELDS = new Set(['textbox', 'searchbox', 'combobox', 'spinbutton', 'slider', 'Date', 'DateTime', 'InputTime']);
// Holds no controls, or none that can be used apart from it.
const CLOSED = new Set(['A', 'BUTTON', 'INPUT', 'SELECT', 'TEXTAREA', 'OPTION']);
// What may be drawn as a control without being one.
const CLICKABLE = new Set(['generic', 'none', 'listitem', 'paragraph', 'image', 'Canvas', 'emphasis', 'strong', 'article']);
const IMAGES = new Set(['image', 'img', 'figure']);
// Inside a line of text these begin no new one.
const INLINE = new Set(['StaticText', 'LineBreak', 'emphasis', 'strong', 'code', 'mark', 'time', 'superscript', 'subscript',
  'insertion', 'deletion', 'Abbr', 'none', 'LabelText']);
const SPACES = /[\s\x1c-\x1f\x85]+/g;
// A page may write what looks like a line of ours; its id must not.
const IMITATION = /\[(\p{Nd}+)\](?= [\p{L}\p{N}_]+ ')/gu;
const CHECKED = { true: ' checked', mixed: ' mixed' };

class Compact {
  constructor(walk, names, ids) {
    this.walk = walk;
    this.names = names;
    this.ids = ids;
    this.lines = [];
    this.words = [];
  }

  // Everything that is told, in order of the page.
  write(root) {
    const work = [root];
    while (work.length) {
      const next = work.pop();
      if (next === FLUSH) this.flush();
      else this.visit(next, work);
    }
    this.flush();
    return withoutLabels(this.lines);
  }

  flush() {
    if (!this.words.length) return;
    const text = clean(this.words.join(''), MAX_TEXT_CHARS);
    this.words.length = 0;
    if (text) this.line(`text '${text}'`, 'text', text);
  }

  line(text, role, name) {
    this.lines.push({ text, role, name, id: 0, number: 0 });
  }

  visit(record, work) {
    const role = record.role;
    if (this.walk.frames.size && this.walk.frames.has(record)) {
      this.frame(record);
    } else if (this.control(record)) {
      this.element(record);
    } else if (!isTold(record)) {
      pushAll(work, record.children);
    } else if (role === 'StaticText') {
      this.words.push(nameOf(record, this.names));
    } else if (role === 'LineBreak') {
      this.words.push(' ');
    } else if (role === 'ListMarker') {
      this.flush();
    } else if (role === 'heading') {
      this.heading(record);
    } else if (role === 'row') {
      this.row(record);
    } else if (IMAGES.has(role) && this.image(record)) {
      return;
    } else if (INLINE.has(role)) {
      pushAll(work, record.children);
    } else {
      this.flush();
      work.push(FLUSH);
      pushAll(work, record.children);
    }
  }

  // Where the lines of a frame of another origin belong.
  frame(record) {
    this.flush();
    if (isTold(record)) this.lines.push({ text: '', role: 'frame', name: '', id: 0, number: numberOf(record.node), record });
  }

  framesIn(record) {
    for (const frame of this.walk.frames) {
      for (let around = frame; around; around = around.parent) if (around === record) this.frame(frame);
    }
  }

  image(record) {
    const name = clean(nameOf(record, this.names));
    if (!name) return false;
    this.flush();
    this.line(`image '${name}'`, 'image', name);
    return true;
  }

  element(record) {
    this.flush();
    const role = this.control(record);
    const name = clean(role === 'clickable' ? this.clickableName(record) : nameOf(record, this.names));
    const number = numberOf(record.node, record.part), id = this.ids.of(number);
    let text = `[${id}] ${role} '${name}'`;
    if (FIELDS.has(role)) {
      const value = clean(valueOf(record));
      if (value) text += `: '${value}'`;
    }
    if (role === 'combobox') text += optionsOf(record);
    this.lines.push({ text: text + this.states(record), role, name, id, number, record });
    this.inside(record, name);
  }

  // The controls in a control: an open list's options, a tab's button; a tab's link of the same name is the tab.
  inside(record, name) {
    if (CLOSED.has(record.node.tagName) && record.role !== 'listbox') return;
    for (const control of this.controls(record)) {
      if (clean(nameOf(control, this.names)) !== name) this.element(control);
    }
  }

  // The outermost things below a record that can be acted on.
  controls(record) {
    const found = [], work = [];
    pushAll(work, record.children);
    while (work.length) {
      const next = work.pop();
      if (this.control(next)) found.push(next);
      else pushAll(work, next.children);
    }
    return found;
  }

  // What the record is as something that can be acted on; '' where it is not.
  control(record) {
    if (record.control === undefined) record.control = this.controlOf(record);
    return record.control;
  }

  controlOf(record) {
    const role = record.role;
    if (record.kind === TEXT || record.kind === ROOT) return '';
    if (isTold(record)) {
      if (ACTIONABLE.has(role)) return role;
      if (record.kind === ELEMENT && record.hasAttributes && isRichText(record.node)) return role;
    }
    return CLICKABLE.has(role) && this.isClickable(record) ? 'clickable' : '';
  }

  // What no role makes a control but the page draws as one: the outermost box under a hand-shaped pointer.
  isClickable(record) {
    const element = record.node;
    if (record.kind !== ELEMENT || !record.isShown || element === element.ownerDocument.body) return false;
    if (record.style.cursor !== 'pointer' || record.parent.style?.cursor === 'pointer') return false;
    const name = this.clickableName(record);
    return name.trim() !== '' && name.length <= MAX_NAME_CHARS && !this.controls(record).length;
  }

  clickableName(record) {
    const how = { inLabel: false, inContent: true, seen: new Set(), depth: 0 };
    return nameOf(record, this.names) || this.names.content(record, how);
  }

  states(record) {
    const role = record.role, element = record.node;
    if (record.kind !== ELEMENT) return '';
    let found = '';
    if (record.hasAria || !PLAIN.has(role)) {
      if (CHECKABLE.has(role)) found += CHECKED[checkedOf(element, role)] ?? '';
      if (role === 'button' && pressedOf(element) === 'true') found += ' pressed';
      if (SELECTABLE.has(role) && selectedOf(element, role)) found += ' selected';
      const expanded = role === 'combobox' && element.tagName === 'SELECT' ? null : expandedOf(element, role);
      if (expanded !== null) found += expanded ? ' expanded' : ' collapsed';
    }
    return isDisabled(element, record.hasAria, this.walk.hasDisabled) ? found + ' disabled' : found;
  }

  heading(record) {
    this.flush();
    const name = clean(nameOf(record, this.names)), within = this.controls(record);
    // A heading that is one link says nothing that the link does not.
    if (name && !(within.length === 1 && clean(nameOf(within[0], this.names)) === name)) {
      this.line(`heading '${name}'`, 'heading', name);
    }
    for (const control of within) this.element(control);
    if (this.walk.frames.size) this.framesIn(record);
  }

  row(record) {
    this.flush();
    const cells = [], within = [];
    for (const cell of toldBelow(record)) {
      const controls = this.control(cell) ? [cell] : this.controls(cell), pieces = [];
      within.push(...controls);
      this.cellText(cell, pieces, 0);
      const text = clean(pieces.join(''));
      if (text || !controls.length) cells.push(text || '-');
    }
    while (cells.length && cells.at(-1) === '-') cells.pop();
    if (cells.length) {
      const text = clean(cells.join(' | '), MAX_TEXT_CHARS);
      this.line(`row '${text}'`, 'row', text);
    }
    for (const control of within) this.element(control);
    if (this.walk.frames.size) this.framesIn(record);
  }

  cellText(record, pieces, depth) {
    const role = record.role, isTransparent = !isTold(record);
    if (role !== 'link' && this.control(record)) return;
    if (!isTransparent && (role === 'StaticText' || IMAGES.has(role))) {
      pieces.push(nameOf(record, this.names));
      return;
    }
    const isInline = isTransparent || INLINE.has(role) || role === 'link';
    if (!isInline) pieces.push(' ');
    if (depth < MAX_DEPTH) for (const child of record.children) this.cellText(child, pieces, depth + 1);
    if (!isInline) pieces.push(' ');
  }
}

const FLUSH = Symbol('flush');

function pushAll(work, children) {
  for (let i = children.length - 1; i >= 0; i--) work.push(children[i]);
}

// The told records right below one.
function toldBelow(record) {
  const found = [], work = [];
  pushAll(work, record.children);
  while (work.length) {
    const next = work.pop();
    if (isTold(next)) found.push(next);
    else pushAll(work, next.children);
  }
  return found;
}

function isRichText(element) {
  return isEditingHost(element) && element.contentEditable !== 'plaintext-only' && isFocusable(element);
}

function optionsOf(record) {
  const labels = [];
  for (const option of record.node.tagName === 'SELECT' ? record.node.options : []) labels.push(simplified(option.label));
  return labels.length ? ` of '${clean(labels.join(' | '), MAX_TEXT_CHARS)}'` : '';
}

// Drops a text that only repeats the name of the element beside it: its label.
function withoutLabels(lines) {
  return lines.filter((line, i) => {
    if (line.role !== 'text') return true;
    const label = bare(line.name), before = lines[i - 1], after = lines[i + 1];
    return !((before?.id && bare(before.name) === label) || (after?.id && bare(after.name) === label));
  });
}

function bare(name) {
  return name.replace(/[ :*]+$/, '');
}

function clean(text, limit = MAX_NAME_CHARS) {
  if (text === '') return text;
  let found = text.replace(SPACES, ' ').trim();
  if (found.includes('[')) found = found.replace(IMITATION, '($1)');
  if (found.length > limit) found = cut(found, limit);
  return found.isWellFormed() ? found : found.toWellFormed();
}

function cut(text, limit) {
  const letters = [...text];
  return letters.length <= limit ? text : letters.slice(0, limit - 1).join('').trimEnd() + '…';
}
