// The observation: the walk's records as one JSON string, and elements by their numbers.
//
// A node is [depth, index of its role, number, name, value, properties, box]; what is empty at the end is left out.
// Boxes (see boxes.js) are told where `boxes` are asked for.
//
// Frames of other origins have scripts of their own: each is told as [number of its element, line, element, window]: for
// `compact` the line and the element before which its own belong, with boxes where it lies. Such a script is told that it is
// `framed`, and that as its `window`.
const DEFAULT_LIMIT = 50000;
// Deeper things are told as if they were here: readers of the tree may recurse.
const MAX_DEPTH = 150;

function observe(options) {
  const walk = new Walk(options.limit ?? DEFAULT_LIMIT), root = walk.document(document, null);
  const boxes = options.boxes ? new Boxes(options.window) : null;
  // What stands in for a page that did not load is not the page's.
  if (!options.framed || location.protocol !== 'chrome-error:') walk.run();
  else root.isShown = false;
  const answer = options.format === 'compact' ? compact(walk, root, options, boxes) : tree(walk, root, options, boxes);
  return JSON.stringify({
    ask: toAsk(walk.clickable), ...answer, title: document.title.toWellFormed(), cut: walk.isCut, num: walk.num,
    copied: globalThis.ratchetClipboard?.take() ?? undefined,
  });
}

function compact(walk, root, options, boxes) {
  const ids = new Ids(options), writer = new Compact(walk, new Names(walk), ids), written = writer.write(root);
  const answer = {};
  const lines = walk.frames.size || options.framed ? withFrames(written, answer, boxes) : written;
  const elements = lines.filter((line) => line.id);
  if (boxes) {
    answer.boxes = elements.map((line) => boxes.of(line.record.node));
    answer.values = elements.map((line) => (line.record.kind === ELEMENT ? clean(valueOf(line.record), MAX_TEXT_CHARS) : ''));
    answer.states = elements.map((line) => writer.states(line.record).trim());
  }
  return {
    ...answer,
    text: lines.map((line) => line.text).join('\n'),
    last: ids.last,
    ids: elements.map((line) => line.id),
    numbers: elements.map((line) => line.number),
    roles: elements.map((line) => line.role),
    names: elements.map((line) => line.name),
  };
}

// The lines that are not a frame's place; the answer is told the frames, and all ids that the script has given.
function withFrames(written, answer, boxes) {
  const lines = [];
  let numElements = 0;
  answer.frames = [];
  for (const line of written) {
    if (line.role === 'frame') answer.frames.push([line.number, lines.length, numElements, windowOf(line.record, boxes)]);
    else lines.push(line);
    if (line.id) numElements++;
  }
  answer.given = [...idsOfNumbers.values()];
  return lines;
}

function windowOf(record, boxes) {
  return boxes && boxes.inside(record.node);
}

function tree(walk, root, options, boxes) {
  const roles = new Roles(), names = new Names(walk), nodes = [], frames = [];
  const active = activeElements(walk.records, options);
  const work = [root];
  while (work.length) {
    const record = work.pop(), depth = record.depth;
    let below = depth;
    if (isTold(record)) {
      nodes.push(told(record, depth, roles, names, active, walk, boxes));
      below = Math.min(depth + 1, MAX_DEPTH);
      if (walk.frames.size && walk.frames.has(record)) frames.push([numberOf(record.node), 0, 0, windowOf(record, boxes)]);
    }
    for (let i = record.children.length - 1; i >= 0; i--) {
      record.children[i].depth = below;
      work.push(record.children[i]);
    }
  }
  return frames.length ? { roles: roles.list, nodes, frames } : { roles: roles.list, nodes };
}

class Roles {
  constructor() {
    this.list = [];
    this.known = new Map();
  }

  of(role) {
    let index = this.known.get(role);
    if (index === undefined) this.known.set(role, index = this.list.push(role) - 1);
    return index;
  }
}

function isTold(record) {
  if (record.role === 'SvgRoot') drawing(record);
  if (!record.isShown || record.role === '' || record.role === 'none') return false;
  if (record.kind === TEXT) return record.text !== '';
  if (record.role !== 'generic') return record.role !== 'rowgroup' || record.node.tagName !== 'TBODY';
  return record.hasInline || record.node.id !== '' || (record.hasAttributes && isInteresting(record.node));
}

// A drawing with text or symbols is read as what it holds, one without as a picture, an empty one not at all.
function drawing(record) {
  if (holds(record, (inside) => inside.kind === TEXT || inside.role === 'graphics-symbol')) return;
  record.role = record.node.childElementCount ? 'image' : 'none';
}

function holds(record, test) {
  const work = [...record.children];
  while (work.length) {
    const inside = work.pop();
    if (test(inside)) return true;
    work.push(...inside.children);
  }
  return false;
}

function isInteresting(element) {
  return isFocusable(element) || element.hasAttribute('title') || GLOBAL_ARIA.some((name) => element.hasAttribute(name));
}

function told(record, depth, roles, names, active, walk, boxes) {
  const own = record.told, number = numberOf(record.node, record.part), name = nameOf(record, names);
  const properties = own ? own.properties : propertiesOf(record, active, walk);
  const value = own ? own.value : valueOf(record);
  const node = [depth, roles.of(record.role), number];
  if (value !== '' || properties.length || boxes) {
    node.push(name.toWellFormed(), value.toWellFormed(), properties.length ? Object.fromEntries(properties.map(sound)) : 0);
  } else if (name !== '') {
    node.push(name.toWellFormed());
  }
  if (boxes) node.push(boxOf(record, boxes));
  return node;
}

// Half letters, which pages can make, cannot travel.
function sound([name, value]) {
  return [name, typeof value === 'string' ? value.toWellFormed() : value];
}

function nameOf(record, names) {
  const own = record.told;
  if (!own) return names.of(record);
  return own.isTwice && names.of(record.parent) ? `${own.name} ${own.name}` : own.name;
}

// What is drawn for an element beside itself has no box of its own; null for it.
function boxOf(record, boxes) {
  if (record.kind === ROOT) return record.node.documentElement ? boxes.of(record.node.documentElement) : null;
  return record.part ? null : boxes.of(record.node);
}

// The focused element of each document, and which document has the focus: `owner`, null for one of another script.
function activeElements(records, options) {
  const found = { owner: null, of: new Map() };
  if (options.framed && !document.hasFocus()) return found;
  for (let doc = document; doc; ) {
    let element = doc.activeElement;
    while (element && element.shadowRoot && element.shadowRoot.activeElement) element = element.shadowRoot.activeElement;
    // What is in a frame has the focus, not the frame.
    const isFrame = Boolean(element) && (element.tagName === 'IFRAME' || element.tagName === 'FRAME');
    if (isFrame) {
      doc = frameDocument(element);
    } else {
      found.owner = doc;
      if (element && element !== doc.body && records.has(element)) found.of.set(doc, element);
      doc = null;
    }
  }
  return found;
}
