'use strict';
// The controls: time, search, filters, rows, and what is said beside the diagram. Texts of the log become text, never markup.

const $ = (id) => document.getElementById(id);
const shown = { query: '', faults: false, kinds: new Set(log.data.kinds) };
// What a part of a page says of itself, for who looks at it from outside.
const marks = document.documentElement.dataset;
// A browser has no element that is much higher than this.
const HEIGHT_MAX = 8e6;

// Whether an entry is to be shown, as a function that asks no more than it must.
function wanted() {
  const query = shown.query.trim().toLowerCase();
  const has = (word) => word.toLowerCase().includes(query);
  const number = /^#(\d+)$/.exec(query);
  const kinds = Uint8Array.from([0, ...log.data.kinds.map((it) => shown.kinds.has(it))]);
  const texts = Uint8Array.from([0, ...log.data.texts.map(has)]);
  const actors = Uint8Array.from([0, ...log.data.actors.map(has)]);
  const threads = Uint8Array.from([0, ...log.data.threads.map((it) => has(it.name))]);
  const fates = Uint8Array.from(log.data.fates.map((it, nth) => nth > 0 && has(it)));
  const found = (i) => texts[log.text[i]] || actors[log.actor[i]] || threads[log.thread[i]]
    || (log.place[i] >= 0 && fates[log.fate[log.place[i]]]);
  return (i) => kinds[log.kind[i]] && (!shown.faults || log.isFault(i))
    && (number ? log.event[i] === Number(number[1]) : !query || found(i));
}

function filter() {
  const is = wanted(), rows = new Int32Array(log.size);
  let count = 0;
  for (let i = 0; i < log.size; i++) if (is(i)) rows[count++] = i;
  diagram.setRows(rows.subarray(0, count));
  $('shown').textContent = `${count} of ${log.size} shown`;
  marks.shown = count;
  diagram.reveal(diagram.selected());
  render();
}

function pair(list, name, value) {
  const dt = document.createElement('dt'), dd = document.createElement('dd');
  dt.textContent = name;
  dd.textContent = value;
  list.append(dt, dd);
}

function describe(i) {
  const list = $('detail');
  list.replaceChildren();
  if (i < 0 || i >= log.size) return;
  pair(list, 'event', log.event[i]);
  pair(list, 'seconds', log.seconds(i));
  if (log.actor[i]) pair(list, 'who', log.data.actors[log.actor[i] - 1]);
  if (log.thread[i]) pair(list, 'thread', log.data.threads[log.thread[i] - 1].name);
  pair(list, 'kind', log.data.kinds[log.kind[i] - 1]);
  pair(list, 'what', log.words(i));
  const place = log.place[i];
  if (place < 0) return;
  const addresses = log.data.addresses;
  pair(list, 'datagram', log.number[place]);
  pair(list, 'fate', log.fateOf(i));
  pair(list, 'from', addresses[log.data.source[place] - 1]);
  pair(list, 'to', addresses[log.data.destination[place] - 1]);
  pair(list, 'octets', log.data.octets[place]);
}

function tell(table, name, value, isNew) {
  const tr = table.insertRow();
  tr.insertCell().textContent = name;
  tr.insertCell().textContent = value;
  if (isNew) tr.className = 'new';
}

// The most objects that are listed at once.
const OBJECTS_MAX = 200;

// What is known of every subject after entry `i`; of objects, of those that are alive.
function state(i) {
  const table = $('state');
  table.replaceChildren();
  let objects = 0, subjects = 0;
  log.data.threads.forEach((it, t) => {
    const job = log.jobOf(t, i);
    if (job) tell(table, it.name, `in the middle of: ${log.words(job.began)} since event ${log.event[job.began]}`, false);
  });
  for (const s of log.subjects) {
    const last = log.stateOf(s, i);
    if (last < 0) continue;
    const isObject = log.isStep(last), words = log.words(last);
    if (isObject && (words.startsWith('destroy') || objects++ >= OBJECTS_MAX)) continue;
    subjects++;
    tell(table, log.data.subjects[s - 1], words, last === i);
  }
  if (objects > OBJECTS_MAX) tell(table, '...', `${objects - OBJECTS_MAX} more objects`, false);
  marks.subjects = subjects;
}

function render() {
  const view = $('view'), scroller = $('scroller'), rows = diagram.rows().length;
  const height = Math.min(HEIGHT_MAX, rows * diagram.ROW + 60);
  $('spacer').style.height = Math.max(0, height) + 'px';
  marks.rows = diagram.draw({ width: view.clientWidth, height: view.clientHeight });
  marks.first = diagram.first();
  const top = Math.max(1, rows - diagram.inView());
  const reach = scroller.scrollHeight - scroller.clientHeight;
  const wants = reach * diagram.first() / top;
  if (Math.abs(scroller.scrollTop - wants) > 1) { quiet = true; scroller.scrollTop = wants; }
}

