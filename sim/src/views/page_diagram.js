'use strict';
// The sequence diagram. It draws the rows that are in view and no others, however many there are.

const diagram = (() => {
  const ROW = 18, HEAD = 40, EVENT = 60, TIME = 92, LANE = 74, GUTTER = EVENT + TIME + 10, TEXT = 560;
  const COLOURS = {
    delivered: '#57606a', lost: '#b3261e', partitioned: '#b3261e', late: '#b35900', duplicated: '#6639ba',
    corrupted: '#c2185b', spoofed: '#a40e8c',
  };
  const canvas = document.getElementById('diagram');
  const pen = canvas.getContext('2d');

  // A lane for each node, and behind that of a server one for each of its threads.
  const lanes = [], laneOfActor = [], laneOfThread = [];
  log.data.actors.forEach((name, a) => {
    laneOfActor[a + 1] = lanes.push({ name }) - 1;
    log.data.threads.forEach((it, t) => {
      if (it.actor === a + 1) laneOfThread[t + 1] = lanes.push({ name: it.name, thread: t }) - 1;
    });
  });
  const laneOf = (i) => (log.thread[i] ? laneOfThread[log.thread[i]] : log.actor[i] ? laneOfActor[log.actor[i]] : -1);
  const x = (lane) => GUTTER + LANE * lane + LANE / 2;
  const textAt = GUTTER + LANE * lanes.length + 8;

  // What is shown: entries by row, the first row in view, the selected entry.
  let rows = new Int32Array(0), first = 0, selected = 0, height = 0;
  const inView = () => Math.max(1, Math.floor((height - HEAD) / ROW));
  const rowOf = (i) => log.last(rows.length, (row) => rows[row] < i) + 1;
  const y = (row) => HEAD + (row - first) * ROW + ROW / 2;
  const isShown = (i) => i >= 0 && rows[rowOf(i)] === i;

  function line(x1, y1, x2, y2, colour, dash) {
    pen.strokeStyle = colour;
    pen.setLineDash(dash || []);
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.lineTo(x2, y2);
    pen.stroke();
    pen.setLineDash([]);
  }

  function head(x1, y1, x2, y2, colour) {
    const angle = Math.atan2(y2 - y1, x2 - x1);
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(x2, y2);
    for (const side of [-0.4, 0.4]) pen.lineTo(x2 - 8 * Math.cos(angle + side), y2 - 8 * Math.sin(angle + side));
    pen.fill();
  }

  function cross(cx, cy, colour) {
    pen.lineWidth = 2;
    line(cx - 5, cy - 5, cx + 5, cy + 5, colour);
    line(cx - 5, cy + 5, cx + 5, cy - 5, colour);
    pen.lineWidth = 1;
  }

  // From where a datagram is sent to where it arrives; one that never does ends in a cross.
  function arrow(i) {
    const place = log.place[i], fate = log.fateOf(i), colour = COLOURS[fate];
    const from = x(laneOf(i)), fromY = y(rowOf(i));
    const dash = fate === 'delivered' || fate === 'duplicated' ? [] : [5, 3];
    let drawn = 0;
    for (let j = log.arrives[log.number[place]]; j >= 0; j = log.again[log.place[j]]) {
      if (!isShown(j)) continue;
      const to = x(laneOf(j)), toY = y(rowOf(j));
      line(from, fromY, to, toY, colour, dash);
      head(from, fromY, to, toY, colour);
      drawn++;
    }
    if (drawn) return;
    const lane = log.to[place] ? laneOfActor[log.to[place]] : laneOf(i);
    const middle = lane === laneOf(i) ? from + 30 : (from + x(lane)) / 2;
    line(from, fromY, middle, fromY, colour, dash);
    if (fate === 'lost' || fate === 'partitioned' || !log.to[place]) cross(middle, fromY, colour);
    else head(from, fromY, middle, fromY, colour);
  }

  // Datagrams on their way are looked for so many rows above those in view.
  const ABOVE = 400;

  function arrows(end) {
    for (let row = Math.max(0, first - ABOVE); row < end; row++) {
      const i = rows[row];
      if (log.kind[i] === log.SENT) {
        if (row >= first || log.arrivesAfter(i, rows[first])) arrow(i);
      } else if (row >= first && log.kind[i] === log.ARRIVED) {
        const sent = log.sent[log.number[log.place[i]]];
        if (isShown(sent) && rowOf(sent) < first - ABOVE) arrow(sent);
      }
    }
  }

  // The jobs of a thread as bars in its lane.
  function bars(lane, end) {
    const jobs = log.jobs[lane.thread], from = rows[first], to = rows[end - 1];
    for (let nth = Math.max(0, log.last(jobs.length, (n) => jobs[n].began <= from)); nth < jobs.length; nth++) {
      const job = jobs[nth];
      if (job.began > to) break;
      if (job.ended >= 0 && job.ended < from) continue;
      const top = Math.max(HEAD, y(rowOf(job.began)));
      const bottom = job.ended < 0 ? height : Math.min(height, y(rowOf(job.ended)));
      pen.fillStyle = '#cfe0fc';
      pen.fillRect(lane.x - 5, top, 10, Math.max(3, bottom - top));
    }
  }

  function lines(end) {
    lanes.forEach((lane, nth) => {
      lane.x = x(nth);
      line(lane.x, HEAD, lane.x, height, lane.thread === undefined ? '#c4ccd4' : '#e4e9ee');
      if (lane.thread !== undefined && end > first) bars(lane, end);
    });
  }

  function row(nth) {
    const i = rows[nth], middle = y(nth), isFault = log.isFault(i);
    const colour = log.kind[i] === log.FAILED ? '#b3261e' : COLOURS[log.fateOf(i)] || '#1b1f24';
    pen.fillStyle = '#59636e';
    pen.textAlign = 'right';
    pen.fillText(log.event[i], EVENT - 8, middle);
    pen.fillText(log.seconds(i), EVENT + TIME - 6, middle);
    pen.textAlign = 'left';
    const lane = laneOf(i);
    pen.fillStyle = colour;
    if (lane >= 0) pen.fillRect(x(lane) - 3, middle - 3, 6, 6);
    const fault = isFault && log.place[i] >= 0 ? log.fateOf(i).toUpperCase() + ' ' : '';
    const mark = log.kind[i] === log.SENT ? '→ ' : log.kind[i] === log.ARRIVED ? '← ' : '';
    const kind = log.data.kinds[log.kind[i] - 1];
    const word = log.place[i] >= 0 || log.words(i).startsWith(kind) ? '' : kind + ' ';
    pen.fillText(mark + fault + word + log.words(i), textAt, middle);
  }

  // What lies behind a row: whether it is selected, a fault, or where a property failed.
  function ground(nth) {
    const i = rows[nth];
    const colour = i === selected ? '#ddf4ff' : log.kind[i] === log.FAILED ? '#ffd8d3' : log.isFault(i) ? '#fff5f0' : '';
    if (!colour) return;
    pen.fillStyle = colour;
    pen.fillRect(0, y(nth) - ROW / 2, canvas.width, ROW);
  }

  function heads(width) {
    pen.fillStyle = '#f6f8fa';
    pen.fillRect(0, 0, width, HEAD);
    pen.fillStyle = '#1b1f24';
    pen.textAlign = 'right';
    pen.fillText('event', EVENT - 8, HEAD / 2);
    pen.fillText('seconds', EVENT + TIME - 6, HEAD / 2);
    pen.textAlign = 'center';
    lanes.forEach((lane, nth) => pen.fillText(lane.name, x(nth), HEAD / 2 + (nth % 2 ? 9 : -9)));
    pen.textAlign = 'left';
    pen.fillText('what', textAt, HEAD / 2);
  }

  function draw(room) {
    const width = Math.max(room.width, textAt + TEXT), scale = window.devicePixelRatio || 1;
    height = room.height;
    canvas.style.width = width + 'px';
    canvas.style.height = height + 'px';
    canvas.width = width * scale;
    canvas.height = height * scale;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.font = '12px ui-monospace, "DejaVu Sans Mono", monospace';
    pen.textBaseline = 'middle';
    pen.lineWidth = 1;
    pen.clearRect(0, 0, width, height);
    first = Math.max(0, Math.min(first, rows.length - inView()));
    const end = Math.min(rows.length, first + inView());
    for (let nth = first; nth < end; nth++) ground(nth);
    lines(end);
    arrows(end);
    for (let nth = first; nth < end; nth++) row(nth);
    heads(width);
    return end - first;
  }

  return {
    canvas, draw, inView, ROW,
    rows: () => rows,
    setRows: (list) => { rows = list; },
    first: () => first,
    setFirst: (row) => { first = Math.max(0, Math.min(Math.round(row), rows.length - inView())); },
    selected: () => selected,
    select: (i) => { selected = i; },
    rowOf,
    entryAt: (top) => rows[first + Math.floor((top - HEAD) / ROW)],
    reveal: (i) => {
      const nth = rowOf(i);
      if (nth < first || nth >= first + inView()) first = Math.max(0, Math.min(nth - (inView() >> 1), rows.length - inView()));
    },
  };
})();
