// The observation: the walk's records as one JSON string, and elements by their numbers.
//
// A node is [depth, role, name, value, number, properties]; with boxes also [x, y, width, height, in viewport].
const DEFAULT_LIMIT = 50000;
// Deeper things are told as if they were here: readers of the tree may recurse.
const MAX_DEPTH = 150;

function observe(options) {
  const walk = new Walk(options?.limit ?? DEFAULT_LIMIT);
  const root = walk.document(document, null);
  walk.run();
  const names = new Names(walk), nodes = [], active = activeElements(walk.records);
  const work = [[root, 0]];
  while (work.length) {
    const [record, depth] = work.pop();
    let below = depth;
    if (isTold(record)) {
      nodes.push(told(record, depth, names, active, walk, options));
      below = Math.min(depth + 1, MAX_DEPTH);
    }
    for (let i = record.children.length - 1; i >= 0; i--) work.push([record.children[i], below]);
  }
  return JSON.stringify({ nodes, cut: walk.isCut, url: location.href });
}

function isTold(record) {
  if (record.role === 'SvgRoot') drawing(record);
  if (!record.isShown || record.role === '' || record.role === 'none') return false;
  if (record.kind === TEXT) return record.text !== '';
  if (record.role !== 'generic') return record.role !== 'rowgroup' || record.node.tagName !== 'TBODY';
  return record.hasInline || record.node.id !== '' || (record.node.hasAttributes() && isInteresting(record.node));
}

// A drawing with text is read as what it holds, one without as a picture, an empty one not at all.
function drawing(record) {
  const hasText = record.children.some((child) => child.children.length || child.kind === TEXT);
  if (!hasText) record.role = record.node.childElementCount ? 'image' : 'none';
}

function isInteresting(element) {
  return isFocusable(element) || element.hasAttribute('title') || GLOBAL_ARIA.some((name) => element.hasAttribute(name));
}

function told(record, depth, names, active, walk, options) {
  const own = record.told, number = numberOf(record.node, record.part);
  const node = own ? [depth, record.role, own.isTwice && names.of(record.parent) ? `${own.name} ${own.name}` : own.name, own.value, number, own.properties]
    : [depth, record.role, names.of(record), valueOf(record), number, propertiesOf(record, active, walk)];
  if (options?.boxes) node.push(boxOf(record));
  return node;
}

function boxOf(record) {
  const node = record.kind === ROOT ? record.node.documentElement : record.node;
  let box;
  if (node.nodeType === Node.TEXT_NODE) {
    const range = node.ownerDocument.createRange();
    range.selectNode(node);
    box = range.getBoundingClientRect();
  } else {
    box = node.getBoundingClientRect();
  }
  const isInView = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth
    && box.width > 0 && box.height > 0;
  return [Math.round(box.x), Math.round(box.y), Math.round(box.width), Math.round(box.height), isInView ? 1 : 0];
}

// The focused element of each document; the root element stands for the document itself.
function activeElements(records) {
  const found = new Map();
  for (let doc = document; doc; ) {
    let element = doc.activeElement;
    while (element && element.shadowRoot && element.shadowRoot.activeElement) element = element.shadowRoot.activeElement;
    const inner = element && element.tagName === 'IFRAME' ? frameDocument(element) : null;
    found.set(doc, !element || element === doc.body || !records.has(element) ? doc.documentElement : element);
    doc = inner;
  }
  return found;
}
