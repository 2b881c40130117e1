// Date and time fields: the parts that Chromium draws in them, as it draws them in English (US).
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October',
  'November', 'December'];
const DATE_LAYOUTS = new Map(Object.entries({
  date: ['Month', '/', 'Day', '/', 'Year'],
  time: ['Hours', ':', 'Minutes', '\u202f', 'AM/PM'],
  month: ['month', ' ', 'Year'],
  week: ['Week ', 'Week', ', ', 'Year'],
  'datetime-local': ['Month', '/', 'Day', '/', 'Year', ', ', 'Hours', ':', 'Minutes', '\u202f', 'AM/PM'],
}));
const PICKERS = new Map(Object.entries({
  date: 'Show date picker', time: 'Show time picker', month: 'Show month picker', week: 'Show week picker',
  'datetime-local': 'Show local date and time picker',
}));
// Part by part: least, most, and what is drawn while it is empty.
const DATE_PARTS = new Map(Object.entries({
  Month: [1, 12, 'mm'], month: [1, 12, '---------'], Day: [1, 31, 'dd'], Year: [1, 275760, 'yyyy'],
  Hours: [1, 12, '--'], Minutes: [0, 59, '--'], 'AM/PM': [1, 2, '--'], Week: [1, 53, '--'],
}));

function dateContent(walk, element, record) {
  const layout = DATE_LAYOUTS.get(element.type), values = dateValues(element), type = element.type;
  const states = isDisabled(element) ? [['disabled', true]] : [['focusable', true]];
  layout.forEach((part, index) => {
    const known = DATE_PARTS.get(part);
    if (!known) {
      inner(walk, record, TEXT, 'StaticText', part, 'text' + index);
      return;
    }
    const value = values.get(part), name = part === 'month' ? 'Month' : part;
    const made = inner(walk, record, GENERATED, 'spinbutton', '', part);
    made.told = {
      name,
      // Chromium says the part's name twice in a field that has a name.
      isTwice: true,
      value: value === undefined ? '0' : String(part === 'AM/PM' ? value + 1 : value),
      properties: [...states, ['required', false], ['valuemin', known[0]], ['valuemax', known[1]], ['valuetext', '']],
    };
    const text = inner(walk, made, TEXT, 'StaticText', partText(part, value, type), part + 'text');
    text.node = element;
  });
  if (isDisabled(element) || element.readOnly) return;
  const button = inner(walk, record, GENERATED, 'button', '', 'picker');
  button.told = { name: PICKERS.get(type), isTwice: true, value: '', properties: [...states, ['hasPopup', 'menu']] };
}

function partText(part, value, type) {
  if (value === undefined) return part === 'Year' && type !== 'date' && type !== 'datetime-local' ? '----' : DATE_PARTS.get(part)[2];
  if (part === 'month') return MONTHS[value - 1];
  if (part === 'AM/PM') return value ? 'PM' : 'AM';
  return String(value).padStart(part === 'Year' ? 4 : 2, '0');
}

function dateValues(element) {
  const found = new Map(), value = element.value;
  const day = /^(\d{4,})-(\d\d)(?:-(\d\d))?/.exec(value), time = /(\d\d):(\d\d)/.exec(value), week = /^(\d+)-W(\d\d)/.exec(value);
  if (week) return found.set('Year', Number(week[1])).set('Week', Number(week[2]));
  if (day) {
    found.set('Year', Number(day[1])).set('Month', Number(day[2])).set('month', Number(day[2]));
    if (day[3]) found.set('Day', Number(day[3]));
  }
  if (time) {
    const hours = Number(time[1]);
    found.set('Hours', hours % 12 || 12).set('Minutes', Number(time[2])).set('AM/PM', hours < 12 ? 0 : 1);
  }
  return found;
}
