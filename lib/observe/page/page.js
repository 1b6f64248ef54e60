// Asks for /status.json every second while somebody looks, and draws it. Text of others goes into the page as text only.

const EVERY_MS = 1000, PATIENCE_MS = 5000, RATE_MS = 5000, SPARK = 90;
const $ = (id) => document.getElementById(id);

// --- words -----------------------------------------------------------------------------------------------------------------

const count = (n) => Math.round(n).toLocaleString('en-US');

function rateText(perSecond) {
  if (perSecond === null) return '\u2013';
  if (perSecond >= 1e6) return (perSecond / 1e6).toFixed(2) + ' M';
  if (perSecond >= 1e5) return Math.round(perSecond / 1e3) + ' k';
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : count(perSecond);
}

function bytesText(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= 1024 && unit + 1 < units.length) {
    n /= 1024;
    ++unit;
  }
  return (unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)) + ' ' + units[unit];
}

function timeText(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const two = (n) => String(n).padStart(2, '0');
  if (s < 60) return s + 's';
  if (s < 3600) return Math.floor(s / 60) + 'm' + two(s % 60) + 's';
  if (s < 86400) return Math.floor(s / 3600) + 'h' + two(Math.floor(s / 60) % 60) + 'm';
  return Math.floor(s / 86400) + 'd' + two(Math.floor(s / 3600) % 24) + 'h';
}

// "2026-11-21 10:02:07 UTC"
const instant = (seconds) => new Date(seconds * 1000).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
const clock = (text) => text ? text.slice(0, 10) + ' ' + text.slice(11, 19) + ' UTC' : '';

// What others wrote must not steer how it is read: control characters and those that turn the direction of text are shown as such.
const plain = (text) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

// --- elements --------------------------------------------------------------------------------------------------------------

function el(name, className, ...children) {
  const out = document.createElement(name);
  if (className) out.className = className;
  out.append(...children.filter((c) => c !== null));
  return out;
}

function bar(share, kind) {
  const fill = el('span');
  fill.style.width = (100 * Math.min(1, Math.max(0, share))).toFixed(2) + '%';
  return el('div', 'bar' + (kind ? ' ' + kind : ''), fill);
}

const fullness = (share) => share > 0.9 ? 'bad' : share > 0.5 ? 'warn' : '';

function figure(name, value, unit, note, more, kind) {
  const shown = el('dd', 'value', value);
  if (unit) shown.append(' ', el('small', '', unit));
  return el('div', 'figure' + (kind ? ' ' + kind : ''), el('dt', '', name), shown, el('dd', 'note', note || '\u00a0'), more ? el('dd', '', more) : null);
}

// At least so many points wide, so that the first seconds do not look like a cliff.
function spark(points) {
  const wide = Math.max(points.length, 30) - 1, first = wide + 1 - points.length;
  const out = svg('svg', {class: 'spark', viewBox: `0 0 ${wide} 24`, preserveAspectRatio: 'none', 'aria-hidden': 'true'});
  out.append(svg('path', {class: 'ground', d: `M0 23H${wide}`}));
  if (points.length < 2) return out;
  const top = Math.max(...points, 1);
  const line = points.map((p, i) => `${i === 0 ? 'M' : 'L'}${first + i} ${(22 - 20 * p / top).toFixed(2)}`).join('');
  out.append(svg('path', {class: 'area', d: `${line}V24H${first}Z`}), svg('path', {d: line}));
  return out;
}

// --- rates -----------------------------------------------------------------------------------------------------------------

// Totals of the last seconds; a rate is the difference to the oldest of them. Another start of the program begins anew.
const history = [];
const sparkPoints = [];

function remember(status, p) {
  const totals = new Map([['rows', p.rows], ['bytes', p.bodyBytes], ['delivered', p.delivered], ['letters', p.deadLetters]]);
  if (p.cursor) totals.set('cursor', p.cursor.seconds);
  p.edges.forEach((e) => totals.set(`edge ${e.from} ${e.to}`, e.messages));
  p.partitions.forEach((one, i) => totals.set(`partition ${i}`, one.delivered));
  const last = history[history.length - 1];
  if (last && (p.started !== last.started || status.nowMs <= last.at)) history.length = 0;
  history.push({at: status.nowMs, started: p.started, totals});
  while (history.length > 2 && status.nowMs - history[1].at >= RATE_MS) history.shift();
}

function rate(key) {
  const now = history[history.length - 1], before = history[0];
  if (history.length < 2 || !before.totals.has(key)) return null;
  return Math.max(0, (now.totals.get(key) - before.totals.get(key)) * 1000 / (now.at - before.at));
}

