// Listeners: what Chromium tells as a link or a symbol only because a script listens for clicks on it.
//
// A script cannot ask who listens. The walk names those that it would matter for, once each; whoever reads the page
// asks Chromium about them and marks those that are clicked.
const SHAPES = new Set(['path', 'circle', 'rect', 'ellipse', 'line', 'polygon', 'polyline']);
const MOST_ASKED = 100;
const clicked = new WeakSet();
const asked = new WeakSet();

function isClicked(element) {
  return clicked.has(element) || element.hasAttribute('onclick');
}

// The numbers of those whose listeners are not known yet.
function toAsk(elements) {
  const found = [];
  for (const element of elements) {
    if (found.length >= MOST_ASKED) break;
    if (asked.has(element)) continue;
    asked.add(element);
    found.push(numberOf(element));
  }
  return found;
}

function mark(numbers) {
  for (const number of numbers) {
    const element = resolve(number);
    if (element) clicked.add(element);
  }
}
