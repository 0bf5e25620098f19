// The live stream, and every element of a page that shows a part of it. Importing this module is enough; a page says
// with attributes what is to be filled in, and anything more it does itself in `onState` and `onLive`.
//
//   <canvas class="sign" data-sign="NAME">   the sign's LEDs
//   [data-live]                              "live" | "stale" (count is silent) | "lost" (no stream) | "connecting"
//   [data-live-why="staff" | "drivers"]      what that means for them, shown when not live
//   [data-zone=NAME]                         gets data-status; inside it, or on it, [data-field=…]:
//                                            free capacity occupied bounds status why since bar, and for
//                                            drivers: number (or the status that says more) noun hint
//   [data-sign=NAME] (not a canvas)          text why since differs
//   [data-lane=NAME]                         entries exits back_outs ambiguous
//   [data-detector=NAME]                     gets data-level (free|occupied|unknown) and data-fault; level since fault
//   [data-bay=NAME]                          gets data-level; level
//
// When the stream breaks, or the count is silent, every number goes: a false one is worse than none.

import { draw } from "./sign.js";

/** The phrases of the page's language. */
export const words = JSON.parse(document.getElementById("words").textContent);

const SILENT_MS = 3500, FIRST_RETRY_MS = 500, LONGEST_RETRY_MS = 5000, DIFFERS_MS = 2500;
const NONE = "–";
const listeners = new Set(), watchers = new Set();
let state = null, standing = "connecting", lastHeard = 0, retryMs = FIRST_RETRY_MS, source = null, silence = 0;

/** Call `callback(state)` with each new state (null: not live), and with the present one at once. */
export function onState(callback) {
  listeners.add(callback);
  if (standing !== "connecting") callback(state);
}

/** Call `callback("live" | "stale" | "lost")` at each change. */
export function onLive(callback) {
  watchers.add(callback);
  if (standing !== "connecting") callback(standing);
}

/** Fill in `{name}`s of a phrase. */
export function say(phrase, values) {
  return phrase.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

const locale = words.lang === "en" ? "en-GB" : words.lang; // 24 hours on every clock of the car park
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium", timeZone: words.timezone });
const calendar = new Intl.DateTimeFormat(locale, { dateStyle: "short", timeStyle: "short", timeZone: words.timezone });
const day = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeZone: words.timezone });

/** The time of day, with the date when it is not today. */
export function when(text) {
  const time = new Date(text);
  return (day.format(time) === day.format(new Date()) ? clock : calendar).format(time);
}

const counts = new Intl.NumberFormat(locale, { maximumFractionDigits: 1, useGrouping: true });

/** A count as the language groups it. */
export function count(number) {
  return number == null ? NONE : counts.format(number);
}

/** How long ago, in one unit. */
export function ago(text) {
  const seconds = Math.max(0, (Date.now() - new Date(text)) / 1000);
  const [unit, size] = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]].find(([, s]) => seconds >= s) ?? ["second", 1];
  const format = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 };
  return new Intl.NumberFormat(locale, format).format(Math.floor(seconds / size));
}

const plural = new Intl.PluralRules(words.lang);

/** "wolne miejsce", "wolne miejsca" or "wolnych miejsc", as the number wants it. */
export function noun(free) {
  return free === null ? words.unknown_number : words[`free_${plural.select(free)}`] ?? words.free_many;
}

function put(element, text) {
  const value = String(text ?? NONE);
  if (element.textContent !== value) element.textContent = value; // a live region speaks only of what changed
}

function fields(container, values) {
  const own = container.dataset.field ? [container] : [];
  for (const element of [...own, ...container.querySelectorAll("[data-field]")]) {
    const value = values[element.dataset.field];
    if (value === undefined) continue;
    if (typeof value === "function") value(element);
    else put(element, value);
  }
}

function each(kind, items, show) {
  const byName = new Map(items.map((item) => [item.name, item]));
  for (const element of document.querySelectorAll(`[data-${kind}]`)) {
    show(element, byName.get(element.dataset[kind]) ?? null);
  }
}

const since = (text) => (text ? `${words.since} ${when(text)}` : "");
const hideUnless = (shown, text) => (element) => {
  element.hidden = !shown;
  if (shown && text) put(element, text);
};

function showZone(element, zone) {
  element.dataset.status = zone?.status ?? "UNKNOWN";
  const free = zone?.free ?? null, certain = (zone?.low ?? null) === (zone?.high ?? null);
  const status = zone?.status ?? "UNKNOWN", open = status === "OPEN" || status === "NEARLY_FULL";
  fields(element, {
    free,
    number: open || status === "UNKNOWN" ? free : words.status[status],
    noun: open || status === "UNKNOWN" ? noun(free) : "",
    hint: status === "NEARLY_FULL" ? words.status[status] : "",
    occupied: zone?.occupied ?? null,
    bounds: certain ? "" : say(words.between, zone),
    status: words.status[status],
    why: words.why_zone[zone?.reason ?? "not_live"],
    since: since(zone?.since),
    bar: (bar) => {
      bar.style.width = free === null ? "0" : `${(100 * free) / zone.capacity}%`;
    },
  });
  if (zone) fields(element, { capacity: zone.capacity });
}

