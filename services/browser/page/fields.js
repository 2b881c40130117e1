// What is drawn inside form fields: their value, a closed select's options.
const FIELD_CONTENT = new Set(['INPUT', 'TEXTAREA', 'SELECT', 'METER', 'PROGRESS']);
const TEXT_INPUTS = new Set(['text', 'search', 'email', 'tel', 'url', 'password', 'number']);

function fieldContent(walk, element, record, tag) {
  if (tag === 'SELECT') {
    selectContent(walk, element, record);
  } else if (tag === 'TEXTAREA') {
    element.value.split('\n').forEach((line, index) => {
      if (index) inner(walk, record, BREAK, 'LineBreak', '\n', 'break' + index);
      if (line) inner(walk, record, TEXT, 'StaticText', line, 'line' + index);
    });
  } else if (tag === 'INPUT' && TEXT_INPUTS.has(element.type)) {
    const text = shownValue(element);
    if (text) inner(walk, record, TEXT, 'StaticText', text, 'text');
  } else if (tag === 'INPUT' && DATE_LAYOUTS.has(element.type)) {
    dateContent(walk, element, record);
  } else if (tag === 'INPUT' && element.type === 'image') {
    inner(walk, record, GENERATED, 'image', '', 'image');
  } else if (tag === 'INPUT' && ['button', 'submit', 'reset'].includes(element.type)) {
    const text = buttonText(element);
    if (text) inner(walk, record, TEXT, 'StaticText', text, 'text');
  }
}

function inner(walk, record, kind, role, text, part) {
  const made = record.add(new Record(kind, record.node, record, part));
  made.role = role;
  made.text = text;
  made.isShown = record.isShown;
  walk.num++;
  return made;
}

function shownValue(element) {
  return element.type === 'password' ? '•'.repeat(element.value.length) : element.value;
}

function buttonText(element) {
  if (element.hasAttribute('value')) return element.value;
  return { submit: 'Submit', reset: 'Reset' }[element.type] || '';
}

function selectContent(walk, element, record) {
  let list = record;
  if (record.role === 'combobox') {
    list = record.add(new Record(GENERATED, element, record, 'popup'));
    list.role = 'MenuListPopup';
    list.isBlock = true;
    walk.num++;
  }
  for (const child of element.children) {
    if (child.tagName === 'OPTION') {
      option(walk, child, list);
    } else if (child.tagName === 'OPTGROUP') {
      if (styleOf(child).display === 'none') continue;
      const group = list.add(new Record(ELEMENT, child, list, ''));
      group.role = 'group';
      group.hasAria = true;
      group.isBlock = true;
      group.isShown = record.isShown;
      walk.num++;
      for (const inside of child.children) if (inside.tagName === 'OPTION') option(walk, inside, group);
    }
  }
}

function option(walk, element, parent) {
  if (walk.num >= walk.limit) {
    walk.isCut = true;
    return;
  }
  if (parent.role === 'listbox' && styleOf(element).display === 'none') return;
  const record = parent.add(new Record(ELEMENT, element, parent, ''));
  record.role = 'option';
  record.hasAria = element.hasAttributes();
  record.isBlock = true;
  record.isShown = parent.isShown;
  walk.num++;
  walk.records.set(element, record);
}
