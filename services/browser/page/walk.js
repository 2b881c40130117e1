// The walk: one pass over the flat tree that notes every drawn thing and its rendered text.
//
// No recursion: a page may nest deeper than a stack goes. At most `limit` things are noted; the rest is told.
class Walk {
  constructor(limit) {
    this.limit = limit;
    this.isCut = false;
    this.num = 0;
    this.records = new Map();
    this.clickable = [];
    // Frames of other origins: a script of its own reads what is in them.
    this.frames = new Set();
    this.labels = new Map();
    this.hasDisabled = false;
    this.hasShadow = false;
    this.generating = new Map();
    this.owned = new Map();
    this.modals = new Map();
    this.tables = new Tables();
    // Labels of check boxes and what is in them: their text is said by the box.
    this.repeated = new Set();
    this.flow = null;
    this.work = [];
  }

  document(doc, parent) {
    const root = new Record(ROOT, doc, parent, '');
    root.role = 'RootWebArea';
    root.isBlock = true;
    if (parent) parent.add(root);
    const html = doc.documentElement;
    if (!html) return root;
    for (const owner of doc.querySelectorAll('[aria-owns]')) {
      for (const other of referenced(owner, 'aria-owns')) {
        if (!this.owned.has(other) && !other.contains(owner)) this.owned.set(other, owner);
      }
    }
    this.begin(doc);
    const modals = doc.querySelectorAll('dialog:modal');
    if (modals.length) this.modals.set(doc, modals[modals.length - 1]);
    const before = this.flow;
    this.flow = new Flow(root);
    this.work.push(() => { this.flow = before; });
    this.push([html], root);
    return root;
  }

  // What is asked once for a document or shadow root: who labels what. `labels` of a control would search all of it.
  begin(root) {
    for (const label of root.querySelectorAll('label')) {
      const control = label.control;
      if (!control) continue;
      const known = this.labels.get(control);
      if (known) known.push(label);
      else this.labels.set(control, [label]);
    }
    if (root.querySelector('[aria-disabled="true"]')) this.hasDisabled = true;
  }

  // Runs what is planned until nothing is left: functions, and nodes each on top of its parent's record.
  run() {
    const work = this.work;
    while (work.length) {
      const next = work.pop();
      if (typeof next === 'function') next();
      else this.visit(next, work.pop());
    }
  }

  push(nodes, parent) {
    for (let i = nodes.length - 1; i >= 0; i--) this.plan(nodes[i], parent);
  }

  plan(node, parent) {
    const type = node.nodeType;
    if (type === Node.ELEMENT_NODE || type === Node.TEXT_NODE) this.work.push(parent, node);
  }

  // The children that are drawn, last first.
  pushChildren(element, record) {
    const others = flatChildren(element);
    if (others) this.push(others, record);
    else for (let node = element.lastChild; node; node = node.previousSibling) this.plan(node, record);
  }

  visit(node, parent) {
    if (this.num >= this.limit) {
      this.isCut = true;
      return;
    }
    if (node.nodeType === Node.TEXT_NODE) this.text(node, parent);
    else if (!this.owned.has(node) || this.owned.get(node) === parent.node) this.element(node, parent);
  }

  text(node, parent) {
    const holder = parent.kind === ROOT ? null : parent;
    if (!holder || !holder.style || !holder.isShown) return;
    const raw = node.data;
    if (raw === '') return;
    const collapse = NEEDS_COLLAPSE.test(raw) ? (holder.spaces ||= holder.style.whiteSpaceCollapse) : '';
    const record = new Record(TEXT, node, parent, '');
    if (this.flow.text(record, raw, collapse, holder.transform ||= holder.style.textTransform)) {
      record.role = 'StaticText';
      record.isShown = !this.repeated.has(parent);
      parent.add(record);
      this.num++;
    }
  }

  element(element, parent) {
    const tag = element.tagName;
    if (NEVER_DRAWN.has(tag) || this.isInert(element)) return;
    const hasAttributes = element.hasAttributes(), hasAria = hasAttributes && element.getAttributeNames().some(isAria);
    if (hasAria && element.getAttribute('aria-hidden') === 'true' && tag !== 'BODY' && tag !== 'HTML') return;
    const style = styleOf(element);
    const display = style ? style.display : 'none';
    if (display === 'none') return;
    const record = new Record(ELEMENT, element, parent, '');
    record.style = style;
    record.hasAria = hasAria;
    record.hasAttributes = hasAttributes;
    record.isShown = style.visibility === 'visible';
    this.num++;
    this.records.set(element, record);
    parent.add(record);
    if (tag === 'BR') {
      this.lineBreak(record);
      return;
    }
    record.role = losesRole(element) ? 'none' : this.tables.role(element, hasAttributes ? roleOf(element) : nativeRole(element, tag));
    if (SHAPES.has(tag) || (tag === 'A' && record.role === 'generic')) this.clickable.push(element);
    if (tag === 'LABEL' && isRepeated(element)) this.repeated.add(record);
    this.inside(element, record, display, tag);
  }

  isInert(element) {
    if (element.inert) return true;
    const modal = this.modals.size ? this.modals.get(element.ownerDocument) : null;
    return Boolean(modal) && !element.contains(modal) && !modal.contains(element) && !element.shadowRoot;
  }