// --- the parts of the page -------------------------------------------------------------------------------------------------

function worst(p) {
  const levels = p.stages.map((s) => s.health.level);
  return levels.includes('needs attention') ? 'needs attention' : levels.includes('retrying') ? 'retrying' : 'ok';
}

function drawHead(status, p) {
  const title = p.displayName || p.id;
  document.title = title + ' \u2013 fluxgate';
  $('title').textContent = plain(title);
  $('subtitle').textContent = `${p.id} on ${p.instance}`;
  const failed = p.outcome && p.outcome.how === 'failed';
  const health = worst(p);
  const words = {created: 'not started', running: 'running', draining: 'draining', finished: p.outcome ? p.outcome.how : 'finished'};
  const ill = p.state === 'running' && health !== 'ok';
  const pill = $('state'), text = ill ? `running, ${health}` : words[p.state] || p.state;
  if (pill.textContent !== text) pill.textContent = text; // a screen reader hears changes only
  pill.className = 'pill ' + (failed || (ill && health !== 'retrying') ? 'bad' : ill || p.state === 'draining' ? 'warn' : p.state === 'running' ? 'good' : '');
  $('clock').textContent = `${instant(status.nowMs / 1000)} \u00b7 up ${timeText(status.uptimeSeconds)}`;
  $('foot').textContent = `fluxgate ${status.version} \u00b7 ${bytesText(status.process.residentBytes)} of memory \u00b7 ${status.process.cpuSeconds < 10 ? status.process.cpuSeconds.toFixed(1) + 's' : timeText(status.process.cpuSeconds)} of processor time`;
}

function cursorFigure(p) {
  const c = p.cursor;
  if (!c) return null;
  if (c.stopSeconds === undefined) return figure('Lag', timeText(c.lagSeconds), '', 'behind now', null, c.lagSeconds > 900 ? 'warn' : '');
  const start = c.startSeconds === undefined ? c.seconds : c.startSeconds;
  const share = c.stopSeconds > start ? Math.min(1, (c.seconds - start) / (c.stopSeconds - start)) : 1;
  const speed = rate('cursor');
  const left = share >= 1 ? 'all is read and delivered' : speed > 0 ? timeText((c.stopSeconds - c.seconds) / speed) + ' left' : 'waiting for the next window';
  return figure('Done', (share >= 1 ? 100 : Math.floor(share * 1000) / 10).toFixed(share >= 1 ? 0 : 1), '%', left, bar(share));
}

function drawFigures(p) {
  const rows = rate('rows'), bytes = rate('bytes');
  if (rows !== null) sparkPoints.push(rows);
  if (sparkPoints.length > SPARK) sparkPoints.shift();
  const share = Math.max(0, ...p.stages.filter((s) => s.queue).map((s) => s.queue.bytes / p.queue.stageBytes));
  const letters = rate('letters');
  $('figures').replaceChildren(...[
    figure('Read', rateText(rows), 'rows/s', `${count(p.rows)} rows${bytes > 0 ? ' \u00b7 ' + bytesText(bytes) + '/s' : ''}`, spark(sparkPoints)),
    figure('Delivered', rateText(rate('delivered')), 'msg/s', `${count(p.delivered)} messages`),
    cursorFigure(p),
    figure('Waiting in queues', bytesText(p.queue.bytes), '', `${Math.round(100 * share)} % of the bound`, bar(share, fullness(share))),
    figure('Dead letters', count(p.deadLetters), '', letters > 0 ? rateText(letters) + '/s' : p.deadLetters === 0 ? 'none' : 'none just now', null, p.deadLetters > 0 ? 'bad' : ''),
  ].filter(Boolean));
}

function saidBy(words, whose) {
  if (!words) return null;
  return el('blockquote', '', el('span', 'meta', whose), el('span', 'words', plain(words)));
}

// The health of a stage is one text; where it quotes the server, the quotation is known from the stage's last trouble and stands apart.
function healthOf(p, s) {
  for (const t of [...p.troubles].reverse()) {
    const quoted = ` (the server said: ${t.serverSaid})`;
    if (t.stage === s.id && t.serverSaid && s.health.text.includes(quoted)) return {text: s.health.text.replace(quoted, () => ''), said: t.serverSaid};
  }
  return {text: s.health.text, said: ''};
}

