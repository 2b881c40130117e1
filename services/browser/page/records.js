// What the walk notes of each thing on the page, and how the parts of a page hang together.
const TEXT = 1, ELEMENT = 2, BREAK = 3, MARKER = 4, GENERATED = 5, ROOT = 6;
const NEVER_DRAWN = new Set(['SCRIPT', 'STYLE', 'TEMPLATE', 'NOSCRIPT', 'HEAD', 'META', 'LINK', 'TITLE', 'BASE',
  'PARAM', 'SOURCE', 'TRACK', 'COL', 'COLGROUP', 'AREA', 'DATALIST', 'defs', 'symbol', 'clipPath', 'mask',
  'desc', 'title', 'linearGradient', 'radialGradient', 'pattern', 'filter', 'metadata']);
// Drawn as one box, whatever is inside.
const REPLACED = new Set(['IMG', 'INPUT', 'SELECT', 'TEXTAREA', 'BUTTON', 'VIDEO', 'AUDIO', 'CANVAS', 'IFRAME', 'FRAME',
  'OBJECT', 'EMBED', 'METER', 'PROGRESS', 'svg']);

class Record {
  constructor(kind, node, parent, part) {
    this.kind = kind;
    this.node = node;
    this.parent = parent;
    this.part = part;
    this.children = [];
    this.role = '';
    this.text = '';
    // Laid out as a block: text before and after it is not on its line.
    this.isBlock = false;
    this.hasInline = false;
    this.isShown = true;
    this.style = null;
    // Name, value and properties where no element has them.
    this.hasAria = false;
    this.hasAttributes = true;
    this.depth = 0;
    // How the text in it is drawn, once asked.
    this.spaces = '';
    this.transform = '';
    this.told = null;
    this.isApart = false;
    // What it can be acted on as, once asked.
    this.control = undefined;
  }

  add(child) {
    this.children.push(child);
    return child;
  }
}

function flatParent(node) {
  if (node.assignedSlot) return node.assignedSlot;
  const parent = node.parentNode;
  return parent && parent.nodeType === Node.DOCUMENT_FRAGMENT_NODE ? parent.host || null : node.parentElement;
}

// The children that are drawn, through open shadow roots and slots; null for the element's own.
function flatChildren(element) {
  const tag = element.tagName;
  if (element.shadowRoot) return element.shadowRoot.childNodes;
  if (tag === 'SLOT' && element.getRootNode() instanceof ShadowRoot) {
    const assigned = element.assignedNodes();
    return assigned.length ? assigned : null;
  }
  return tag === 'DETAILS' ? detailsChildren(element) : null;
}

function detailsChildren(details) {
  const summary = [...details.children].find((child) => child.tagName === 'SUMMARY');
  if (!details.open) return summary ? [summary] : [];
  return summary ? [summary, ...[...details.childNodes].filter((child) => child !== summary)] : details.childNodes;
}

// The document in a frame; null where it is of another origin.
function frameDocument(element) {
  try {
    return element.contentDocument;
  } catch {
    return null;
  }
}

// Computed styles are live: one that is kept costs a fifth of one that is asked for anew.
const styles = new WeakMap();

function styleOf(element, pseudo) {
  if (!pseudo) {
    const kept = styles.get(element);
    if (kept !== undefined) return kept;
  }
  // A frame's elements are asked in its window: another's may not have laid them out.
  const doc = element.ownerDocument, view = doc === document ? window : doc.defaultView;
  if (!view) return null;
  const style = view.getComputedStyle(element, pseudo);
  if (!pseudo) styles.set(element, style);
  return style;
}
