// Small ids under which a text names elements: 1 to 999 and round again over all of a session's documents.
//
// An element keeps its id while it lives in its document. The session tells the last id that it gave and those that its
// other tabs use, and is told which were given here. A page that shows more things than that has higher ids, too.
const MOST_IDS = 999;
const idsOfNumbers = new Map();

class Ids {
  constructor({ last = 0, taken = [] }) {
    this.last = last;
    this.taken = taken;
    this.collect();
  }

  of(number) {
    let id = idsOfNumbers.get(number);
    if (id === undefined) idsOfNumbers.set(number, id = this.next());
    return id;
  }

  collect() {
    this.used = new Set([...this.taken, ...idsOfNumbers.values()]);
    this.numSmall = 0;
    this.highest = MOST_IDS;
    for (const id of this.used) {
      if (id <= MOST_IDS) this.numSmall++;
      else this.highest = Math.max(this.highest, id);
    }
  }

  next() {
    if (this.numSmall >= MOST_IDS && !this.isSwept) this.sweep();
    if (this.numSmall >= MOST_IDS) return ++this.highest;
    do this.last = this.last % MOST_IDS + 1; while (this.used.has(this.last));
    this.used.add(this.last);
    this.numSmall++;
    return this.last;
  }

  // Elements that are gone give their ids up.
  sweep() {
    for (const number of idsOfNumbers.keys()) if (!resolve(number)) idsOfNumbers.delete(number);
    this.collect();
    this.isSwept = true;
  }
}
