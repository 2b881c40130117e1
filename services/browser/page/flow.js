// Rendered text: which characters of a text node are seen once white space has collapsed.
//
// A flow is one run of inline content. Spaces at its start, at its end, around line breaks and after other spaces
// are not drawn; they are taken from the text node that they stand in, as Chromium's layout does.
const NEEDS_COLLAPSE = /[\t\n\r\f]|  |^ | $/;

class Flow {
  constructor(owner) {
    // The record of the block that the run is in.
    this.owner = owner;
    this.atSpace = true;
    this.isEmpty = true;
    // The text that ends in a space which a line's end would take.
    this.trailing = null;
  }

  // `collapse` is the style's, '' for text that needs none.
  text(record, raw, collapse, transform) {
    let text;
    if (!collapse || collapse === 'preserve' || collapse === 'break-spaces') {
      text = raw;
    } else {
      text = collapse === 'preserve-breaks'
        ? raw.replace(/[ \t\r\f]*\n[ \t\r\f]*/g, '\n').replace(/[ \t\r\f]+/g, ' ')
        : raw.replace(/[ \t\n\r\f]+/g, ' ');
      if (this.atSpace && text.charCodeAt(0) === 32) text = text.slice(1);
    }
    if (text === '') return false;
    record.text = transform === 'none' || !transform ? text : transformed(text, transform);
    const last = text.charCodeAt(text.length - 1);
    const collapsible = collapse !== 'preserve' && collapse !== 'break-spaces';
    this.atSpace = collapsible && (last === 32 || last === 10);
    this.trailing = collapsible && last === 32 ? record : null;
    this.isEmpty = false;
    this.owner.hasInline = true;
    return true;
  }

  // An image, a field, an inline block: something that spaces do not collapse over.
  atom() {
    this.atSpace = false;
    this.trailing = null;
    this.isEmpty = false;
    this.owner.hasInline = true;
  }

  // A line break, or the end of the run.
  end() {
    if (this.trailing) this.trailing.text = this.trailing.text.slice(0, -1);
    this.trailing = null;
    this.atSpace = true;
  }
}

function transformed(text, transform) {
  if (transform.includes('uppercase')) return text.toUpperCase();
  if (transform.includes('lowercase')) return text.toLowerCase();
  if (transform.includes('capitalize')) return text.replace(/(^|[^\p{L}\p{N}'’])(\p{L})/gu, (_, a, b) => a + b.toUpperCase());
  return text;
}

// White space as it is read: runs are one space, none at the ends.
function simplified(text) {
  return text.replace(/[ \t\n\r\f]+/g, ' ').replace(/^ | $/g, '');
}
