// The clipboard of a session: what its documents copied, and what they may paste.
//
// Chromium has one clipboard for all sessions of a process. So what a document copies is noted here, for the outside to
// take, and only what the outside says that it is about to put there is pasted: these listeners are the first of every
// document, so the page never sees that of another session.
(() => {
  let copied = null, expected = null, isRefused = false;

  const note = (data) => { if (data) copied = { at: Date.now(), data }; };

  const copying = (event) => {
    if (!event.isTrusted) return;
    const before = selected();
    let isNoted = false;
    // Behind the page's own listeners, which may put something else there.
    addEventListener(event.type, () => {
      isNoted = true;
      note(event.defaultPrevented ? dataOf(event.clipboardData) : selected());
    }, { once: true });
    // It does not come that far where one of them stops it.
    setTimeout(() => { if (!isNoted && !event.defaultPrevented) note(before); });
  };
  addEventListener('copy', copying, true);
  addEventListener('cut', copying, true);
  addEventListener('paste', (event) => {
    if (!event.isTrusted || isExpected(dataOf(event.clipboardData) ?? {})) return;
    isRefused = true;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  function isExpected(data) {
    const types = Object.keys(data);
    return expected !== null && types.every((type) => data[type] === expected[type])
      && types.length === Object.keys(expected).length;
  }

  function dataOf(transfer) {
    return transfer.types.length ? Object.fromEntries(transfer.types.map((type) => [type, transfer.getData(type)])) : null;
  }

  // What Chromium copies by itself: the part of a field, or of the page, that is selected; null for nothing.
  function selected() {
    let field = document.activeElement;
    while (field?.shadowRoot?.activeElement) field = field.shadowRoot.activeElement;
    if (field && (field.tagName === 'INPUT' || field.tagName === 'TEXTAREA') && field.selectionStart !== null) {
      const text = field.type === 'password' ? '' : field.value.slice(field.selectionStart, field.selectionEnd);
      return text ? { 'text/plain': text } : null;
    }
    const selection = getSelection(), text = selection?.toString();
    return text ? { 'text/plain': text, 'text/html': htmlOf(selection.getRangeAt(0)) } : null;
  }

  // Copied into a document where nothing is loaded or run.
  function htmlOf({ commonAncestorContainer: root, startContainer, startOffset, endContainer, endOffset }) {
    const inert = document.implementation.createHTMLDocument(''), copy = inert.importNode(root, true);
    const same = (node) => node === root ? copy : same(node.parentNode).childNodes[[...node.parentNode.childNodes].indexOf(node)];
    const range = inert.createRange(), box = inert.createElement('div');
    range.setStart(same(startContainer), startOffset);
    range.setEnd(same(endContainer), endOffset);
    box.append(range.cloneContents());
    return box.innerHTML;
  }

  return {
    // What was copied since it was last taken: {at, data by type}, or null.
    take() {
      const taken = copied;
      copied = null;
      return taken;
    },
    // The next paste is of this data, null for none; whether one was refused since it was last asked.
    expect(data) {
      const was = isRefused;
      expected = data;
      isRefused = false;
      return was;
    },
  };
})()
