// Codes and values of the API -> sentences of the page's language: what led to a sign's message, names, doubts.

import { say, words } from "./live.js";

/** "main.outer" -> "main: outer loop"; a bay's name gets what it is before it. */
export function thingName(subject) {
  if (subject === "journal") return words.journal;
  const [lane, role] = subject.split(".");
  return role ? `${lane}: ${words.role[role] ?? role}` : `${words.role.bay} ${subject}`;
}

/** What else a passage may have been: the domain's stories with their chances. */
export function doubtText(doubt) {
  const stories = doubt.split("; or ").map((story) => {
    const [, what, chance = ""] = /^(.*?)( \(\d+%\))?$/.exec(story);
    return (words.doubts[what] ?? what) + chance;
  });
  return stories.join(words.or);
}

const shown = (value) => (value === null || value === "unknown" ? words.unknown : value);

/** One link of the chain that led to what a sign says. */
export function causeText({ what, text, values }) {
  if (!words.note[what]) return text; // told by an earlier version
  const said = {};
  for (const [name, value] of Object.entries(values)) said[name] = shown(value);
  if (values.detector) said.detector = thingName(values.detector);
  if (what === "passage") said.kind = words.passage[values.kind];
  if (what === "fault") said.kind = words.fault_short[values.kind];
  if (what === "became") {
    said.status = words.status[values.status];
    said.reason = words.why_zone[values.reason];
  }
  const more = [];
  if (values.tailgating) more.push(words.passage_note.tailgating);
  if (values.doubt) more.push(say(words.passage_note.doubt, { doubt: doubtText(values.doubt) }));
  return say(words.note[what], said) + (more.length ? ` (${more.join(", ")})` : "");
}

/** How sure a zone's number is, in a word; and what counts it with a fault, so that it errs more than usual. */
export function sureText({ sure, degraded }) {
  const word = sure >= 0.9 ? words.sure_well : sure >= 0.6 ? words.sure_rather : words.sure_not;
  const parts = sure == null ? [] : [say(word, { percent: Math.round(100 * sure) })];
  if (degraded.length) parts.push(say(words.degraded, { names: degraded.join(", ") }));
  return parts.join("; ");
}
