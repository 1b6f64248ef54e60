'use strict';
// The pipeline as a picture: stages in layers by their distance from the source, edges with what flows over them now. Left to right
// where there is room, else from top to bottom; and where not even a layer has room, as a list with the edges at its left.

const SVG = 'http://www.w3.org/2000/svg';

function svg(name, attributes, ...children) {
  const out = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) out.setAttribute(key, value);
  out.append(...children);
  return out;
}

// The layer of each stage: the longest way from the source, so that every edge goes forward.
function layersOf(stages, edges) {
  const depth = new Map(stages.map((s) => [s.id, 0]));
  for (let round = 0; round < stages.length; ++round) {
    let moved = false;
    for (const e of edges) {
      const wanted = depth.get(e.from) + 1;
      if (wanted > depth.get(e.to) && wanted <= stages.length) {
        depth.set(e.to, wanted);
        moved = true;
      }
    }
    if (!moved) break;
  }
  const layers = [];
  for (const s of stages) (layers[depth.get(s.id)] = layers[depth.get(s.id)] || []).push(s);
  return layers.filter(Boolean);
}

const NODE = {width: 224, height: 92};

// Where each stage's upper left corner is, and how large the picture. `way`: "across", "down" or "list".
function placesOf(layers, room) {
  const most = Math.max(...layers.map((l) => l.length));
  const fits = (n, gap) => n * NODE.width + (n - 1) * gap <= room;
  if (!fits(layers.length, 96) && !fits(most, 20)) return listed(layers);
  const flat = fits(layers.length, 96);
  const spare = (room - layers.length * NODE.width) / Math.max(1, layers.length - 1);
  const gap = flat ? {main: Math.min(170, Math.max(96, spare)), side: 24} : {main: 56, side: 20};
  const main = flat ? NODE.width : NODE.height, side = flat ? NODE.height : NODE.width;
  const size = {main: layers.length * main + (layers.length - 1) * gap.main, side: most * side + (most - 1) * gap.side};
  const places = new Map();
  layers.forEach((layer, i) => {
    const used = layer.length * side + (layer.length - 1) * gap.side;
    layer.forEach((s, k) => {
      const a = i * (main + gap.main), b = (size.side - used) / 2 + k * (side + gap.side);
      places.set(s.id, flat ? {x: a, y: b} : {x: b, y: a});
    });
  });
  return {places, way: flat ? 'across' : 'down', width: flat ? size.main : size.side, height: flat ? size.side : size.main};
}

function listed(layers) {
  const places = new Map(), indent = 30, gap = 36;
  layers.forEach((layer, depth) => layer.forEach((s) => places.set(s.id, {x: depth * indent, y: places.size * (NODE.height + gap)})));
  return {places, way: 'list', width: (layers.length - 1) * indent + NODE.width, height: places.size * (NODE.height + gap) - gap};
}

// The line of an edge, and where its text stands.
function lineOf(from, to, way, wide) {
  if (way === 'list') {
    const a = {x: from.x + 14, y: from.y + NODE.height}, b = {x: to.x, y: to.y + NODE.height / 2}, r = 10;
    return {d: `M${a.x} ${a.y}V${b.y - r}Q${a.x} ${b.y} ${a.x + r} ${b.y}H${b.x}`, middle: {x: to.x + 6 + wide / 2, y: to.y - 17}};
  }
  const flat = way === 'across';
  const a = flat ? {x: from.x + NODE.width, y: from.y + NODE.height / 2} : {x: from.x + NODE.width / 2, y: from.y + NODE.height};
  const b = flat ? {x: to.x, y: to.y + NODE.height / 2} : {x: to.x + NODE.width / 2, y: to.y};
  const half = flat ? (b.x - a.x) / 2 : (b.y - a.y) / 2;
  const d = flat ? `M${a.x} ${a.y}C${a.x + half} ${a.y} ${b.x - half} ${b.y} ${b.x} ${b.y}`
                 : `M${a.x} ${a.y}C${a.x} ${a.y + half} ${b.x} ${b.y - half} ${b.x} ${b.y}`;
  return {d, middle: {x: (a.x + b.x) / 2, y: (a.y + b.y) / 2}};
}

function cut(text, most) {
  return text.length <= most ? text : text.slice(0, most - 1) + '\u2026';
}

// `stage`: as /status.json has it, with `lines` (texts below the title) and `fill` (0 to 1 of its queue's bound, or null).
function nodeOf(stage, place) {
  const level = stage.health.level === 'retrying' ? ' retrying' : stage.health.level === 'ok' ? '' : ' attention';
  const out = svg('g', {class: 'node' + level, transform: `translate(${place.x} ${place.y})`});
  out.append(svg('rect', {class: 'box', width: NODE.width, height: NODE.height, rx: 10}),
             svg('rect', {class: 'edge', x: 0, y: 14, width: 4, height: NODE.height - 28, rx: 2}),
             svg('text', {class: 'title', x: 16, y: 25}, cut(stage.title, 24)),
             svg('text', {class: 'soft', x: 16, y: 43}, cut(stage.type, 32)));
  stage.lines.forEach((line, i) => out.append(svg('text', {class: line.lost ? 'lost' : 'soft', x: 16, y: 62 + 17 * i}, cut(line.text, 32))));
  if (stage.fill !== null) {
    const width = 60, kind = stage.fill > 0.9 ? ' bad' : stage.fill > 0.5 ? ' warn' : '';
    out.append(svg('rect', {class: 'track', x: NODE.width - width - 14, y: 55, width, height: 6, rx: 3}),
               svg('rect', {class: 'fill' + kind, x: NODE.width - width - 14, y: 55, width: Math.max(stage.fill > 0 ? 3 : 0, width * Math.min(1, stage.fill)), height: 6, rx: 3}));
  }
  out.append(svg('title', {}, `${stage.title} (${stage.id}): ${stage.health.text || stage.health.level}`));
  return out;
}

// edges: {from, to, rate (messages a second, or null), text}.
function drawGraph(into, stages, edges, room) {
  const layers = layersOf(stages, edges);
  const {places, way, width, height} = placesOf(layers, room);
  const pad = 2;
  const spoken = edges.map((e) => `${e.from} to ${e.to}: ${e.text}`).join('; ');
  const out = svg('svg', {viewBox: `${-pad} ${-pad} ${width + 2 * pad} ${height + 2 * pad}`, width: width + 2 * pad, height: height + 2 * pad, role: 'img', 'aria-label': 'The pipeline. ' + spoken});
  const labels = svg('g', {class: 'link'});
  for (const e of edges) {
    const wide = e.text.length * 6.8 + 12;
    const {d, middle} = lineOf(places.get(e.from), places.get(e.to), way, wide);
    out.append(svg('g', {class: 'link' + (e.rate > 0 ? ' moves' : '')}, svg('path', {d}), svg('path', {d, class: 'run'})));
    labels.append(svg('rect', {x: middle.x - wide / 2, y: middle.y - 11, width: wide, height: 22, rx: 11}),
                  svg('text', {x: middle.x, y: middle.y + 4}, e.text));
  }
  for (const s of stages) out.append(nodeOf(s, places.get(s.id)));
  out.append(labels);
  into.replaceChildren(out);
}
