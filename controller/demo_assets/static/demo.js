// The demo's own parts: orders to the simulated lot, the truth beside the belief, their chart, and the last passages.

import { onState, say, when, words } from "/static/live.js";
import { draw } from "/demo/static/chart.js";

const demo = JSON.parse(document.getElementById("demo-words").textContent);
const POLL_MS = 400, HISTORY_MS = 1000, KEPT = 1200, WINDOW_S = 600;
let truth = null, state = null, shown = null, changing = false, samples = [];

const $ = (id) => document.getElementById(id);
const one = (name) => document.querySelector(`[data-truth="${name}"]`);
const all = (selector) => document.querySelectorAll(selector);
const locale = words.lang === "en" ? "en-GB" : words.lang;
const dayAndTime = new Intl.DateTimeFormat(locale, { weekday: "long", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: words.timezone });
const timeOnly = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZone: words.timezone });

function put(element, text) {
  if (element && element.textContent !== String(text)) element.textContent = text;
}

function tell(text) {
  put($("outcome"), text);
  $("outcome").className = text ? "bad" : "";
}

/** What a button asks for; the ones that switch something ask for the opposite of what is. */
function order({ action, name, speed, seconds }) {
  if (action === "kill_bay") return { action, bay: name, dead: !truth.dead.includes(name) };
  if (action === "traffic") return { action, on: !truth.traffic };
  if (action === "speed") return { action, speed: Number(speed) };
  if (action === "off") return { action, seconds: Number(seconds) };
  return { action };
}

async function send(asked) {
  if (!truth) return tell(demo.no_truth);
  try {
    const answer = await fetch("/demo/command", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
    });
    const said = await answer.json();
    tell(answer.ok ? "" : say(demo.not_sent, { why: said.detail }));
  } catch {
    tell(say(demo.not_sent, { why: words.no_connection }));
  }
  await look();
}

async function look() {
  try {
    const answer = await fetch("/demo/truth");
    truth = answer.ok ? await answer.json() : null;
  } catch {
    truth = null;
  }
  if (truth && shown && truth.show !== shown) return location.reload(); // another lot: another page
  shown ??= truth?.show ?? null;
  show();
}

async function remember() {
  try {
    const answer = await fetch(`/demo/history?after=${samples.at(-1)?.unix_s ?? 0}`);
    if (answer.ok) samples = [...samples, ...(await answer.json())].slice(-KEPT);
  } catch {
    return; // it is asked for again in a second
  }
  const since = (samples.at(-1)?.unix_s ?? 0) - WINDOW_S * (truth?.speed ?? 1);
  draw($("chart"), samples.filter((sample) => sample.unix_s >= since), truth?.capacity ?? Infinity, (t) => timeOnly.format(1000 * t));
}

function show() {
  showRun();
  for (const table of all("[data-truth-of]")) showZone(table, table.dataset.truthOf);
  for (const line of all("[data-waiting]")) {
    put(line, truth ? say(demo.waiting, { n: truth.waiting[line.dataset.waiting] ?? 0 }) : "");
  }
  put(one("traffic"), truth ? (truth.traffic ? demo.traffic_on : demo.traffic_off) : "–");
  document.querySelector('[data-action="traffic"]').setAttribute("aria-checked", truth?.traffic ?? false);
  put(one("turned_away"), truth?.turned_away ? say(demo.turned_away, { n: truth.turned_away }) : "");
  put(one("off"), truth?.off ? demo.is_off : "");
  for (const button of all('[data-action="off"]')) button.disabled = truth?.off ?? true;
  for (const button of all('[data-action="kill_bay"]')) press(button, Boolean(truth?.dead.includes(button.dataset.name)));
  for (const choice of all("[data-fault-of]")) choose(choice, truth?.faults[choice.dataset.faultOf] ?? "");
  if (changing) tell(demo.changing);
  else if (!truth) tell(demo.no_truth);
  else if (truth.refused) tell(truth.refused.includes("nobody") ? demo.nobody : truth.refused);
  else if ([demo.no_truth, demo.nobody].includes($("outcome").textContent)) tell("");
}

function showRun() {
  put(one("clock"), truth ? dayAndTime.format(1000 * truth.unix_s) : "–");
  const slow = truth && truth.reached > 0 && truth.reached < 0.9 * truth.speed;
  put(one("reached"), slow ? say(demo.reached, { n: `${truth.reached}×` }) : "");
  for (const button of all('[data-action="speed"]')) button.setAttribute("aria-pressed", Number(button.dataset.speed) === truth?.speed);
  if (truth && !changing) choose($("scenario"), truth.scenario);
}

/** Show what is so, unless somebody is choosing just now. */
function choose(select, value) {
  if (document.activeElement !== select && select.value !== value) select.value = value;
  select.dataset.chosen = value;
}

function press(button, pressed) {
  button.setAttribute("aria-pressed", pressed);
  const text = pressed ? demo.revive_bay : demo.kill_bay;
  if (button.textContent === text) return;
  put(button, text);
  button.setAttribute("aria-label", `${text}: ${button.dataset.name}`);
}

const range = (low, high) => (low == null || high == null ? "–" : low === high ? low : `${low}–${high}`);
const orDash = (number) => number ?? "–";

function showZone(table, name) {
  const zone = state?.zones.find((z) => z.name === name), capacity = truth?.capacity ?? 0;
  // The belief of the very moment at which the truth was told: at 300 times the speed much happens between two looks.
  const inside = truth?.inside ?? null, believed = truth?.believed ?? null, raw = zone?.counted ?? null;
  put(one("inside"), orDash(inside));
  put(one("free"), inside === null ? "–" : Math.max(0, capacity - inside));
  put(one("free-band"), range(zone?.low, zone?.high));
  put(one("inside-band"), zone?.low == null ? "–" : range(capacity - zone.high, capacity - zone.low));
  put(one("inside-raw"), orDash(raw));
  put(one("free-raw"), raw === null ? "–" : capacity - raw);
  const known = inside !== null && believed !== null, off = believed - inside;
  table.dataset.agrees = known ? off === 0 : "";
  put(one("agreement"), known ? (off === 0 ? demo.same : say(demo.differs, { n: off > 0 ? `+${off}` : off })) : "");
  one("agreement").dataset.good = known && off === 0;
}

function row(...cells) {
  const line = document.createElement("tr");
  line.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return line;
}

function showPassages() {
  const rows = (state?.passages ?? []).slice(0, 8).map((passage) => {
    const notes = ["tailgating", "wrong_way"].filter((note) => passage[note]).map((note) => words.passage_note[note]);
    if (passage.doubt) notes.push(say(words.passage_note.doubt, passage));
    return row(when(passage.at), passage.lane, words.passage[passage.kind], notes.join(", "));
  });
  if (rows.length) $("passage-rows").replaceChildren(...rows);
}

for (const button of all("[data-action]")) button.addEventListener("click", () => truth ? send(order(button.dataset)) : tell(demo.no_truth));
for (const choice of all("[data-fault-of]")) {
  choice.addEventListener("change", () => {
    const fault = choice.value || null;
    choice.blur();
    send({ action: "fault", detector: choice.dataset.faultOf, fault });
  });
}
$("scenario").addEventListener("change", async ({ target }) => {
  const scenario = target.value;
  target.blur();
  changing = true;
  await send({ action: "scenario", scenario });
});
onState((newest) => {
  state = newest;
  showPassages();
  show();
});
setInterval(() => document.hidden || look(), POLL_MS);
setInterval(() => document.hidden || remember(), HISTORY_MS);
look().then(remember);