function drawProblems(p) {
  const list = p.stages.filter((s) => s.health.level !== 'ok').map((s) => {
    const {text, said} = healthOf(p, s);
    return el('div', 'problem' + (s.health.level === 'retrying' ? '' : ' bad'),
              el('p', 'head', plain(`${s.displayName || s.id}: ${s.health.level}`)), el('p', 'words', plain(text)), saidBy(said, 'The server said'),
              el('p', 'meta', `${s.health.code} \u00b7 since ${clock(s.health.since)}`));
  });
  if (p.outcome && p.outcome.how === 'failed')
    list.unshift(el('div', 'problem bad', el('p', 'head', p.outcome.stage ? `The pipeline failed at ${p.outcome.stage}` : 'The pipeline failed'),
                    el('p', 'words', plain(p.outcome.text)), saidBy(p.outcome.serverSaid, 'The server said')));
  $('problems').hidden = list.length === 0;
  $('problem-list').replaceChildren(...list);
}

function drawFlow(p) {
  const stages = p.stages.map((s) => {
    const lines = [{text: s.kind === 'source' ? `${count(s.out)} messages` : s.queue ? `${bytesText(s.queue.bytes)} waiting` : `${count(s.in)} in`}];
    if (s.deadLetters > 0) lines.push({text: `${count(s.deadLetters)} dead letter${s.deadLetters === 1 ? '' : 's'}`, lost: true});
    else if (s.abandoned > 0) lines.push({text: `${count(s.abandoned)} abandoned`, lost: true});
    else if (s.dropped > 0) lines.push({text: `${count(s.dropped)} dropped on purpose`});
    else lines.push({text: s.kind === 'source' ? `${count(p.queries.complete || 0)} complete answers` : s.kind === 'output' ? `${count(s.out)} delivered` : `${count(s.out)} handed on`});
    return {...s, title: plain(s.displayName || s.id), lines, fill: s.queue ? s.queue.bytes / p.queue.stageBytes : null};
  });
  const edges = p.edges.map((e) => {
    const now = rate(`edge ${e.from} ${e.to}`);
    return {...e, rate: now, text: now === null ? '\u2013' : rateText(now) + '/s'};
  });
  const box = $('flow'), style = getComputedStyle(box);
  drawGraph(box, stages, edges, box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 4);
}

function table(caption, head, rows) {
  const cell = (name, c) => {
    const out = el(name, c.number ? 'number' : '', c.bar || c.text);
    if (name === 'th') out.scope = 'col';
    return out;
  };
  return el('table', '', el('caption', 'hidden', caption), el('thead', '', el('tr', '', ...head.map((c) => cell('th', c)))),
            el('tbody', '', ...rows.map((r) => el('tr', '', ...r.map((c) => cell('td', c))))));
}

function drawPartitions(p) {
  const MOST = 16;
  const all = p.partitions.map((one, i) => ({...one, name: String(i), rate: rate(`partition ${i}`)}));
  let shown = all;
  if (all.length > MOST) { // the busiest, in their order, and the rest as one
    const busy = new Set([...all].sort((a, b) => b.delivered - a.delivered).slice(0, MOST - 1));
    const rest = all.filter((one) => !busy.has(one));
    const sum = (key) => rest.reduce((n, one) => n + (one[key] || 0), 0);
    shown = [...all.filter((one) => busy.has(one)), {name: `${rest.length} others`, delivered: sum('delivered'), queueBytes: sum('queueBytes'), rate: history.length < 2 ? null : sum('rate'), many: true}];
  }
  $('partitions').replaceChildren(table('Messages delivered and waiting, by partition',
    [{text: 'Partition'}, {text: 'Share'}, {text: 'Delivered', number: true}, {text: 'Now', number: true}, {text: 'Queue', number: true}],
    shown.map((one) => [{text: one.name}, {bar: bar(p.delivered > 0 ? one.delivered / p.delivered : 0)}, {text: count(one.delivered), number: true},
                        {text: rateText(one.rate) + '/s', number: true}, {text: bytesText(one.queueBytes), number: true}])));
}

function drawWindows(p) {
  $('windows-section').hidden = !p.windows;
  if (!p.windows) return;
  const facts = el('dl', 'facts', el('dt', '', 'Cursor'), el('dd', '', instant(p.cursor.seconds)));
  if (p.cursor.stopSeconds !== undefined) facts.append(el('dt', '', 'Reads until'), el('dd', '', instant(p.cursor.stopSeconds)));
  facts.append(el('dt', '', 'Window'), el('dd', '', timeText(p.windows.seconds)), el('dt', '', 'Wait for delivery'), el('dd', '', count(p.windows.waiting)));
  const rows = p.windows.lanes.map((w) => w.reads ? [{text: w.lane}, {text: instant(w.startSeconds)}, {text: timeText(w.stopSeconds - w.startSeconds), number: true}]
                                                  : [{text: w.lane}, {text: 'nothing to read now'}, {text: '', number: true}]);
  $('windows').replaceChildren(facts, table('What is being read', [{text: 'Lane'}, {text: 'Reads from'}, {text: 'For', number: true}], rows));
}

