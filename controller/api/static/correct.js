// The page "correct". Every button asks first, in one dialog: what will happen, before and after, and why.

import { ago, onState, say, when, words } from "./live.js";
import { sureText } from "./telling.js";

const $ = (id) => document.getElementById(id);
const all = (selector) => document.querySelectorAll(selector);
const dialog = $("ask"), form = $("ask-form"), zoneChoice = $("zone");
const PREVIEW_MS = 250;
let state = null, asked = null, pending = null;

const zone = () => state?.zones.find(({ name }) => name === zoneChoice.value) ?? null;
const known = (number) => number ?? words.unknown;

function put(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

// Asking

/** Ask before doing: `action` has title, what, before, after, was, result, reasons, danger, method, path, body, undo. */
function ask(action) {
  asked = action;
  put($("ask-title"), action.title);
  put($("ask-what"), action.what ?? "");
  $("ask-change").hidden = action.before === undefined;
  put($("ask-before"), known(action.before));
  put($("ask-after"), known(action.after));
  put($("ask-error"), "");
  form.elements.reason.value = action.reason ?? "";
  $("ask-reasons").replaceChildren(...(action.reasons ?? words.reasons_count).split("|").map((reason) => {
    const pick = Object.assign(document.createElement("button"), { type: "button", textContent: reason, className: "pick" });
    pick.addEventListener("click", () => {
      form.elements.reason.value = reason;
      $("ask-do").focus();
    });
    return pick;
  }));
  $("ask-do").className = action.danger ? "danger" : "primary";
  put($("ask-do"), action.button ?? action.title);
  dialog.showModal();
  form.elements.reason.focus();
}

async function request({ method = "POST", path, body }, reason) {
  const headers = { "X-CSRF-Token": words.csrf };
  if (body) headers["Content-Type"] = "application/json";
  const address = body ? path : `${path}?reason=${encodeURIComponent(reason)}`;
  return fetch(address, { method, headers, body: body && JSON.stringify({ ...body, reason }) });
}

/** Why it was not done, in the page's language; in English with what the API says. */
async function refusal(answer) {
  const told = words.refused[answer.status] ?? say(words.failed, { why: answer.status });
  if (words.lang !== "en") return told;
  const { detail, mend } = await answer.json().catch(() => ({}));
  return [told, detail, mend].filter(Boolean).join(" ");
}

async function carryOut(event) {
  event.preventDefault();
  const action = asked, button = $("ask-do");
  if (button.disabled) return;
  button.disabled = true;
  put($("ask-error"), words.sending);
  try {
    const answer = await request(action, form.elements.reason.value.trim());
    if (!answer.ok) return put($("ask-error"), await refusal(answer));
    dialog.close();
    pending = action;
    action.done?.();
    report();
  } catch {
    put($("ask-error"), say(words.failed, { why: words.no_connection }));
  } finally {
    button.disabled = false;
  }
}

/** Say what was done; the number after it comes with the next state, and what happens later is none of it. */
function report() {
  if (!pending) return;
  const { title, was, result, undo } = pending, now = result?.();
  if (result && was !== now) pending.change ??= say(words.was_is, { before: known(was), after: known(now) });
  put($("outcome-text"), [words.saved, `${title}.`, pending.change].filter(Boolean).join(" "));
  $("outcome-undo").hidden = !undo;
  $("outcome").hidden = false;
}

$("outcome-undo").addEventListener("click", () => {
  const { undo } = pending;
  $("outcome").hidden = true;
  ask(undo());
});
$("outcome-close").addEventListener("click", () => {
  $("outcome").hidden = true;
});
form.addEventListener("submit", carryOut);
$("ask-cancel").addEventListener("click", () => dialog.close());

// The count

// What is asked, and what takes it back, is about the zone that was chosen then: another may be chosen meanwhile.
const zonePath = (what, name = zoneChoice.value) => `/api/v1/zones/${encodeURIComponent(name)}/${what}`;

function ofZone(action, name = zoneChoice.value) {
  const inside = () => state?.zones.find((z) => z.name === name)?.occupied;
  return { before: inside(), was: inside(), result: inside, undo: () => undoCount(name), ...action, what: [name, action.what].filter(Boolean).join(": ") };
}

function undoCount(name = zoneChoice.value) {
  return ofZone({ title: words.undo, what: words.undo_what, reasons: words.reasons_undo, path: zonePath("undo", name), body: {}, before: undefined, undo: null }, name);
}

for (const button of all("[data-change]")) {
  button.addEventListener("click", () => {
    const change = Number(button.dataset.change), inside = zone()?.occupied;
    ask(ofZone({
      title: say(words.adjust_by, { by: button.textContent }),
      what: change > 0 ? words.adjust_more : words.adjust_fewer,
      after: inside == null ? null : inside + change,
      reasons: change > 0 ? words.reasons_more : words.reasons_fewer,
      path: zonePath("adjustment"),
      body: { change },
    }));
  });
}

$("set-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = event.target.elements.occupied, occupied = Number(field.value);
  ask(ofZone({
    title: words.correct, what: words.set_what, after: occupied, path: zonePath("correction"), body: { occupied },
    done: () => { field.value = ""; },
  }));
});

