// Roles: what an element is to Chromium's accessibility tree, under the names that the tree uses.
//
// Only attributes, tag and ancestors are read here, no style.
const ARIA_ROLES = new Set(`alert alertdialog application article banner blockquote button caption cell checkbox code
 columnheader combobox comment complementary contentinfo definition deletion dialog directory document emphasis feed
 figure form generic grid gridcell group heading image img insertion link list listbox listitem log main mark marquee
 math menu menubar menuitem menuitemcheckbox menuitemradio meter navigation none note option paragraph presentation
 progressbar radio radiogroup region row rowgroup rowheader scrollbar search searchbox separator slider spinbutton
 status strong subscript suggestion superscript switch tab table tablist tabpanel term textbox time timer toolbar
 tooltip tree treegrid treeitem`.split(/\s+/));
const SAME_ROLE = new Map([['img', 'image'], ['presentation', 'none'], ['directory', 'list']]);
const INPUT_ROLES = new Map(Object.entries({
  button: 'button', submit: 'button', reset: 'button', image: 'button', file: 'button', checkbox: 'checkbox',
  radio: 'radio', color: 'ColorWell', date: 'Date', 'datetime-local': 'DateTime', month: 'DateTime',
  week: 'DateTime', time: 'InputTime', number: 'spinbutton', range: 'slider', search: 'searchbox',
}));
const NATIVE_ROLES = new Map(Object.entries({
  ABBR: 'Abbr', ACRONYM: 'Abbr', ADDRESS: 'group', ARTICLE: 'article', AUDIO: 'Audio', BLOCKQUOTE: 'blockquote',
  BUTTON: 'button', CANVAS: 'Canvas', CAPTION: 'caption', CODE: 'code', DATALIST: 'listbox', DD: 'definition',
  DEL: 'deletion', DETAILS: 'group', DFN: 'term', DIALOG: 'dialog', DL: 'DescriptionList', DT: 'term', EM: 'emphasis',
  EMBED: 'EmbeddedObject', FIELDSET: 'group', FIGCAPTION: 'Figcaption', FIGURE: 'figure', FORM: 'form',
  H1: 'heading', H2: 'heading', H3: 'heading', H4: 'heading', H5: 'heading', H6: 'heading', HGROUP: 'group', HR: 'separator',
  IFRAME: 'Iframe', FRAME: 'Iframe', INS: 'insertion', LABEL: 'LabelText', LEGEND: 'Legend', MAIN: 'main', MARK: 'mark',
  MATH: 'MathMLMath', MENU: 'list', METER: 'meter', NAV: 'navigation', OBJECT: 'PluginObject', OL: 'list',
  OPTGROUP: 'group', OPTION: 'option', OUTPUT: 'status', P: 'paragraph', PROGRESS: 'progressbar', RUBY: 'Ruby',
  RT: 'none', S: 'deletion', SEARCH: 'search', STRONG: 'strong', SUB: 'subscript', SUP: 'superscript',
  TABLE: 'table', TBODY: 'rowgroup', TFOOT: 'rowgroup', THEAD: 'rowgroup', TEXTAREA: 'textbox', TIME: 'time',
  TR: 'row', UL: 'list', VIDEO: 'Video',
}));
// What these own takes no part on its own when they are presentational.
const REQUIRED_OWNED = new Map(Object.entries({
  TABLE: ['TBODY', 'THEAD', 'TFOOT', 'TR', 'TD', 'TH'], UL: ['LI'], OL: ['LI'], MENU: ['LI'], DL: ['DT', 'DD'],
}));
const SECTIONING = 'article,aside,main,nav,section,[role=article],[role=complementary],[role=main],'
  + '[role=navigation],[role=region]';
const SECTIONS = 'article,aside,nav,section,[role=article],[role=complementary],[role=navigation],[role=region]';
// Outside of these the roles mean nothing.
const NEEDED_AROUND = new Map([['option', '[role=listbox],select,datalist'], ['treeitem', '[role=tree]'],
  ['listitem', '[role=list],[role=directory],ul,ol,menu']]);
const GLOBAL_ARIA = ['aria-atomic', 'aria-busy', 'aria-controls', 'aria-current', 'aria-describedby', 'aria-details',
  'aria-dropeffect', 'aria-flowto', 'aria-grabbed', 'aria-keyshortcuts', 'aria-label', 'aria-labelledby', 'aria-live',
  'aria-disabled', 'aria-errormessage', 'aria-haspopup', 'aria-invalid', 'aria-owns', 'aria-relevant', 'aria-roledescription', 'aria-description'];

// The first role of the attribute that exists; null for none.
function ariaRole(element) {
  const attribute = element.getAttribute('role');
  if (!attribute) return null;
  for (const word of attribute.trim().toLowerCase().split(/\s+/)) {
    if (!ARIA_ROLES.has(word)) continue;
    const role = SAME_ROLE.get(word) || word;
    // Without a name a form or a region is none.
    if ((role === 'form' || role === 'region') && !hasAuthorName(element)) continue;
    return role;
  }
  return null;
}

