// Accessible names: the text alternative of an element (accname 1.2, as Chromium computes it).
const NAMED_BY_CONTENT = new Set(['button', 'ToggleButton', 'PopUpButton', 'cell', 'gridcell', 'checkbox', 'columnheader',
  'DisclosureTriangle', 'LayoutTableCell', 'DisclosureTriangleGrouped', 'heading', 'link', 'menuitem', 'menuitemcheckbox', 'menuitemradio',
  'option', 'radio', 'rowheader', 'switch', 'tab', 'tooltip', 'treeitem', 'comment', 'term', 'math']);
// Not read through when the name of something around them is made of its content.
const CLOSED_TO_NAMES = new Set(['alert', 'alertdialog', 'application', 'article', 'Audio', 'banner', 'blockquote',
  'complementary', 'contentinfo', 'dialog', 'document', 'feed', 'figure', 'form', 'grid', 'group', 'Iframe', 'listbox', 'log',
  'main', 'marquee', 'menu', 'menubar', 'MenuListPopup', 'meter', 'navigation', 'note', 'progressbar', 'radiogroup', 'region',
  'scrollbar', 'search', 'searchbox', 'slider', 'spinbutton', 'status', 'tablist', 'tabpanel', 'textbox', 'timer', 'toolbar',
  'tree', 'treegrid', 'combobox', 'Video']);
// A title only describes these.
const NOT_TITLED = new Set(['caption', 'code', 'deletion', 'emphasis', 'generic', 'insertion', 'mark', 'paragraph', 'strong',
  'subscript', 'superscript', 'suggestion', 'time']);
// HTML names these by what is in them or beside them.
const NAMED_BY_HTML = new Set(['INPUT', 'SELECT', 'TEXTAREA', 'BUTTON', 'METER', 'OUTPUT', 'PROGRESS', 'FIELDSET', 'TABLE',
  'OPTION', 'OPTGROUP', 'svg', 'TR']);
const LABELABLE = new Set(['INPUT', 'SELECT', 'TEXTAREA', 'BUTTON', 'METER', 'OUTPUT', 'PROGRESS']);
const HAS_INK = /[^ \t\n\r\f]/;
const MAX_NAME_DEPTH = 200;

class Names {
  constructor(walk) {
    this.records = walk.records;
    this.labels = walk.labels;
  }

  // The name of a record as the tree shows it.
  of(record) {
    switch (record.kind) {
      case TEXT: case BREAK: case MARKER: return record.text;
      case ROOT: return record.node.title || '';
      case GENERATED: return '';
    }
    const role = record.role;
    if (role === 'none') return '';
    if (!record.hasAttributes && !NAMED_BY_CONTENT.has(role) && !NAMED_BY_HTML.has(record.node.tagName)) return '';
    return this.alternative(record, { inLabel: false, inContent: false, seen: new Set(), depth: 0 });
  }

  alternative(record, how) {
    const element = record.node;
    // Whether the last name is no text of the page: such a name does not touch its neighbours.
    this.isTold = true;
    if (how.seen.has(element) && !how.inLabel) return '';
    how.seen.add(element);
    const told = record.hasAria ? this.told(element, how) : '';
    if (told) return told;
    const isInside = how.inLabel || how.inContent;
    if (isInside) {
      const value = embeddedValue(record);
      if (value) return value;
    }
    const native = this.native(record, how);
    if (native !== null) return native;
    if (NAMED_BY_CONTENT.has(record.role) || isGridRow(record) || (isInside && !CLOSED_TO_NAMES.has(record.role))) {
      const text = this.content(record, { ...how, inContent: true });
      this.isTold = false;
      if (HAS_INK.test(text)) return isInside ? text : text.replace(/[ \t\n\r\f]+/g, ' ');
    }
    this.isTold = true;
    if (NOT_TITLED.has(record.role)) return '';
    const title = element.getAttribute('title');
    return title ? simplified(title) : '';
  }

  // What aria-labelledby and aria-label say.
  told(element, how) {
    const others = how.inLabel ? [] : labelledBy(element);
    if (others.length) {
      const name = others.map((other) => this.label(other, how.seen)).filter(Boolean).join(' ');
      if (name) return name;
    }
    return simplified((element.getAttribute('aria-label') || '').trim());
  }

  // The text of an element that another one's label points to, even if it is hidden.
  label(element, seen) {
    const record = this.records.get(element);
    if (!record) return simplified(hiddenText(element));
    return simplified(this.alternative(record, { inLabel: true, inContent: false, seen, depth: 0 }));
  }

