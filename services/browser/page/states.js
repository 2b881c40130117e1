// States, properties and values, in the order in which Chromium's tree lists them.
const CHECKABLE = new Set(['checkbox', 'radio', 'switch', 'menuitemcheckbox', 'menuitemradio', 'option', 'treeitem']);
const SELECTABLE = new Set(['option', 'tab', 'treeitem', 'gridcell', 'row', 'columnheader', 'rowheader']);
const REQUIRABLE = new Set(['combobox', 'gridcell', 'listbox', 'radiogroup', 'spinbutton', 'textbox',
  'tree', 'treegrid', 'columnheader', 'rowheader']);
const ORIENTED = new Set(['scrollbar', 'listbox', 'combobox', 'menu', 'menubar', 'slider', 'separator', 'tablist',
  'toolbar', 'tree', 'radiogroup']);
// Without aria attributes these have no states.
const PLAIN = new Set(['generic', 'paragraph', 'heading', 'link', 'image', 'list', 'listitem', 'navigation', 'main', 'banner',
  'contentinfo', 'article', 'region', 'form', 'group', 'table', 'cell', 'LabelText', 'emphasis', 'strong', 'code', 'time']);
const MULTISELECTABLE = new Set(['grid', 'listbox', 'tablist', 'tree', 'treegrid']);
const RANGED = new Set(['meter', 'progressbar', 'scrollbar', 'slider', 'spinbutton']);
const DISABLABLE = new Set(['BUTTON', 'INPUT', 'SELECT', 'TEXTAREA', 'OPTION']);
const LIVE_ROLES = new Map([['alert', 'assertive'], ['log', 'polite'], ['status', 'polite'], ['timer', 'off'],
  ['marquee', 'off']]);
const EXPANDABLE = new Set(['application', 'button', 'checkbox', 'columnheader', 'combobox', 'gridcell', 'link', 'listbox',
  'menuitem', 'menuitemcheckbox', 'menuitemradio', 'row', 'rowheader', 'switch', 'tab', 'treeitem']);

function isTrue(element, attribute) {
  return (element.getAttribute(attribute) || '').toLowerCase() === 'true';
}

// A list of [name, value] pairs; those that no format shows or reads are left out.
function propertiesOf(record, active, walk) {
  const found = [], element = record.node, role = record.role;
  if (record.kind === ROOT) {
    found.push(['focusable', true]);
    if (active.owner === element) found.push(['focused', true]);
    return found;
  }
  if (record.kind !== ELEMENT) return record.part === 'popup' ? [] : found;
  const hasAria = record.hasAria;
  if (hasAria || LIVE_ROLES.has(role)) liveProperties(element, role, found);
  if (isDisabled(element, hasAria, walk.hasDisabled)) found.push(['disabled', true]);
  const invalid = hasAria ? element.getAttribute('aria-invalid') : null;
  if (invalid !== null && invalid !== '' && invalid !== 'false') found.push(['invalid', invalid]);
  if (isFocusable(element) || role === 'option') found.push(['focusable', true]);
  if (active.of.get(element.ownerDocument) === element) found.push(['focused', true]);
  if (element.isContentEditable && isEditingHost(element)) {
    const kind = element.contentEditable === 'plaintext-only' ? 'plaintext' : 'richtext';
    found.push(['editable', kind]);
  }
  if (hasAria || !PLAIN.has(role)) {
    widgetProperties(element, role, found);
    widgetStates(element, role, found);
  }
  if (hasAria) relations(element, found, walk.records);
  return found;
}

function liveProperties(element, role, found) {
  const told = element.getAttribute('aria-live');
  const live = told || LIVE_ROLES.get(role) || '';
  if (!live || live === 'off') return;
  found.push(['live', live]);
  const atomic = element.getAttribute('aria-atomic');
  found.push(['atomic', atomic === null ? role === 'alert' || role === 'status' : atomic === 'true']);
  found.push(['relevant', element.getAttribute('aria-relevant') || 'additions text']);
}

function isTextField(element) {
  return element.tagName === 'TEXTAREA' || (element.tagName === 'INPUT' && TEXT_INPUTS.has(element.type))
    || isEditingHost(element);
}

function pressedOf(element) {
  const told = (element.getAttribute('aria-pressed') || '').toLowerCase();
  return told === 'true' || told === 'false' || told === 'mixed' ? told : '';
}

function isDisabled(element, hasAria = true, mayInherit = true) {
  if (hasAria && isTrue(element, 'aria-disabled')) return true;
  if (DISABLABLE.has(element.tagName) && element.matches(':disabled')) return true;
  if (element.tagName === 'OPTION') return Boolean(element.closest('select:disabled'));
  if (!mayInherit || !element.parentElement) return false;
  return Boolean(element.parentElement.closest('[aria-disabled="true"]')) && isFocusable(element);
}

function widgetProperties(element, role, found) {
  const autocomplete = element.getAttribute('aria-autocomplete');
  if (autocomplete && isTextField(element)) found.push(['autocomplete', autocomplete]);
  else if (element.list) found.push(['autocomplete', 'list']);
  const popup = popupOf(element, role);
  if (popup) found.push(['hasPopup', popup]);
  if (MULTISELECTABLE.has(role)) {
    found.push(['multiselectable', element.multiple === true || isTrue(element, 'aria-multiselectable')]);
  }
  const orientation = ORIENTED.has(role) ? orientationOf(element, role) : '';
  if (orientation) found.push(['orientation', orientation]);
  if (REQUIRABLE.has(role) && !(role === 'combobox' && element.tagName === 'SELECT')) found.push(['required', element.required === true || isTrue(element, 'aria-required')]);
  if (RANGED.has(role) || (role === 'separator' && isFocusable(element))) rangeProperties(element, role, found);
}