function showSign(element, sign) {
  const panel = sign?.panel;
  if (element instanceof HTMLCanvasElement) {
    const { width, height } = element.dataset;
    draw(element, panel ?? { width: +width || 64, height: +height || 16, rows: [] });
    const text = panel?.lit ? panel.message?.text : words.sign_dark;
    element.setAttribute("aria-label", `${words.sign_picture}: ${text ?? ""}`);
    element.dataset.text = panel?.lit ? panel.message?.text ?? "" : "";
    element.dataset.lit = panel?.lit ?? false;
    return;
  }
  fields(element, {
    text: panel?.lit ? panel.message?.text ?? "" : panel?.why_dark ? `${words.sign_dark} (${whyDark(panel.why_dark)})` : words.sign_dark,
    why: words.why_zone[sign?.reason ?? "not_live"],
    since: since(panel?.shown_at),
    differs: hideUnless(sign ? differs(sign) : false),
  });
}

/** A technical message, which is English: what it means in the page's language, and itself in quotes. */
export function troubleText(raw) {
  if (!raw || words.lang === "en") return raw ?? "";
  const found = Object.keys(words.trouble).filter((part) => raw.includes(part)).sort((a, b) => raw.indexOf(a) - raw.indexOf(b));
  return `${words.trouble[found[0]] ?? words.technical} („${raw}”)`;
}

function whyDark(why) {
  const [known, said] = Object.entries(words.why_dark).find(([start]) => why.startsWith(start)) ?? ["", ""];
  const rest = why.slice(known.length).replace(/^: /, "");
  return rest ? `${said}: ${troubleText(rest)}` : said;
}

const differsSince = new Map();

/** Whether a panel has shown something else than it was told for longer than it takes to draw. */
function differs({ name, message, panel }) {
  const same = !message || (panel.lit ? panel.message?.text === message.text : message.kind === "blank");
  if (same) differsSince.delete(name);
  else if (!differsSince.has(name)) differsSince.set(name, Date.now());
  return !same && Date.now() - differsSince.get(name) > DIFFERS_MS;
}

function showDetector(element, detector, role) {
  const level = detector?.occupied == null ? "unknown" : detector.occupied ? "occupied" : "free";
  element.dataset.level = level;
  element.dataset.fault = detector?.fault ?? "";
  const word = role === "barrier" ? { free: "down", occupied: "up", unknown: "unknown" }[level] : level;
  fields(element, {
    level: words.level_of[word],
    since: since(detector?.since),
    fault: hideUnless(Boolean(detector?.fault), words.fault_short[detector?.fault]),
  });
}

function showBay(element, bay) {
  const level = bay?.occupied == null ? "unknown" : bay.occupied ? "occupied" : "free";
  element.dataset.level = level;
  fields(element, { level: words.bay_level[level] });
}

/** What a lane has shown of its loops, and what would help. */
function qualityOf(quality) {
  const percent = (share) => (100 * share).toFixed(1), whole = (share) => Math.round(100 * share);
  const numbers = quality && {
    outer: percent(quality.missed_outer), inner: percent(quality.missed_inner), lost: percent(quality.lost_edges),
    ghosts: whole(quality.ghosts), drift: quality.drift, then: quality.drift_without_doubt,
  };
  const lines = (quality?.advice ?? []).map((advice) => say(words.advice[advice], numbers));
  return {
    quality: hideUnless(Boolean(quality), numbers ? say(words.quality, numbers) : ""),
    advice: hideUnless(lines.length > 0, lines.join(" ")),
  };
}

function fill() {
  each("zone", state?.zones ?? [], showZone);
  each("sign", state?.signs ?? [], showSign);
  each("lane", state?.lanes ?? [], (element, lane) => {
    const { entries = null, exits = null, back_outs = null, ambiguous = null } = lane ?? {};
    fields(element, { entries, exits, back_outs, ambiguous, ...qualityOf(lane?.quality) });
  });
  each("detector", (state?.lanes ?? []).flatMap((lane) => lane.detectors), (element, detector) =>
    showDetector(element, detector, element.dataset.detector.split(".")[1]));
  each("bay", state?.bays ?? [], showBay);
  for (const callback of listeners) callback(state);
}

function stand(now) {
  if (now === standing) return;
  standing = now;
  const live = now === "live";
  if (!live) state = null;
  for (const element of document.querySelectorAll("[data-live]")) {
    element.dataset.live = now;
    put(element, live ? words.live : words.not_live);
  }
  for (const element of document.querySelectorAll("[data-live-why]")) {
    element.hidden = live;
    const forDrivers = element.dataset.liveWhy === "drivers";
    if (!live) put(element, forDrivers ? words.lost_drivers : now === "stale" ? words.lost_count : words.lost_stream);
  }
  for (const callback of watchers) callback(now);
  if (!live) fill();
}

function hear() {
  lastHeard = Date.now();
  retryMs = FIRST_RETRY_MS;
}

function connect() {
  source = new EventSource("/api/v1/stream");
  source.addEventListener("state", (event) => {
    hear();
    const next = JSON.parse(event.data);
    stand(next.live ? "live" : "stale");
    state = next;
    fill();
  });
  source.addEventListener("beat", (event) => {
    hear();
    if (!JSON.parse(event.data).live) stand("stale");
    else if (standing === "live") each("sign", state?.signs ?? [], showSign); // `differs` is a matter of time
  });
  source.addEventListener("error", () => {
    stand("lost");
    reconnect();
  });
}

function reconnect() {
  // The browser's own reconnection gives up for good at the first answer that is no stream (a proxy's 502).
  source?.close();
  source = null;
  clearTimeout(silence);
  silence = setTimeout(connect, retryMs);
  retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
}

setInterval(() => {
  if (source && standing !== "connecting" && Date.now() - lastHeard > SILENT_MS) {
    stand("lost");
    reconnect();
  }
}, 500);

// A page that is left keeps no stream open, also when the browser keeps the page itself for "back".
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) reconnect();
});

for (const canvas of document.querySelectorAll("canvas[data-sign]")) showSign(canvas, null);
connect();