function hasAuthorName(element) {
  return Boolean((element.getAttribute('aria-label') || '').trim() || labelledBy(element).length
    || (element.getAttribute('title') || '').trim());
}

function labelledBy(element) {
  return referenced(element, 'aria-labelledby');
}

// The elements that an attribute with ids names.
function referenced(element, attribute) {
  const ids = element.getAttribute(attribute);
  if (!ids) return [];
  const root = element.getRootNode(), found = [];
  for (const id of ids.trim().split(/\s+/)) {
    const other = id && root.getElementById ? root.getElementById(id) : null;
    if (other) found.push(other);
  }
  return found;
}

function isFocusable(element) {
  if (element.disabled === true && 'form' in element) return false;
  if (element.tabIndex >= 0) return true;
  if (element.hasAttribute('tabindex')) return !Number.isNaN(parseInt(element.getAttribute('tabindex'), 10));
  return isEditingHost(element);
}

function isEditingHost(element) {
  const editable = element.getAttribute('contenteditable');
  return editable !== null && editable.toLowerCase() !== 'false' && element.isContentEditable;
}

function roleOf(element) {
  const aria = ariaRole(element), tag = element.tagName;
  if (aria === null) return nativeRole(element, tag);
  const context = NEEDED_AROUND.get(aria);
  if (context && !isWithin(element, context)) return 'generic';
  if (aria === 'none') {
    // What can be focused, or says something about itself, is not presentational.
    if (isFocusable(element) || GLOBAL_ARIA.some((name) => element.hasAttribute(name))) return nativeRole(element, tag);
    return 'none';
  }
  if (tag === 'OPTION' || (tag === 'SELECT' && aria !== 'none' && element.size < 2)) return nativeRole(element, tag);
  return aria;
}

function nativeRole(element, tag) {
  switch (tag) {
    case 'A': case 'AREA': return element.hasAttribute('href') || isClicked(element) ? 'link' : 'generic';
    case 'INPUT': return inputRole(element);
    case 'SELECT': return element.multiple || element.size > 1 ? 'listbox' : 'combobox';
    case 'IMG': return element.getAttribute('alt') === '' && !hasAuthorName(element) && !isFocusable(element)
      ? 'none' : 'image';
    case 'LI': return inList(element) ? 'listitem' : 'generic';
    case 'TD': return cellRole(element, 'cell');
    case 'TH': return headerRole(element);
    case 'SUMMARY': return summaryRole(element);
    case 'HEADER': return isWithin(element, SECTIONING) ? 'sectionheader' : 'banner';
    case 'FOOTER': return isWithin(element, SECTIONING) ? 'sectionfooter' : 'contentinfo';
    case 'ASIDE': return !isWithin(element, SECTIONS) || hasAuthorName(element) ? 'complementary' : 'generic';
    case 'SECTION': return hasAuthorName(element) ? 'region' : 'generic';
    case 'svg': return 'SvgRoot';
    default: return SHAPES.has(tag) && isClicked(element) ? 'graphics-symbol' : NATIVE_ROLES.get(tag) || 'generic';
  }
}

function inputRole(element) {
  const type = element.type;
  if (type === 'checkbox' && element.hasAttribute('switch')) return 'switch';
  const role = INPUT_ROLES.get(type) || 'textbox';
  return (role === 'textbox' || role === 'searchbox') && element.list ? 'combobox' : role;
}

function inList(element) {
  const up = flatParent(element);
  return !up || !['UL', 'OL', 'MENU'].includes(up.tagName) || ['list', null].includes(ariaRole(up));
}

function isWithin(element, selector) {
  return Boolean(element.parentElement && element.parentElement.closest(selector));
}

function summaryRole(element) {
  const details = element.parentElement;
  if (!details || details.tagName !== 'DETAILS') return 'generic';
  for (let other = element.previousElementSibling; other; other = other.previousElementSibling) {
    if (other.tagName === 'SUMMARY') return 'generic';
  }
  return details.hasAttribute('name') ? 'DisclosureTriangleGrouped' : 'DisclosureTriangle';
}

const OWNED = new Set([...REQUIRED_OWNED.values()].flat());

// Whether an ancestor that is presentational takes the element's role with it.
function losesRole(element) {
  const tag = element.tagName;
  if (!OWNED.has(tag)) return false;
  for (let up = element.parentElement, steps = 0; up && steps < 3; up = up.parentElement, steps++) {
    const owned = REQUIRED_OWNED.get(up.tagName);
    if (owned) return owned.includes(tag) && roleOf(up) === 'none';
    if (up.tagName !== 'TBODY' && up.tagName !== 'TR' && up.tagName !== 'THEAD' && up.tagName !== 'TFOOT') return false;
  }
  return false;
}
