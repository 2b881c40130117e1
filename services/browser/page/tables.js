// Tables: which are data and which only place things, and what their headers head.
//
// Chromium takes a table for layout unless something about it says data: headers, a caption, borders, many rows.
const LAYOUT_ROLES = new Map([['table', 'LayoutTable'], ['row', 'LayoutTableRow'], ['cell', 'LayoutTableCell']]);
const MANY_ROWS = 20;

class Tables {
  constructor() {
    this.known = new Map();
  }

  // The role of a part of a table, by what its table is.
  role(element, role) {
    if (!LAYOUT_ROLES.has(role) || element.hasAttribute('role')) return role;
    const table = element.closest('table');
    if (!table) return role;
    let isData = this.known.get(table);
    if (isData === undefined) this.known.set(table, isData = ariaRole(table) !== null || isDataTable(table));
    return isData ? role : LAYOUT_ROLES.get(role);
  }
}

function isDataTable(table) {
  if (table.isContentEditable) return true;
  for (const attribute of table.attributes) if (attribute.name.startsWith('aria-')) return true;
  if (table.getAttribute('summary') || table.getAttribute('rules')) return true;
  if (table.caption || table.tHead || table.tFoot || table.querySelector(':scope > col, :scope > colgroup')) return true;
  const rows = table.rows;
  if (rows.length >= MANY_ROWS) return true;
  if (rows.length === 0 || (rows.length === 1 && rows[0].cells.length <= 1)) return false;
  return hasDataCells(table, rows);
}

function hasDataCells(table, rows) {
  const sides = { top: 0, bottom: 0, left: 0, right: 0 }, colours = [];
  const ground = styleOf(table), hasSpacing = parseFloat(ground.borderSpacing) > 0 && ground.borderCollapse === 'separate';
  let num = 0, numBordered = 0, numColoured = 0;
  for (const row of rows) {
    if (colours.length < 5) colours.push(styleOf(row).backgroundColor);
    for (const cell of row.cells) {
      if (cell.tagName === 'TH') return true;
      if (cell.hasAttribute('headers') || cell.hasAttribute('abbr') || cell.hasAttribute('scope')) return true;
      const style = styleOf(cell), has = {};
      if (style.emptyCells === 'hide') return true;
      if (!cell.offsetWidth || !cell.offsetHeight) continue;
      num++;
      for (const side of Object.keys(sides)) {
        has[side] = parseFloat(style.getPropertyValue(`border-${side}-width`)) > 0;
        if (has[side]) sides[side]++;
      }
      if ((has.top && has.bottom) || (has.left && has.right)) numBordered++;
      const colour = style.backgroundColor;
      if (hasSpacing && colour !== ground.backgroundColor && colour !== 'rgba(0, 0, 0, 0)') numColoured++;
    }
  }
  if (num <= 1) return false;
  const half = Math.floor(num / 2);
  if (numBordered >= half || numColoured >= half || Object.values(sides).some((count) => count >= half)) return true;
  if (colours.length <= 2 || colours[0] === colours[1]) return false;
  return colours.every((colour, index) => colour === colours[index % 2]);
}

function tableOf(element) {
  return element.closest('table,[role=table],[role=grid],[role=treegrid]');
}

function cellRole(element, plain) {
  const table = tableOf(element), role = table && table.getAttribute('role');
  return role === 'grid' || role === 'treegrid' ? 'gridcell' : plain;
}

// Without a scope: a header before a data cell names its row, one beside another header its column.
function headerRole(element) {
  const scope = (element.getAttribute('scope') || '').toLowerCase();
  if (scope === 'row' || scope === 'rowgroup') return 'rowheader';
  if (scope === 'col' || scope === 'colgroup') return 'columnheader';
  const after = element.nextElementSibling, before = element.previousElementSibling;
  if (before && before.tagName === 'TH') return 'columnheader';
  return after && after.tagName === 'TD' ? 'rowheader' : 'columnheader';
}
