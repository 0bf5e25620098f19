// The page of alarms and webhooks: how each webhook fares, and buttons that try what there is.

import { say, troubleText, when, words } from "./live.js";

const LOOK_MS = 5000;
async function send(button, path, body, said) {
  const outcome = button.closest("article").querySelector(".outcome");
  const tell = (kind, text) => Object.assign(outcome, { className: `outcome ${kind}`, textContent: text });
  tell("", words.sending);
  button.disabled = true;
  try {
    const answer = await fetch(`/api/v1/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": words.csrf },
      body: body && JSON.stringify(body),
    });
    if (answer.ok) return tell("good", said(await answer.json()));
    if (answer.status === 401) return tell("bad", words.session_over);
    if (answer.status === 403) return tell("bad", words.role_needed);
    const problem = await answer.json().catch(() => ({ detail: answer.statusText }));
    return tell("bad", say(words.alarms_failed, { why: troubleText([problem.detail, problem.mend].filter(Boolean).join(". ")) }));
  } catch {
    return tell("bad", say(words.alarms_failed, { why: words.no_connection }));
  } finally {
    button.disabled = false;
    look();
  }
}

function show({ name, target, waiting, dead, taken_at, error }) {
  const line = document.querySelector(`[data-webhook="${CSS.escape(name)}"]`);
  const said = { target, waiting, dead, taken_at: taken_at ? when(taken_at) : words.webhook_never, error: troubleText(error) };
  for (const [field, text] of Object.entries(said)) line.querySelector(`[data-field="${field}"]`).textContent = text;
  line.querySelector('[data-field="dead"]').classList.toggle("warning", dead > 0);
  const retry = line.querySelector("[data-retry]");
  if (retry) retry.hidden = dead === 0;
}

function showTrail(trail) {
  const list = document.getElementById("trail-list");
  list.closest("section").hidden = trail.length === 0;
  list.replaceChildren(...trail.map(({ at, who, what }) =>
    Object.assign(document.createElement("li"), { textContent: `${when(at)} · ${who} · ${what}` })));
}

async function look() {
  try {
    const answer = await fetch("/api/v1/webhooks");
    if (!answer.ok) return;
    const { webhooks, trail } = await answer.json();
    webhooks.forEach(show);
    showTrail(trail);
  } catch { /* the badge says that there is no connection */ }
}

document.addEventListener("click", ({ target }) => {
  const { alarm, try: hook, retry } = target.dataset;
  if (alarm) send(target, "alarms/test", { to: alarm }, ({ to }) => say(words.alarms_tried, { to }));
  if (hook) send(target, `webhooks/${hook}/test`, null, ({ webhook }) => say(words.alarms_tried, { to: webhook }));
  if (retry) send(target, `webhooks/${retry}/retry`, null, ({ again }) => say(words.webhook_again, { n: again }));
});
look();
setInterval(look, LOOK_MS);
