// Truth against belief over simulated time, as an SVG: a line each, and the band that holds 90 % of the belief.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 240, LEFT = 34, RIGHT = 8, TOP = 8, BOTTOM = 24;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Straight pieces of points, broken where a value is missing. */
function pieces(samples, value) {
  const found = [[]];
  for (const sample of samples) {
    const y = value(sample);
    if (y == null) found.push([]);
    else found.at(-1).push([sample.unix_s, y]);
  }
  return found.filter((piece) => piece.length);
}

/** A path that keeps each value until the next: vehicles are whole. */
function steps(piece, x, y) {
  return piece.map(([t, n], i) => (i ? `H${x(t).toFixed(1)}V${y(n).toFixed(1)}` : `M${x(t).toFixed(1)} ${y(n).toFixed(1)}`)).join("");
}

function band(samples, x, y) {
  const upper = steps(samples.map((s) => [s.unix_s, s.most]), x, y);
  const back = samples.map((s) => [s.unix_s, s.least]).reverse();
  const lower = back.map(([t, n], i) => `${i ? `V${y(n).toFixed(1)}` : `L${x(t).toFixed(1)} ${y(n).toFixed(1)}`}H${x(back[Math.min(i + 1, back.length - 1)][0]).toFixed(1)}`).join("");
  return `${upper}${lower}Z`;
}

/** Draw `samples` ({unix_s, inside, occupied, least, most}, oldest first); `clock` tells a time in words. */
export function draw(svg, samples, capacity, clock) {
  if (samples.length < 2) return svg.replaceChildren();
  const width = svg.clientWidth || 600; // so that text keeps its size on a phone
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const values = samples.flatMap((s) => [s.inside, s.occupied, s.least, s.most]).filter((n) => n != null);
  const low = Math.max(0, Math.min(...values) - 1), high = Math.max(Math.max(...values) + 1, low + 4);
  const from = samples[0].unix_s, to = Math.max(samples.at(-1).unix_s, from + 1);
  const x = (t) => LEFT + ((t - from) / (to - from)) * (width - LEFT - RIGHT);
  const y = (n) => TOP + ((high - n) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const parts = [];

  const step = STEPS.find((s) => (high - low) / s <= 5) ?? 2000;
  for (let n = Math.ceil(low / step) * step; n <= high; n += step) {
    parts.push(element("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(n), y2: y(n) }));
    parts.push(element("text", { class: "tick", x: LEFT - 6, y: y(n) + 4, "text-anchor": "end" }, n));
  }
  for (const [share, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
    const t = from + share * (to - from);
    parts.push(element("text", { class: "tick", x: x(t), y: HEIGHT - 6, "text-anchor": anchor }, clock(t)));
  }
  let run = [];
  for (const sample of [...samples, { least: null }]) {
    if (sample.least != null && sample.most != null) run.push(sample);
    else {
      if (run.length > 1) parts.push(element("path", { class: "band", d: band(run, x, y) }));
      run = [];
    }
  }
  if (capacity >= low && capacity <= high) {
    parts.push(element("line", { class: "capacity", x1: LEFT, x2: width - RIGHT, y1: y(capacity), y2: y(capacity) }));
  }
  for (const [name, value] of [["truly", (s) => s.inside], ["believed", (s) => s.occupied]]) {
    for (const piece of pieces(samples, value)) parts.push(element("path", { class: name, d: steps(piece, x, y) }));
  }
  svg.replaceChildren(...parts);
}
