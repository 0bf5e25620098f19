// The page of changes: who, when, what, before and after, and why; older ones on demand.

import { when, words, say } from "./live.js";

const $ = (id) => document.getElementById(id);
let next = "/api/v1/audit?limit=50";

function element(tag, textContent, className = "") {
  return Object.assign(document.createElement(tag), { textContent, className });
}

/** A value of a field as people say it. */
function value(field, said) {
  return words.audit_value[`${field}_${said}`] ?? (said === "unknown" || said === "None" ? words.unknown : said);
}

/** "incident 3" and the like in the reader's words; other subjects are names of the site file. */
function about(subject) {
  const [, kind, name] = /^(\w+) (.+)$/.exec(subject) ?? [];
  return kind in words.audit_subject ? `${words.audit_subject[kind]} ${name}` : subject;
}

/** "1 in" and the like, of a recount or an adjustment. */
function details(field, said) {
  const found = field === "recounted" && /^(\d+) seen, (\d+) in, (\d+) out$/.exec(said);
  if (found) return say(words.audit_recount, { seen: found[1], entries: found[2], exits: found[3] });
  const lasts = field === "message" && /^(\d+) s$/.exec(said);
  return lasts ? say(words.audit_minutes, { n: Math.round(lasts[1] / 60) }) : words.audit_detail[said] ?? said;
}

function line({ at, who, what, subject, field, details: more, before, after, reason }) {
  const entry = document.createElement("li");
  const head = element("p", "", "change-head");
  head.append(element("time", when(at), "quiet"), " ", element("strong", who));
  entry.append(head);
  const told = field ? `${about(subject)}: ${words.audit_field[field]}` : what;
  const change = after === null ? "" : say(words.was_is, { before: value(field, before) || words.none, after: value(field, after) || words.none });
  entry.append(element("p", [told, more ? `(${details(field, more)})` : ""].filter(Boolean).join(" ")));
  if (change) entry.append(element("p", change));
  entry.append(element("p", reason ? `${words.reason}: ${reason}` : words.no_reason, "quiet"));
  return entry;
}

async function load() {
  $("older").disabled = true;
  const answer = await fetch(next).catch(() => null);
  $("older").disabled = false;
  if (!answer?.ok) {
    $("audit-state").textContent = answer ? words.refused[answer.status] ?? words.audit_failed : words.no_connection;
    return;
  }
  const trail = await answer.json();
  $("changes").append(...trail.changes.map(line));
  $("audit-state").textContent = $("changes").childElementCount ? "" : words.no_changes;
  next = trail.next;
  $("older").hidden = next === null;
}

$("older").addEventListener("click", load);
load();