  content(record, how) {
    if (how.depth > MAX_NAME_DEPTH) return record.node.textContent;
    let text = '', before = null, wasTold = false;
    const inner = { ...how, depth: how.depth + 1 };
    for (const child of record.children) {
      const piece = this.piece(child, inner);
      if (piece === '') continue;
      const isTold = child.kind === ELEMENT && this.isTold;
      if (before && !/\s$/.test(text) && !/^\s/.test(piece) && (wasTold || isTold || areApart(before, child))) text += ' ';
      text += piece;
      before = child;
      wasTold = isTold;
    }
    return text;
  }

  piece(child, how) {
    switch (child.kind) {
      case TEXT: case BREAK: return child.text;
      case MARKER: case ROOT: return '';
      case GENERATED: return this.content(child, how);
    }
    if (!child.isShown && !child.children.length) return '';
    return this.alternative(child, how);
  }

  // What HTML says the name is; null where it says nothing.
  native(record, how) {
    const element = record.node, tag = element.tagName;
    if (tag === 'INPUT') return this.inputName(element, how);
    if (LABELABLE.has(tag)) {
      const name = this.labelText(element, how);
      if (name) return name;
      return tag === 'TEXTAREA' ? titleOr(element, element.placeholder) : null;
    }
    switch (tag) {
      case 'IMG': return element.hasAttribute('alt') ? element.alt : null;
      case 'FIELDSET': return this.childName(element, 'LEGEND');
      case 'TABLE': return this.childName(element, 'CAPTION');
      case 'OPTGROUP': return element.label;
      case 'OPTION': return simplified(element.label);
      case 'svg': return svgTitle(element);
      default: return null;
    }
  }

  inputName(element, how) {
    const type = element.type;
    if (type === 'hidden') return '';
    const name = this.labelText(element, how);
    if (name) return name;
    if (type === 'button' || type === 'submit' || type === 'reset') return nonEmpty(simplified(buttonText(element)));
    if (type === 'image') return nonEmpty(element.alt || element.value || element.title || 'Submit');
    if (type === 'file') return element.multiple ? 'Choose Files' : 'Choose File';
    return TEXT_INPUTS.has(type) ? titleOr(element, element.placeholder) : null;
  }

  labelText(element, how) {
    const labels = this.labels.get(element);
    if (!labels || how.inLabel) return null;
    const names = [];
    for (const label of labels) {
      const record = this.records.get(label);
      const name = record ? simplified(this.alternative(record, { ...how, inContent: true })) : simplified(hiddenText(label));
      if (name) names.push(name);
    }
    return names.length ? names.join(' ') : null;
  }

  childName(element, tag) {
    for (const child of element.children) {
      if (child.tagName === tag) return nonEmpty(this.label(child, new Set()));
    }
    return null;
  }
}

function nonEmpty(text) {
  return text && HAS_INK.test(text) ? text : null;
}

function titleOr(element, placeholder) {
  const title = element.getAttribute('title');
  if (title && title.trim()) return simplified(title);
  const told = element.getAttribute('aria-placeholder') || placeholder;
  return told ? simplified(told) : null;
}

// What a control adds to a name around it: its value.
function embeddedValue(record) {
  const element = record.node;
  switch (record.role) {
    case 'textbox': case 'searchbox': return 'value' in element ? element.value : null;
    case 'combobox': case 'listbox':
      if (element.tagName !== 'SELECT') return null;
      return [...element.selectedOptions].map((o) => simplified(o.label)).join(' ');
    case 'slider': case 'spinbutton': case 'progressbar': case 'meter':
      return element.getAttribute('aria-valuetext') || element.getAttribute('aria-valuenow')
        || (element.value === undefined ? null : String(element.value));
    default: return null;
  }
}

function svgTitle(element) {
  for (const child of element.children) if (child.tagName === 'title') return nonEmpty(simplified(child.textContent));
  return null;
}

// The text of what is not drawn: without boxes every element stands apart.
function hiddenText(element) {
  const label = (element.getAttribute('aria-label') || '').trim();
  if (label) return label;
  const words = [], walker = element.ownerDocument.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) if (!NEVER_DRAWN.has(walker.currentNode.parentNode.tagName)) words.push(walker.currentNode.data);
  return words.join(' ');
}

function isGridRow(record) {
  if (record.role !== 'row') return false;
  const table = tableOf(record.node);
  return Boolean(table) && ['grid', 'treegrid'].includes(ariaRole(table));
}

const CELLS = new Set(['cell', 'LayoutTableCell', 'LayoutTableRow', 'gridcell', 'columnheader', 'rowheader', 'row']);

// Whether two neighbours are in different lines or boxes, so that their words do not touch.
function areApart(before, after) {
  return isApart(before) || isApart(after);
}

function isApart(record) {
  return record.isBlock || record.kind === MARKER || record.isApart || CELLS.has(record.role);
}
