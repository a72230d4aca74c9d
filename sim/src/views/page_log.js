'use strict';
// The log: columns of numbers, one number for each entry. Nothing here draws.
// A number that names something counts from 1; 0 is nothing.

const log = (() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const size = data.event.length;

  // Numbers that only grow are written as what they grow by.
  const summed = (deltas, Kind) => {
    const sums = new Kind(deltas.length);
    let sum = 0;
    for (let i = 0; i < deltas.length; i++) sums[i] = sum += deltas[i];
    return sums;
  };
  const event = summed(data.event, Float64Array);
  const at = summed(data.at, Float64Array);
  const actor = Uint8Array.from(data.actor);
  const thread = Uint8Array.from(data.thread);
  const kind = Uint8Array.from(data.kind);
  const text = Int32Array.from(data.text);
  const subject = Int32Array.from(data.subject);
  const kindNamed = (name) => data.kinds.indexOf(name) + 1;
  const SENT = kindNamed('sent'), ARRIVED = kindNamed('arrived');

  // Columns of datagrams have a number for each entry that is about one. Where in them an entry is, or -1.
  const place = new Int32Array(size).fill(-1);
  let places = 0;
  for (let i = 0; i < size; i++) if (kind[i] === SENT || kind[i] === ARRIVED) place[i] = places++;
  const number = Int32Array.from(data.datagram);
  const fate = Uint8Array.from(data.fate);
  const to = Uint8Array.from(data.to);
  let numbers = 0;
  for (const it of number) numbers = Math.max(numbers, it);

  // Where each datagram was sent, where it arrives, and where it arrives again.
  const sent = new Int32Array(numbers + 1).fill(-1);
  const arrives = new Int32Array(numbers + 1).fill(-1);
  const again = new Int32Array(places).fill(-1);
  for (let i = size - 1; i >= 0; i--) {
    if (place[i] < 0) continue;
    const n = number[place[i]];
    if (kind[i] === SENT) sent[n] = i;
    else { again[place[i]] = arrives[n]; arrives[n] = i; }
  }

  // The entries of each subject, one behind the other: those of `s` are from starts[s] to starts[s + 1].
  const starts = new Int32Array(data.subjects.length + 2);
  for (let i = 0; i < size; i++) if (subject[i]) starts[subject[i] + 1]++;
  for (let s = 1; s < starts.length; s++) starts[s] += starts[s - 1];
  const entries = new Int32Array(starts[starts.length - 1]);
  const filled = starts.slice();
  for (let i = 0; i < size; i++) if (subject[i]) entries[filled[subject[i]]++] = i;

  // Jobs by thread: where they begin and where they end, or -1 where they never do.
  const BEGAN = kindNamed('job-began'), ENDED = kindNamed('job-ended');
  const jobs = data.threads.map(() => []);
  for (let i = 0; i < size; i++) {
    if (kind[i] !== BEGAN && kind[i] !== ENDED) continue;
    const of = jobs[thread[i] - 1];
    const last = of[of.length - 1];
    if (kind[i] === BEGAN) of.push({ began: i, ended: -1 });
    else if (last && last.ended < 0) last.ended = i;
  }

  // The last of `count` for which `holds`, given that it holds up to some place; -1 for none.
  const last = (count, holds) => {
    let low = 0, high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(middle)) low = middle + 1; else high = middle;
    }
    return low - 1;
  };

  const FAILED = kindNamed('failed'), STALLED = kindNamed('stalled'), STEP = kindNamed('step');
  const isStep = (i) => kind[i] === STEP;
  // Subjects in the order of their names, objects of threads behind all others.
  const subjects = data.subjects.map((_, s) => s + 1);
  const rank = (s) => (isStep(entries[starts[s]]) ? '1' : '0') + data.subjects[s - 1];
  subjects.sort((a, b) => rank(a).localeCompare(rank(b), 'en', { numeric: true }));
  return {
    data, size, event, at, actor, thread, kind, text, subject, place, number, fate, to, sent, arrives, again, jobs, last,
    SENT, ARRIVED, FAILED, subjects, isStep,
    words: (i) => data.texts[text[i] - 1],
    fateOf: (i) => (place[i] < 0 ? '' : data.fates[fate[place[i]]]),
    isFault: (i) => kind[i] === FAILED || kind[i] === STALLED || (place[i] >= 0 && fate[place[i]] > 0),
    seconds: (i) => (at[i] / 1e6).toFixed(6),
    atTime: (micros) => last(size, (i) => at[i] <= micros),
    // Whether a datagram arrives, or arrives again, at entry `j` or behind it.
    arrivesAfter: (i, j) => {
      let arrival = arrives[number[place[i]]];
      while (arrival >= 0 && arrival < j) arrival = again[place[arrival]];
      return arrival >= 0;
    },
    // The last entry of a subject that is not behind entry `i`, or -1.
    stateOf: (s, i) => {
      const of = last(starts[s + 1] - starts[s], (nth) => entries[starts[s] + nth] <= i);
      return of < 0 ? -1 : entries[starts[s] + of];
    },
    // The job in whose middle a thread is after entry `i`, or nothing.
    jobOf: (t, i) => {
      const job = jobs[t][last(jobs[t].length, (nth) => jobs[t][nth].began <= i)];
      return job && (job.ended < 0 || job.ended > i) ? job : undefined;
    },
  };
})();
