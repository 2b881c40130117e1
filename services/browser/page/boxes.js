// Boxes: where things are in the window, through the frames around them, and how much of each is in view.
//
// A box is [x, y, width, height, width in view, height in view], in CSS pixels of the window, to a hundredth. In view is
// what lies in the window and in the windows of all frames around; what else may hide it is not asked.
class Boxes {
  // `around` is where a frame of another origin lies, as `inside` of its element told it.
  constructor(around) {
    this.views = new Map([[document, around ?? [0, 0, 1, 1, 0, 0, innerWidth, innerHeight]]]);
  }

  of(node) {
    const [x, y, scaleX, scaleY, left, top, right, bottom] = this.view(node.ownerDocument), rect = rectOf(node);
    const from = x + rect.left * scaleX, above = y + rect.top * scaleY;
    const width = rect.width * scaleX, height = rect.height * scaleY;
    const seenWidth = Math.max(0, Math.min(from + width, right) - Math.max(from, left));
    const seenHeight = Math.max(0, Math.min(above + height, bottom) - Math.max(above, top));
    return [from, above, width, height, seenWidth, seenHeight].map(hundredth);
  }

  // Where a document's own window begins, its scale, and the part of the window that shows it.
  view(doc) {
    let found = this.views.get(doc);
    if (!found) this.views.set(doc, found = this.inside(doc.defaultView.frameElement));
    return found;
  }

  inside(frame) {
    const [x, y, outerX, outerY, left, top, right, bottom] = this.view(frame.ownerDocument);
    const rect = frame.getBoundingClientRect(), style = styleOf(frame);
    const scaleX = outerX * (rect.width / frame.offsetWidth || 1), scaleY = outerY * (rect.height / frame.offsetHeight || 1);
    const from = x + rect.left * outerX + (frame.clientLeft + parseFloat(style.paddingLeft)) * scaleX;
    const above = y + rect.top * outerY + (frame.clientTop + parseFloat(style.paddingTop)) * scaleY;
    const width = frame.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = frame.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    return [from, above, scaleX, scaleY, Math.max(left, from), Math.max(top, above),
      Math.min(right, from + width * scaleX), Math.min(bottom, above + height * scaleY)];
  }
}

function rectOf(node) {
  if (node.nodeType !== Node.TEXT_NODE) return node.getBoundingClientRect();
  const range = node.ownerDocument.createRange();
  range.selectNode(node);
  return range.getBoundingClientRect();
}

function hundredth(pixels) {
  return Math.round(pixels * 100) / 100;
}

// Where numbered elements are to be seen, for whoever marks them on a picture: [number, box], without those that are out
// of view or that something lies over; and where the numbered frames of other origins lie. Of a `whole` page everything
// counts as in view, from its beginning; what lies over what is not asked.
function locate({ numbers, frames, whole, window: around }) {
  const root = document.documentElement;
  const page = whole && !around ? [scrollX, scrollY, 1, 1, 0, 0, root.scrollWidth, root.scrollHeight] : around;
  const boxes = new Boxes(page), found = [], windows = [];
  for (const number of numbers) {
    const node = resolve(number);
    if (!node || node.nodeType !== Node.ELEMENT_NODE) continue;
    const box = boxes.of(node);
    if (box[4] > 0 && box[5] > 0 && (whole || isReached(node, box, boxes))) found.push([number, box]);
  }
  for (const number of frames) {
    const frame = resolve(number);
    if (frame) windows.push([number, boxes.inside(frame)]);
  }
  return JSON.stringify({ found, windows });
}

// Whether the middle of what is in view of an element is of it, its label or what is around it.
function isReached(element, [x, y, , , width, height], boxes) {
  const [, , , , left, top] = boxes.view(element.ownerDocument);
  const middle = [Math.max(x, left) + width / 2, Math.max(y, top) + height / 2];
  for (let inner = element; inner; inner = inner.ownerDocument.defaultView.frameElement) {
    const [fromX, fromY, scaleX, scaleY] = boxes.view(inner.ownerDocument);
    const point = [(middle[0] - fromX) / scaleX, (middle[1] - fromY) / scaleY];
    let hit = inner.ownerDocument.elementFromPoint(...point);
    while (hit && hit.shadowRoot) {
      const deeper = hit.shadowRoot.elementFromPoint(...point);
      if (!deeper || deeper === hit) break;
      hit = deeper;
    }
    if (!hit || !(isAround(inner, hit) || isAround(hit, inner) || hit.closest('label')?.control === inner)) return false;
  }
  return true;
}

function isAround(outer, node) {
  for (let n = node; n; n = n.parentNode || n.host) if (n === outer) return true;
  return false;
}