$("undo").addEventListener("click", () => ask(undoCount()));

$("recount-begin").addEventListener("click", () => ask(ofZone({
  title: words.recount_begin, what: words.recount_hint, reasons: words.reasons_recount, path: zonePath("recount"), body: {},
  before: undefined, result: undefined, undo: null,
})));

$("recount-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = event.target.elements.seen, seen = Number(field.value), { entries, exits } = zone()?.recount ?? { entries: 0, exits: 0 };
  ask(ofZone({
    title: words.recount_end, what: say(words.recount_what, { seen, entries, exits }), before: undefined,
    reasons: words.reasons_recount, path: zonePath("recount/result"), body: { seen },
    done: () => { field.value = ""; },
  }));
});

$("recount-give-up").addEventListener("click", () => ask(ofZone({
  title: words.recount_give_up, what: words.recount_give_up_what, danger: true, reasons: words.reasons_undo,
  method: "DELETE", path: zonePath("recount"), before: undefined, result: undefined, undo: null,
})));

function closing(closed, name = zoneChoice.value) {
  const word = (shut) => (shut ? words.status.CLOSED : words.status.OPEN);
  return ofZone({
    title: closed ? words.close_zone : words.open_zone,
    what: closed ? words.close_what : words.open_what,
    danger: closed,
    before: word(!closed),
    after: word(closed),
    result: undefined,
    reasons: closed ? words.reasons_close : words.reasons_open,
    path: zonePath("closure", name),
    body: { closed },
    undo: () => closing(!closed, name),
  }, name);
}
$("closure").addEventListener("click", () => ask(closing(zone()?.status !== "CLOSED")));

// Bays

function service(name, out) {
  return {
    title: `${out ? words.bay_out : words.bay_back}: ${name}`,
    what: out ? words.bay_out_what : words.bay_back_what,
    danger: out,
    before: out ? words.in_service : words.out_of_service,
    after: out ? words.out_of_service : words.in_service,
    reasons: out ? words.reasons_bay : words.reasons_open,
    path: `/api/v1/bays/${encodeURIComponent(name)}/service`,
    body: { out_of_service: out },
    undo: () => service(name, !out),
  };
}
for (const button of all("[data-service]")) {
  button.addEventListener("click", () => ask(service(button.dataset.service, button.getAttribute("aria-pressed") !== "true")));
}

// Signs

const signPath = (name, what) => `/api/v1/signs/${encodeURIComponent(name)}/${what}`;
const signOf = (name) => state?.signs.find((sign) => sign.name === name) ?? null;
const saidOn = (name) => signOf(name)?.panel.message?.text || words.sign_dark;

/** Take staff's words off; undone, they come back for the rest of their time. */
function takeOff(name) {
  const standing = signOf(name)?.staff ?? null;
  return { title: `${words.message_off}: ${name}`, what: words.message_off_what, before: standing?.text ?? "", after: words.message_usual,
    reasons: words.reasons_undo, method: "DELETE", path: signPath(name, "message"), undo: standing && (() => putBack(name, standing)) };
}

function putOn(name, text, minutes, lasts) {
  const standing = signOf(name)?.staff ?? null;
  return { title: `${words.message_put}: ${name}`, what: say(words.message_what, { time: lasts }), before: saidOn(name), after: text,
    reasons: words.reasons_message, path: signPath(name, "message"), body: { text, minutes },
    undo: () => (standing ? putBack(name, standing) : takeOff(name)) };
}

function putBack(name, { text, until }) {
  const minutes = Math.max(1, Math.round((new Date(until) - Date.now()) / 60000));
  return { ...putOn(name, text, minutes, `${minutes} min`), reasons: words.reasons_undo };
}