function popupOf(element, role) {
  const told = element.getAttribute('aria-haspopup');
  if (told && told !== 'false') return told === 'true' ? 'menu' : told;
  if (role !== 'combobox' || told === 'false') return '';
  return element.tagName === 'SELECT' ? 'menu' : 'listbox';
}

function orientationOf(element, role) {
  const told = element.getAttribute('aria-orientation');
  if (told) return told;
  if (['listbox', 'menu', 'scrollbar', 'tree'].includes(role)) return 'vertical';
  return ['menubar', 'slider', 'separator', 'tablist', 'toolbar'].includes(role) ? 'horizontal' : '';
}

function rangeProperties(element, role, found) {
  const isNative = element.tagName === 'PROGRESS' || element.tagName === 'METER';
  const bounds = { min: 0, max: isNative ? 1 : 100 };
  for (const end of ['min', 'max']) {
    const told = element.getAttribute('aria-value' + end) ?? (element[end] === '' ? null : element[end]);
    const number = told === null || told === undefined ? (role === 'spinbutton' ? 0 : bounds[end]) : Number(told);
    found.push(['value' + end, number]);
  }
  found.push(['valuetext', element.getAttribute('aria-valuetext') || (element.tagName === 'INPUT' ? element.value : '')]);
}

function widgetStates(element, role, found) {
  if (CHECKABLE.has(role)) {
    const checked = checkedOf(element, role);
    if (checked) found.push(['checked', checked]);
  }
  if (role === 'button' && pressedOf(element)) found.push(['pressed', pressedOf(element)]);
  const expanded = expandedOf(element, role);
  if (expanded !== null) found.push(['expanded', expanded]);
  if (SELECTABLE.has(role)) {
    const selected = selectedOf(element, role);
    if (selected !== null) found.push(['selected', selected]);
  }
  if (role === 'dialog' || role === 'alertdialog') {
    found.push(['modal', isTrue(element, 'aria-modal') || (element.tagName === 'DIALOG' && element.matches(':modal'))]);
  }
}

function checkedOf(element, role) {
  if (element.tagName === 'INPUT' && (element.type === 'checkbox' || element.type === 'radio')) {
    return element.indeterminate && element.type === 'checkbox' ? 'mixed' : String(element.checked);
  }
  const told = (element.getAttribute('aria-checked') || '').toLowerCase();
  if (told === 'true' || told === 'false') return told;
  if (told === 'mixed') return role === 'checkbox' || role === 'menuitemcheckbox' ? 'mixed' : 'false';
  return ['option', 'treeitem'].includes(role) ? '' : 'false';
}

function expandedOf(element, role) {
  if (role.startsWith('DisclosureTriangle')) return element.parentElement.open;
  if (element.tagName === 'SELECT' && role === 'combobox') return false;
  const told = EXPANDABLE.has(role) ? element.getAttribute('aria-expanded') : null;
  if (told === 'true' || told === 'false') return told === 'true';
  return null;
}

function selectedOf(element, role) {
  if (element.tagName === 'OPTION') return isDisabled(element) ? null : element.selected;
  const told = element.getAttribute('aria-selected');
  if (told === 'true' || told === 'false') return told === 'true';
  return role === 'option' || role === 'tab' ? false : null;
}

function relations(element, found, records) {
  for (const name of ['describedby', 'owns']) relation(element, name, found);
  if (isTrue(element, 'aria-busy')) found.push(['busy', 1]);
  for (const name of ['keyshortcuts', 'roledescription']) {
    const told = element.getAttribute('aria-' + name);
    if (told) found.push([name, told]);
  }
  for (const name of ['activedescendant', 'controls', 'details', 'errormessage', 'flowto']) {
    relation(element, name, found, records);
  }
}

function relation(element, name, found, records) {
  const ids = element.getAttribute('aria-' + name);
  if (!ids) return;
  const others = referenced(element, 'aria-' + name);
  if (others.some((other) => !records || records.has(other))) found.push([name, ids]);
}

// What a field holds; '' for what holds nothing.
function valueOf(record) {
  const element = record.node;
  if (record.kind !== ELEMENT) return '';
  switch (element.tagName) {
    case 'INPUT':
      if (['checkbox', 'radio', 'button', 'submit', 'reset', 'image', 'file', 'hidden'].includes(element.type)) return '';
      return shownValue(element);
    case 'TEXTAREA': return element.value;
    case 'SELECT': return element.size > 1 || element.multiple ? '' : element.selectedOptions[0]?.label.trim() ?? '';
    case 'METER': case 'PROGRESS': return String(element.value);
  }
  if (RANGED.has(record.role)) return element.getAttribute('aria-valuetext') || element.getAttribute('aria-valuenow') || '';
  const isField = record.role === 'textbox' || record.role === 'searchbox' || record.role === 'combobox';
  return isField && element.isContentEditable ? contentValue(record) : '';
}

function contentValue(record) {
  let text = '';
  const work = [record];
  while (work.length) {
    const next = work.pop();
    if (next.kind === TEXT || next.kind === BREAK) text += next.text;
    for (let i = next.children.length - 1; i >= 0; i--) work.push(next.children[i]);
  }
  return text;
}
