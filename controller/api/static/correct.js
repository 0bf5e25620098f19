// The correction form.

import { onState, say, words } from "./live.js";

const $ = (id) => document.getElementById(id);
const form = $("correction-form"), closure = $("closure"), outcome = $("outcome"), field = form.elements;
let zones = new Map();

function showForm() {
  const zone = zones.get(field.zone.value);
  field.occupied.max = 2 * field.zone.selectedOptions[0].dataset.capacity;
  closure.textContent = zone?.status === "CLOSED" ? words.open_zone : words.close_zone;
  const after = field.occupied.value, before = zone?.occupied ?? words.unknown;
  $("before-after").textContent = after === "" ? "" : say(words.before_after, { before, after });
}

async function send(path, body) {
  tell("", words.sending);
  let answer;
  try {
    answer = await fetch(`/api/v1/zones/${encodeURIComponent(field.zone.value)}/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": words.csrf },
      body: JSON.stringify({ ...body, reason: field.reason.value }),
    });
  } catch {
    return tell("bad", say(words.failed, { why: words.no_connection }));
  }
  if (answer.ok) {
    field.occupied.value = field.reason.value = "";
    showForm();
    return tell("good", words.saved);
  }
  if (answer.status === 401) return tell("bad", words.session_over);
  if (answer.status === 403) return tell("bad", words.role_needed);
  const problem = await answer.json().catch(() => ({ detail: answer.statusText }));
  return tell("bad", say(words.failed, { why: [problem.detail, problem.mend].filter(Boolean).join(". ") }));
}

function tell(kind, text) {
  outcome.className = kind;
  outcome.textContent = text;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send("correction", { occupied: Number(field.occupied.value) });
});
form.addEventListener("input", showForm);
closure.addEventListener("click", () => {
  const closed = zones.get(field.zone.value)?.status !== "CLOSED";
  if (!closed || confirm(say(words.ask_close, { zone: field.zone.value }))) send("closure", { closed });
});

onState((state) => {
  zones = new Map((state?.zones ?? []).map((zone) => [zone.name, zone]));
  showForm();
});
