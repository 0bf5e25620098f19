// The page "now": what needs attention, why the sign says what it says, what passed last, and how well inputs are heard.

import { ago, count, onState, say, troubleText, when, words } from "./live.js";
import { causeText, doubtText, sureText, thingName } from "./telling.js";

const $ = (id) => document.getElementById(id);

function element(tag, textContent, className = "") {
  return Object.assign(document.createElement(tag), { textContent, className });
}

function row(kind, ...cells) {
  const line = document.createElement("tr");
  line.append(...cells.map((cell) => element("td", cell)));
  line.firstChild.className = kind;
  return line;
}

function item(name, what, todo) {
  const line = document.createElement("li");
  line.append(element("strong", name), ` – ${what}`, element("p", `${words.what_to_do}: ${todo}`));
  return line;
}

/** All that somebody should look at, with what to do about it. */
function troubles(state) {
  const found = state.faults.map(({ subject, kind, since }) => [
    thingName(subject), say(words.fault_what[kind], { time: when(since), age: ago(since) }), words.fault_todo[kind],
  ]);
  for (const { name, panel } of state.signs) {
    if (!panel.alive) found.push([`${words.sign} ${name}`, words.sign_silent, words.sign_silent_todo]);
  }
  const { mqtt } = state.inputs;
  if (mqtt && !mqtt.connected) found.push([words.broker, words.broker_lost, words.broker_lost_todo]);
  for (const { name, recount } of state.zones) {
    if (recount) found.push([name, say(words.recount_on, { time: when(recount.began) }), words.recount_on_todo]);
  }
  return found;
}

let said = "";
function showTroubles(state) {
  const found = state ? troubles(state) : [];
  $("no-faults").hidden = found.length > 0;
  $("no-faults").textContent = state?.live ? words.no_faults : words.unknown;
  const key = JSON.stringify(found);
  if (key === said) return; // a live region speaks only of what changed
  said = key;
  $("fault-list").replaceChildren(...found.map((parts) => item(...parts)));
}

/** From the words on the sign back to what happened. */
function chainOf(sign, state) {
  const zone = state.zones.find(({ name }) => name === sign.zone), why = words.why_zone[sign.reason];
  const { panel } = sign;
  const lines = [[null, panel.lit ? say(words.chain_sign, { text: panel.message?.text ?? "", why }) : say(words.chain_dark, { why })]];
  const numbers = { zone: zone.name, status: words.status[zone.status], inside: zone.occupied ?? words.unknown, capacity: zone.capacity, sure: sureText(zone) };
  lines.push([zone.since, say(zone.sure == null ? words.chain_zone_bays : words.chain_zone, numbers)]);
  for (const cause of [...sign.chain].reverse()) lines.push([cause.at, causeText(cause)]);
  return lines;
}

function showChains(state) {
  for (const list of document.querySelectorAll("[data-chain]")) {
    const sign = state?.signs.find(({ name }) => name === list.dataset.chain);
    const lines = sign ? chainOf(sign, state) : [[null, words.why_zone.not_live]];
    const key = JSON.stringify(lines);
    if (list.dataset.said === key) continue;
    list.dataset.said = key;
    list.replaceChildren(...lines.map(([at, text]) => {
      const line = document.createElement("li");
      if (at) line.append(element("time", when(at), "quiet"), " ");
      line.append(text);
      return line;
    }));
  }
}

function showZones(state) {
  for (const card of document.querySelectorAll("article[data-zone]")) {
    const zone = state?.zones.find(({ name }) => name === card.dataset.zone);
    const put = (name, text) => {
      const place = card.querySelector(`[data-more="${name}"]`);
      if (place.textContent !== text) place.textContent = text;
    };
    put("sure", zone ? sureText(zone) : "");
    put("out", zone?.out_of_service ? say(words.out_of_service_n, { n: zone.out_of_service }) : "");
  }
}

function showLanes(state) {
  for (const card of document.querySelectorAll("article[data-lane]")) {
    const last = state?.passages.find(({ lane }) => lane === card.dataset.lane);
    const place = card.querySelector("[data-more=last]");
    const text = last ? say(words.last_passage, { what: words.passage[last.kind], time: when(last.at), age: ago(last.at) }) : words.no_passages;
    if (state && place.textContent !== text) place.textContent = text;
  }
}

function showBays(state) {
  for (const place of document.querySelectorAll("[data-bay]")) {
    const bay = state?.bays.find(({ name }) => name === place.dataset.bay);
    place.dataset.out = Boolean(bay?.out_of_service);
    if (bay?.out_of_service) place.querySelector("[data-field=level]").textContent = words.out_of_service;
  }
}

function showPassages(state) {
  if (!state) return; // history stays
  const rows = state.passages.slice(0, 12).map((passage) => {
    const notes = ["tailgating", "wrong_way"].filter((note) => passage[note]).map((note) => words.passage_note[note]);
    if (passage.doubt) notes.push(say(words.passage_note.doubt, { doubt: doubtText(passage.doubt) }));
    return row("time", when(passage.at), passage.lane, words.passage[passage.kind], notes.join(", "));
  });
  if (rows.length) $("passage-rows").replaceChildren(...rows);
}

function facts(pairs) {
  return pairs.filter(Boolean).map(([name, value, bad]) => {
    const pair = document.createElement("div");
    pair.append(element("dt", name), element("dd", value, bad ? "warning" : ""));
    return pair;
  });
}

function showInputs(state) {
  const { mqtt, sensors, gpio } = state?.inputs ?? {}, journal = state?.journal;
  const broker = mqtt && [mqtt.connected ? words.connected : words.disconnected, mqtt.broker, mqtt.connected ? "" : troubleText(mqtt.last_error),
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
  showTroubles(state);
  showChains(state);
  showZones(state);
  showLanes(state);
  showBays(state);
  showPassages(state);
  showInputs(state);
});