function select(i) {
  if (i === undefined || i < 0) i = 0;
  diagram.select(i);
  diagram.reveal(i);
  if (log.size) {
    $('slider').value = log.at[i];
    $('time').textContent = log.seconds(i) + ' s';
    marks.event = log.event[i];
  }
  describe(i);
  state(i);
  render();
}

let quiet = false;
$('scroller').addEventListener('scroll', () => {
  if (quiet) { quiet = false; return; }
  const scroller = $('scroller'), reach = Math.max(1, scroller.scrollHeight - scroller.clientHeight);
  diagram.setFirst(scroller.scrollTop / reach * (diagram.rows().length - diagram.inView()));
  render();
});
$('view').addEventListener('wheel', (it) => {
  if (it.shiftKey || it.deltaX) return;
  it.preventDefault();
  const rows = it.deltaMode === 1 ? it.deltaY : it.deltaY / diagram.ROW;
  diagram.setFirst(diagram.first() + Math.sign(rows) * Math.max(1, Math.abs(rows)));
  render();
}, { passive: false });
diagram.canvas.addEventListener('click', (it) => {
  const i = diagram.entryAt(it.offsetY);
  if (it.offsetY > 40 && i !== undefined) select(i);
});

function move(rows) {
  const list = diagram.rows();
  if (!list.length) return;
  const from = Math.min(diagram.rowOf(diagram.selected()), list.length - 1);
  select(list[Math.max(0, Math.min(list.length - 1, from + rows))]);
}

function fault(step) {
  const list = diagram.rows();
  for (let row = diagram.rowOf(diagram.selected()) + step; row >= 0 && row < list.length; row += step) {
    if (log.isFault(list[row])) return select(list[row]);
  }
}

const KEYS = {
  ArrowDown: () => move(1), ArrowUp: () => move(-1),
  PageDown: () => move(diagram.inView()), PageUp: () => move(-diagram.inView()),
  Home: () => move(-log.size), End: () => move(log.size),
  n: () => fault(1), p: () => fault(-1),
};
document.addEventListener('keydown', (it) => {
  const key = KEYS[it.key];
  if (!key || it.target.tagName === 'INPUT' || it.ctrlKey || it.metaKey || it.altKey) return;
  it.preventDefault();
  key();
});

$('slider').addEventListener('input', () => select(log.atTime(Number($('slider').value))));
$('search').addEventListener('input', () => { shown.query = $('search').value; filter(); });
$('faults').addEventListener('change', () => { shown.faults = $('faults').checked; filter(); });
$('tools').addEventListener('submit', (it) => it.preventDefault());
window.addEventListener('resize', render);

function kindBoxes() {
  const used = new Set(log.kind);
  log.data.kinds.forEach((name, nth) => {
    if (!used.has(nth + 1)) return;
    // A step is one of very many.
    if (name === 'step') shown.kinds.delete(name);
    const label = document.createElement('label'), box = document.createElement('input');
    box.type = 'checkbox';
    box.checked = shown.kinds.has(name);
    box.addEventListener('change', () => {
      shown.kinds[box.checked ? 'add' : 'delete'](name);
      filter();
    });
    label.append(box, ' ' + name);
    $('kinds').append(label);
  });
}

// What the address asks for: `#q=REGREQ&t=12.5&faults`, so that a link can show a place.
function asked() {
  const hash = new URLSearchParams(location.hash.slice(1));
  shown.query = $('search').value = hash.get('q') || '';
  shown.faults = $('faults').checked = hash.has('faults');
  return hash.has('t') ? log.atTime(Number(hash.get('t')) * 1e6) : Math.max(0, log.kind.indexOf(log.FAILED));
}

function begin() {
  document.title = log.data.title;
  $('title').textContent = log.data.title;
  $('verdict').textContent = log.data.verdict;
  $('verdict').className = log.kind.includes(log.FAILED) ? 'failed' : '';
  $('slider').max = log.size ? log.at[log.size - 1] : 0;
  kindBoxes();
  const i = asked();
  filter();
  select(i);
  const room = $('view').getBoundingClientRect();
  marks.middle = document.elementFromPoint(room.x + room.width / 2, room.y + room.height / 2).id;
  marks.events = log.size;
  marks.ready = 'yes';
}
window.addEventListener('hashchange', () => { const i = asked(); filter(); select(i); });
begin();
