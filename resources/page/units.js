// Sorts and filters the table of a layer's units. Without it the table is whole, in the order in which it was written.

const table = document.querySelector('.units');
const body = table.tBodies[0];
const rows = [...body.rows];
const headings = [...table.tHead.rows[0].cells];
const SEEN = ['rendered', 'top', 'histogram', ''];

function sortBy(heading) {
  const column = headings.indexOf(heading);
  const words = heading.textContent === 'words';
  const usual = words || heading.textContent === 'unit' ? 'ascending' : 'descending';
  const other = usual === 'ascending' ? 'descending' : 'ascending';
  const order = heading.getAttribute('aria-sort') === usual ? other : usual;
  const sign = order === 'ascending' ? 1 : -1;
  const keys = new Map(rows.map((row) => {
    const text = row.cells[column].textContent;
    return [row, words ? text : parseFloat(text)];
  }));
  // What has no number, or no word, stays last.
  const last = (key) => (words ? key === '' : Number.isNaN(key));
  rows.sort((one, two) => {
    const [a, b] = [keys.get(one), keys.get(two)];
    if (last(a) || last(b)) return last(a) - last(b);
    return sign * (words ? a.localeCompare(b) : a - b);
  });
  headings.forEach((each) => each.removeAttribute('aria-sort'));
  heading.setAttribute('aria-sort', order);
  body.append(...rows);
}

headings.filter((each) => !SEEN.includes(each.textContent)).forEach((heading) => {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = heading.textContent;
  button.addEventListener('click', () => sortBy(heading));
  heading.replaceChildren(button);
});

const filter = document.createElement('input');
filter.type = 'search';
filter.id = 'filter';
filter.placeholder = 'Filter: heart, clear';
filter.setAttribute('aria-label', 'Filter the units');
const count = document.createElement('output');
filter.addEventListener('input', () => {
  const wanted = filter.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
  let shown = 0;
  rows.forEach((row) => {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.every((word) => text.includes(word));
    shown += !row.hidden;
  });
  count.value = wanted.length ? ` ${shown} of ${rows.length}` : '';
});
table.closest('section').querySelector('.wide').before(filter, count);
