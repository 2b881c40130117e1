// Generated content: the text of ::before and ::after, and list markers.
//
// Asking every element for the style of its pseudo-elements would cost more than the whole walk: only those that a
// rule of the page's style sheets can match are asked.
const sheetSelectors = new WeakMap();
const PSEUDO = /::?(before|after)/i;
const ALL = '*';
// Stands for a picture among generated texts.
const PICTURE = Symbol('picture');

function rulesWithPseudo(rules, found) {
  for (const rule of rules) {
    const selector = rule.selectorText;
    if (selector !== undefined && PSEUDO.test(selector)) {
      const nested = selector.includes('&') || rule.parentRule instanceof CSSStyleRule;
      found.push(nested ? ALL : selector.replace(/::?(before|after)/gi, '').replace(/(^|[\s,>+~])(?=,|$)/g, '$1*'));
    }
    else if (selector !== undefined && rule.style.content.includes('url(')) found.push(selector);
    if (rule.styleSheet) found.push(...selectorsOf(rule.styleSheet));
    else if (rule.cssRules && rule.cssRules.length) rulesWithPseudo(rule.cssRules, found);
  }
}

function selectorsOf(sheet) {
  let rules;
  try {
    rules = sheet.cssRules;
  } catch {
    return [ALL]; // of another origin: nothing is known of it
  }
  const known = sheetSelectors.get(sheet);
  if (known && known.length === rules.length && known.first === rules[0] && known.last === rules[rules.length - 1]) {
    return known.selectors;
  }
  const selectors = [];
  rulesWithPseudo(rules, selectors);
  sheetSelectors.set(sheet, { length: rules.length, first: rules[0], last: rules[rules.length - 1], selectors });
  return selectors;
}

// The elements below a document or shadow root that may have generated content; null for "any".
function generating(root) {
  const selectors = [];
  for (const sheet of [...root.styleSheets, ...root.adoptedStyleSheets]) {
    if (!sheet.disabled) selectors.push(...selectorsOf(sheet));
  }
  if (selectors.includes(ALL)) return null;
  const found = new Set(root.querySelectorAll('q'));
  for (const selector of selectors) {
    if (selector.includes(':host') || selector.includes('::slotted') || selector.includes('::part')) return null;
    try {
      for (const element of root.querySelectorAll(selector)) found.add(element);
    } catch {
      return null;
    }
  }
  return found;
}

// The texts of a computed `content`, one for each of its parts; none when nothing is generated.
function contentTexts(style, element) {
  const content = style.content;
  if (!content || content === 'none' || content === 'normal') return [];
  const slash = content.search(/ \/ "/);
  if (slash >= 0) return [quoted(content.slice(slash + 3))];
  const texts = [];
  // A counter is passed over: nobody says what it counts, neither scripts nor Chromium's tree.
  for (const [part] of content.matchAll(/url\("[^"]*"\)|"(?:[^"\\]|\\.)*"|open-quote|close-quote|counters?\([^)]*\)/g)) {
    if (part.startsWith('url(')) texts.push(PICTURE);
    else if (part[0] === '"') texts.push(quoted(part));
    else if (part.endsWith('quote')) texts.push(quoteMark(element, style, part[0] === 'c' ? 1 : 0));
  }
  return texts.filter(Boolean);
}

function quoted(content) {
  let text = '';
  for (const [, piece] of content.matchAll(/"((?:[^"\\]|\\.)*)"/g)) {
    text += piece.replace(/\\([0-9a-f]{1,6}) ?/gi, (_, hex) => String.fromCodePoint(parseInt(hex, 16)))
      .replace(/\\(.)/g, '$1');
  }
  return text;
}

function quoteMark(element, style, closing) {
  const chosen = [...style.quotes.matchAll(/"([^"]*)"/g)].map((match) => match[1]);
  let depth = 0;
  for (let up = element.parentElement; up; up = up.parentElement) if (up.tagName === 'Q') depth++;
  const pairs = chosen.length >= 2 ? chosen : ['“', '”', '‘', '’'];
  return pairs[Math.min(depth * 2, pairs.length - 2) + closing];
}

const BULLETS = new Map([['disc', '• '], ['circle', '◦ '], ['square', '■ '], ['disclosure-open', '▾ '],
  ['disclosure-closed', '▸ ']]);

// The marker of a list item as it is drawn; null for none.
function markerText(element, style) {
  const type = style.listStyleType;
  if (type === 'none') return null;
  const bullet = BULLETS.get(type);
  if (bullet) return bullet;
  if (type.startsWith('"')) return quoted(type);
  const number = countedAs(ordinal(element), type);
  return style.direction === 'rtl' ? '. ' + number : number + '. ';
}

function ordinal(item) {
  const list = item.closest('ol,ul,menu') || item.parentElement;
  if (!list) return 1;
  if (item.hasAttribute('value')) return item.value;
  const items = [...list.children].filter((child) => child.tagName === 'LI');
  const step = list.reversed ? -1 : 1;
  let count = list.hasAttribute('start') ? list.start : list.reversed ? items.length : 1;
  for (const other of items) {
    if (other.hasAttribute('value')) count = other.value;
    if (other === item) return count;
    count += step;
  }
  return count;
}

function countedAs(number, type) {
  switch (type) {
    case 'lower-alpha': case 'lower-latin': return letters(number).toLowerCase();
    case 'upper-alpha': case 'upper-latin': return letters(number);
    case 'lower-roman': return roman(number).toLowerCase();
    case 'upper-roman': return roman(number);
    case 'decimal-leading-zero': return String(number).padStart(2, '0');
    default: return String(number);
  }
}

function letters(number) {
  if (number < 1) return String(number);
  let text = '';
  for (let rest = number; rest > 0; rest = Math.floor((rest - 1) / 26)) {
    text = String.fromCharCode(65 + (rest - 1) % 26) + text;
  }
  return text;
}

function roman(number) {
  if (number < 1 || number > 3999) return String(number);
  const marks = [[1000, 'M'], [900, 'CM'], [500, 'D'], [400, 'CD'], [100, 'C'], [90, 'XC'], [50, 'L'], [40, 'XL'],
    [10, 'X'], [9, 'IX'], [5, 'V'], [4, 'IV'], [1, 'I']];
  let text = '', rest = number;
  for (const [value, mark] of marks) {
    for (; rest >= value; rest -= value) text += mark;
  }
  return text;
}
