// Element numbers: small handles by which the outside names a node of this document.
//
// A node keeps its number as long as it lives; a number is never given twice, and keeps nothing alive. The scripts of a
// page and of its frames of other origins count from numbers of their own (`firstNumber`), each so far and no farther.
const MOST_NUMBERS = 1000000;
const ownNumbers = new WeakMap();
const partNumbers = new WeakMap();
const numberedNodes = new Map();
const forgotten = new FinalizationRegistry((number) => numberedNodes.delete(number));
let lastNumber = firstNumber;

// `part` tells apart what is drawn for a node beside itself: 'before', 'after', 'marker', 'popup', 'text'.
function numberOf(node, part) {
  if (!part) {
    let number = ownNumbers.get(node);
    if (number === undefined) ownNumbers.set(node, number = newNumber(node));
    return number;
  }
  let parts = partNumbers.get(node);
  if (!parts) partNumbers.set(node, parts = new Map());
  let number = parts.get(part);
  if (number === undefined) parts.set(part, number = newNumber(node));
  return number;
}

function newNumber(node) {
  if (lastNumber + 1 - firstNumber >= MOST_NUMBERS) throw new RangeError('all numbers of this script are given');
  numberedNodes.set(++lastNumber, new WeakRef(node));
  forgotten.register(node, lastNumber);
  return lastNumber;
}

// The node of a number; null when it is gone from its document.
function resolve(number) {
  const node = numberedNodes.get(number)?.deref();
  if (!node) return null;
  if (node.nodeType === Node.DOCUMENT_NODE) return node.defaultView ? node.documentElement : null;
  return node.isConnected && node.ownerDocument.defaultView ? node : null;
}