for (const section of all("[data-sign-form]")) {
  const name = section.dataset.signForm, words_ = section.querySelector("form"), picture = section.querySelector("img"), fault = section.querySelector("[data-fault-text]");
  let waiting = 0;
  const preview = async () => {
    const text = words_.elements.text.value.trim();
    if (!text) {
      picture.hidden = true;
      return put(fault, "");
    }
    const address = `${signPath(name, "preview.png")}?scale=8&text=${encodeURIComponent(text)}`;
    const answer = await fetch(address).catch(() => null); // an image alone would not say why it is none
    if (text !== words_.elements.text.value.trim()) return undefined; // a newer text is on its way
    picture.hidden = !answer?.ok;
    if (!answer?.ok) return put(fault, answer?.status === 422 ? words.does_not_fit : say(words.failed, { why: words.no_connection }));
    put(fault, "");
    picture.src = address;
    picture.alt = `${words.preview}: ${text}`;
    return undefined;
  };
  words_.elements.text.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(preview, PREVIEW_MS);
  });
  words_.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = words_.elements.text.value.trim(), { value, selectedOptions } = words_.elements.minutes;
    ask({ ...putOn(name, text, Number(value), selectedOptions[0].textContent), done: () => { words_.reset(); preview(); } });
  });
  section.querySelector("[data-take-off]").addEventListener("click", () => ask(takeOff(name)));
  section.querySelector("[data-test]").addEventListener("click", () => ask({ title: `${words.sign_test}: ${name}`, what: words.sign_test_what,
    reasons: words.reasons_test, path: signPath(name, "test"), body: {} }));
}

// What is now

function showCount() {
  for (const place of all("[data-zone-name]")) put(place, zoneChoice.value);
  const now = zone(), { capacity } = zoneChoice.selectedOptions[0].dataset, byBays = now?.counted_by === "bays";
  put($("now-inside"), known(now?.occupied));
  put($("now-free"), now?.free == null ? words.unknown : `${now.free} ${words.of} ${now.capacity - now.out_of_service}`);
  put($("now-sure"), byBays ? words.status[now.status] : (now && sureText(now)) || words.unknown);
  $("by-bays").hidden = !byBays;
  for (const control of all("[data-change]")) control.disabled = byBays || now?.occupied == null || now.occupied + Number(control.dataset.change) < 0;
  for (const control of all("#set-form input, #set-form button")) control.disabled = byBays;
  $("set-form").elements.occupied.max = 2 * capacity;
  $("recount-form").elements.seen.max = 2 * capacity;
  $("undo").hidden = !now?.undo_until;
  put($("undo-until"), now?.undo_until ? say(words.undo_until, { time: when(now.undo_until) }) : "");
  const recount = now?.recount ?? null;
  $("recount-begin").hidden = recount !== null;
  $("recount-begin").disabled = byBays || !now;
  $("recount-running").hidden = recount === null;
  if (recount) {
    put($("recount-now"), say(words.recount_now, { time: when(recount.began), age: ago(recount.began), inside: known(recount.inside), entries: recount.entries, exits: recount.exits }));
  }
  const closed = now?.status === "CLOSED";
  put($("closure"), closed ? words.open_zone : words.close_zone);
  $("closure").className = closed ? "" : "danger";
  put($("closure-now"), words.status[now?.status ?? "UNKNOWN"]);
}

function showBays() {
  for (const button of all("[data-service]")) {
    const bay = state?.bays.find(({ name }) => name === button.dataset.service), out = Boolean(bay?.out_of_service);
    button.setAttribute("aria-pressed", out);
    const level = bay?.occupied == null ? "unknown" : bay.occupied ? "occupied" : "free";
    put(button.querySelector("[data-level]"), out ? words.out_of_service : words.bay_level[level]);
  }
}

function showSigns() {
  for (const section of all("[data-sign-form]")) {
    const staff = signOf(section.dataset.signForm)?.staff ?? null;
    section.querySelector("[data-take-off]").hidden = !staff;
    put(section.querySelector("[data-standing]"), staff ? say(words.message_stands, { text: staff.text, time: when(staff.until) }) : "");
  }
}

function show() {
  showCount();
  showBays();
  showSigns();
  if (!$("outcome").hidden) report();
}

zoneChoice.addEventListener("change", showCount);
onState((now) => {
  state = now;
  show();
});
