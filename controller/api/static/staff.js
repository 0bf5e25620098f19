// The page "now": faults in words, passages, inputs.

import { ago, count, onState, say, when, words } from "./live.js";

const $ = (id) => document.getElementById(id);

function row(kind, ...cells) {
  const line = document.createElement("tr");
  for (const cell of cells) line.append(Object.assign(document.createElement("td"), { textContent: cell }));
  line.firstChild.className = kind;
  return line;
}

function faultName(subject) {
  if (subject === "journal") return words.journal;
  const [lane, role] = subject.split(".");
  return role ? `${lane}: ${words.role[role] ?? role}` : `${words.role.bay} ${subject}`;
}

function faultItem({ subject, kind, since }) {
  const item = document.createElement("li");
  const what = say(words.fault_what[kind], { time: when(since), age: ago(since) });
  const todo = document.createElement("p");
  item.append(Object.assign(document.createElement("strong"), { textContent: faultName(subject) }), ` – ${what}`, todo);
  todo.textContent = `${words.what_to_do}: ${words.fault_todo[kind]}`;
  return item;
}

let faultsSaid = "";
function showFaults(state) {
  const faults = state?.faults ?? [];
  $("no-faults").hidden = faults.length > 0;
  $("no-faults").textContent = state?.live ? words.no_faults : words.unknown;
  const key = JSON.stringify(faults);
  if (key === faultsSaid) return; // a live region speaks only of what changed
  faultsSaid = key;
  $("fault-list").replaceChildren(...faults.map(faultItem));
}

function showPassages(state) {
  if (!state) return; // history stays
  const rows = state.passages.slice(0, 12).map((passage) => {
    const notes = ["tailgating", "wrong_way"].filter((note) => passage[note]).map((note) => words.passage_note[note]);
    if (passage.doubt) notes.push(say(words.passage_note.doubt, passage));
    return row("time", when(passage.at), passage.lane, words.passage[passage.kind], notes.join(", "));
  });
  if (rows.length) $("passage-rows").replaceChildren(...rows);
}

function facts(pairs) {
  return pairs.filter(Boolean).map(([name, value, bad]) => {
    const pair = document.createElement("div");
    const told = Object.assign(document.createElement("dd"), { textContent: value, className: bad ? "warning" : "" });
    pair.append(Object.assign(document.createElement("dt"), { textContent: name }), told);
    return pair;
  });
}

function showInputs(state) {
  const { mqtt, sensors, gpio } = state?.inputs ?? {}, journal = state?.journal;
  const broker = mqtt && [mqtt.connected ? words.connected : words.disconnected, mqtt.broker, mqtt.connected ? "" : mqtt.last_error,
    mqtt.reconnects ? say(words.reconnects, { n: mqtt.reconnects }) : ""].filter(Boolean).join(" · ");
  const pins = gpio && [gpio.factory, say(words.pins_errors, { n: gpio.errors }), ...gpio.unreadable].filter(Boolean).join(" · ");
  const kept = journal?.bytes != null && say(words.journal_size, { n: count(journal.inputs), mb: count(journal.bytes / 1e6) });
  $("input-facts").replaceChildren(...facts([
    mqtt && [words.broker, broker, !mqtt.connected],
    sensors && [words.messages, `${say(words.accepted, { n: count(sensors.accepted) })} · ${say(words.no_level, { n: sensors.no_level })}`],
    gpio && [words.pins, pins, gpio.errors > 0 || gpio.unreadable.length > 0],
    kept && [words.journal, kept],
    state?.version && [words.version, state.version],
  ]));
  topics("unknown-topics", Object.entries(sensors?.unknown ?? {}));
  topics("malformed-topics", Object.entries(sensors?.malformed ?? {}).map(([topic, bad]) => [topic, bad.count, bad.last]));
}

function topics(id, rows) {
  $(id).hidden = rows.length === 0;
  $(id).querySelector("tbody").replaceChildren(...rows.map((cells) => row("long", ...cells)));
}

onState((state) => {
  showFaults(state);
  showPassages(state);
  showInputs(state);
});
