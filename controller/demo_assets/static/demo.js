// The demo's own parts: orders to the simulated cars, the truth beside the count, and the last passages.

import { onState, say, when, words } from "/static/live.js";

const demo = JSON.parse(document.getElementById("demo-words").textContent);
const POLL_MS = 400;
let truth = null, state = null;

const $ = (id) => document.getElementById(id);
const all = (selector, within = document) => within.querySelectorAll(selector);

function put(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

function tell(text, good = false) {
  put($("outcome"), text);
  $("outcome").className = good ? "good" : "bad";
}

/** What a button asks for; the ones that switch something ask for the opposite of what is. */
function order({ action, name }) {
  if (action === "jam") return { action, detector: name, stuck: name in truth.stuck ? null : true };
  if (action === "kill_bay") return { action, bay: name, dead: !truth.dead.includes(name) };
  if (action === "traffic") return { action, on: !truth.traffic };
  return { action };
}

async function send(button) {
  if (!truth) return tell(demo.no_truth);
  try {
    const answer = await fetch("/demo/command", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(order(button.dataset)),
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
  show();
}

function show() {
  for (const line of all("[data-truth-of]")) showZone(line, line.dataset.truthOf);
  for (const line of all("[data-waiting]")) {
    put(line, truth ? say(demo.waiting, { n: truth.waiting[line.dataset.waiting] ?? 0 }) : "");
  }
  put(document.querySelector('[data-truth="traffic"]'), truth ? (truth.traffic ? demo.traffic_on : demo.traffic_off) : "–");
  document.querySelector('[data-action="traffic"]').setAttribute("aria-checked", truth?.traffic ?? false);
  put(document.querySelector('[data-truth="turned_away"]'), truth?.turned_away ? say(demo.turned_away, { n: truth.turned_away }) : "");
  for (const button of all('[data-action="jam"]')) press(button, Boolean(truth && button.dataset.name in truth.stuck), demo.jam, demo.mend);
  for (const button of all('[data-action="kill_bay"]')) press(button, Boolean(truth?.dead.includes(button.dataset.name)), demo.kill_bay, demo.revive_bay);
  if (!truth) tell(demo.no_truth);
  else if (truth.refused) tell(truth.refused.includes("nobody") ? demo.nobody : truth.refused);
  else if ($("outcome").textContent === demo.no_truth || $("outcome").textContent === demo.nobody) tell("");
}

function press(button, pressed, jam, mend) {
  button.setAttribute("aria-pressed", pressed);
  const text = pressed ? mend : jam;
  if (button.textContent === text) return;
  put(button, text);
  button.setAttribute("aria-label", `${text}: ${button.dataset.name}`);
}

function showZone(line, name) {
  const inside = truth?.inside[name] ?? null;
  const counted = state?.zones.find((zone) => zone.name === name)?.occupied ?? null;
  put(line.querySelector('[data-truth="inside"]'), inside ?? "–");
  const known = inside !== null && counted !== null, off = counted - inside;
  line.dataset.agrees = known ? off === 0 : "";
  put(line.querySelector('[data-truth="agreement"]'),
    known ? `· ${off === 0 ? demo.same : say(demo.differs, { n: off > 0 ? `+${off}` : off })}` : "");
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

for (const button of all("[data-action]")) button.addEventListener("click", () => send(button));
onState((newest) => {
  state = newest;
  showPassages();
  show();
});
setInterval(() => document.hidden || look(), POLL_MS);
look();