  lineBreak(record) {
    record.kind = BREAK;
    record.role = 'LineBreak';
    record.text = '\n';
    this.flow.end();
    this.flow.owner.hasInline = true;
  }

  // Plans what is inside an element, with the flow of text that its box makes.
  inside(element, record, display, tag) {
    const isReplaced = REPLACED.has(tag);
    if (display === 'contents' || (!isReplaced && (display === 'inline' || display.startsWith('ruby')))) {
      this.content(element, record, tag);
      return;
    }
    const outer = this.flow;
    record.isBlock = !display.startsWith('inline');
    if (!record.isBlock) {
      this.flow = new Flow(record);
      this.work.push(() => {
        this.flow.end();
        this.flow = outer;
        outer.atom();
      });
    } else if ((outer.trailing || !outer.isEmpty) && isOutOfFlow(record.style)) {
      this.flow = new Flow(record);
      this.work.push(() => {
        this.flow.end();
        this.flow = outer;
      });
    } else {
      outer.end();
      this.flow = new Flow(record);
      this.work.push(() => {
        this.flow.end();
        this.flow = new Flow(outer.owner);
      });
    }
    this.content(element, record, tag, display);
  }

  content(element, record, tag, display) {
    if (display && record.style.contentVisibility === 'hidden') return;
    if (tag === 'IFRAME' || tag === 'FRAME') {
      const inner = frameDocument(element);
      if (inner) this.document(inner, record);
      else this.frames.add(record);
      return;
    }
    if (FIELD_CONTENT.has(tag)) {
      fieldContent(this, element, record, tag);
      return;
    }
    if (tag === 'VIDEO' || tag === 'AUDIO' || tag === 'IMG' || tag === 'OBJECT' || tag === 'EMBED') return;
    const adopted = this.owned.size ? referenced(element, 'aria-owns').filter((e) => this.owned.get(e) === element) : [];
    if (element.shadowRoot) {
      this.hasShadow = true;
      this.begin(element.shadowRoot);
    }
    const canGenerate = this.canGenerate(element);
    if (canGenerate && record.style.content.startsWith('url(')) {
      record.role = 'image';
      return;
    }
    this.push(adopted, record);
    if (canGenerate) this.work.push(() => this.generated(element, record, 'after'));
    this.pushChildren(element, record);
    if (canGenerate) this.work.push(() => this.generated(element, record, 'before'));
    if (display === 'list-item') this.work.push(() => this.marker(element, record));
  }

  canGenerate(element) {
    const root = this.hasShadow ? element.getRootNode() : element.ownerDocument;
    let found = this.generating.get(root);
    if (found === undefined) this.generating.set(root, found = root.styleSheets ? generating(root) : new Set());
    return found === null || found.has(element);
  }

  generated(element, parent, part) {
    const style = styleOf(element, '::' + part);
    const texts = style && style.display !== 'none' ? contentTexts(style, element) : [];
    if (!texts.length || style.visibility !== 'visible') return;
    const box = parent.add(new Record(GENERATED, element, parent, part));
    box.role = 'none';
    box.style = style;
    box.isApart = style.content.includes(' / ');
    const display = style.display, outer = this.flow, isInline = display === 'inline';
    box.isBlock = !isInline && !display.startsWith('inline');
    const apart = !isInline && (!box.isBlock || isOutOfFlow(style));
    if (!isInline) {
      if (!apart) outer.end();
      this.flow = new Flow(box);
    }
    texts.forEach((text, index) => {
      if (text === PICTURE) {
        this.picture(element, box, part + index);
        return;
      }
      const record = new Record(TEXT, element, box, part + index);
      if (!this.flow.text(record, text, style.whiteSpaceCollapse, style.textTransform)) return;
      record.role = 'StaticText';
      box.add(record);
      this.num++;
    });
    if (isInline) return;
    this.flow.end();
    this.flow = apart ? outer : new Flow(outer.owner);
    if (apart && !box.isBlock) outer.atom();
  }

  picture(element, parent, part) {
    const record = parent.add(new Record(GENERATED, element, parent, part));
    record.role = 'image';
    this.flow.atom();
    this.num++;
  }

  marker(element, parent) {
    if (element.tagName === 'SUMMARY') return;
    if (!parent.isShown) return;
    const hasPicture = parent.style.listStyleImage !== 'none';
    if (hasPicture && parent.role !== 'listitem') {
      this.picture(element, parent, 'marker');
      return;
    }
    const text = hasPicture ? '  ' : markerText(element, parent.style);
    if (text === null) return;
    const record = parent.add(new Record(MARKER, element, parent, 'marker'));
    record.role = parent.role === 'listitem' ? 'ListMarker' : 'StaticText';
    record.text = text;
    this.num++;
    if (hasPicture) this.picture(element, record, 'picture');
  }
}

// Whether a label only says again what the check box or radio button that it names says.
function isRepeated(label) {
  const box = label.control;
  if (!box || (box.type !== 'checkbox' && box.type !== 'radio') || box.hasAttribute('aria-label')) return false;
  if (labelledBy(box).length || !box.checkVisibility({ visibilityProperty: true })) return false;
  return label.childElementCount === (label.contains(box) ? 1 : 0);
}

function isAria(name) {
  return name.startsWith('aria-');
}

function isOutOfFlow(style) {
  const position = style.position;
  return position === 'absolute' || position === 'fixed' || style.cssFloat !== 'none';
}