const opened = new Set(); // reasons whose examples a person looks at

function drawLetters(status, p) {
  if (p.reasons.length === 0) {
    $('letters').replaceChildren(el('p', 'empty', 'None: every row became a message, and every message was taken.'));
    return;
  }
  const kept = new Map([...$('letters').querySelectorAll('details')].map((d) => [d.dataset.code, d]));
  $('letters').replaceChildren(...[...p.reasons].sort((a, b) => b.count - a.count).map((r) => {
    const old = kept.get(r.code), body = el('div', '');
    const head = el('summary', '', el('span', 'code', plain(r.code)), el('span', 'count', count(r.count)));
    for (const e of [...r.examples].reverse())
      body.append(el('div', 'example', el('p', 'meta', `${clock(e.time)} \u00b7 ${e.stage}${e.partition === undefined ? '' : ' \u00b7 partition ' + e.partition}`),
                     e.text === undefined ? null : el('p', 'words', plain(e.text)), e.raw === undefined ? null : el('pre', '', plain(e.raw) + (e.cut ? ' \u2026' : ''))));
    if (r.examples.length === 0) body.append(el('p', 'meta', 'No example is kept of this reason; the dead-letter file has all of them.'));
    else if (!status.data) body.append(el('p', 'meta', 'What the rows say is shown on a loopback address only.'));
    if (old) { // keeps focus and what is open
      old.querySelector('.count').textContent = count(r.count);
      old.lastElementChild.replaceWith(body);
      return old;
    }
    const out = el('details', '', head, body);
    out.dataset.code = r.code;
    out.open = opened.has(r.code);
    out.addEventListener('toggle', () => out.open ? opened.add(r.code) : opened.delete(r.code));
    return out;
  }));
}

function drawTroubles(p) {
  const list = [...p.troubles].reverse().map((t) => el('li', '',
    el('p', 'meta', el('b', t.level, t.level), ` \u00b7 ${clock(t.time)} \u00b7 ${t.stage || 'host'} \u00b7 ${t.event}`),
    el('p', 'words', plain(t.message)), saidBy(t.serverSaid, 'The server said')));
  $('troubles').replaceChildren(list.length === 0 ? el('p', 'empty', 'None since the start.') : el('ul', 'entries', ...list));
}

// --- asking ----------------------------------------------------------------------------------------------------------------

let latest = null, lastAnswer = Date.now();

function draw() {
  if (!latest || latest.pipelines.length === 0) return;
  const p = latest.pipelines[0];
  $('main').hidden = false;
  drawHead(latest, p);
  drawFigures(p);
  drawProblems(p);
  drawFlow(p);
  drawPartitions(p);
  drawWindows(p);
  drawLetters(latest, p);
  drawTroubles(p);
}

function tellStale(why) {
  const old = Date.now() - lastAnswer > PATIENCE_MS;
  document.body.classList.toggle('stale', why !== '');
  $('stale').hidden = why === '' || !old;
  if (old && why) $('stale').textContent = latest ? `No answer for ${timeText((Date.now() - lastAnswer) / 1000)}: what is shown is old. Is the program still running?` : 'No answer. Is the program still running?';
}

async function ask() {
  const limit = new AbortController(), timer = setTimeout(() => limit.abort(), PATIENCE_MS);
  try {
    const answer = await fetch('status.json', {cache: 'no-store', credentials: 'omit', signal: limit.signal});
    if (!answer.ok) throw new Error(String(answer.status));
    latest = await answer.json();
    lastAnswer = Date.now();
    if (latest.pipelines.length > 0) remember(latest, latest.pipelines[0]);
    draw();
    tellStale('');
  } catch (error) {
    tellStale(String(error));
  } finally {
    clearTimeout(timer);
  }
}

async function run() {
  for (;;) {
    if (!document.hidden) await ask();
    await new Promise((next) => setTimeout(next, EVERY_MS));
  }
}

new ResizeObserver(() => {
  if (latest && latest.pipelines.length > 0) drawFlow(latest.pipelines[0]);
}).observe($('flow'));
run();
