"use strict";

const token = new URLSearchParams(location.search).get("token") || "";
const KEYS = "123456789abcdefghijklmnopqrstuvwxyz";
const find = (id) => document.getElementById(id);
const state = { by: "", categories: [], rows: [], at: -1, trail: [], undoable: [], skipped: new Set(), busy: false };

async function ask(path, sent) {
  const headers = { "X-Token": token, "X-Annotator": encodeURIComponent(state.by) };
  const options = { headers };
  if (sent !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(sent);
    headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("kclassify label is not running any more: start it again. Labels before this one are stored.");
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || "that did not work");
  return answer;
}

/* One thing at a time: a key that is held down labels one row, not ten. */
async function alone(action) {
  if (state.busy) return;
  state.busy = true;
  try {
    await action();
    find("problem").hidden = true;
  } catch (error) {
    find("problem").textContent = error.message;
    find("problem").hidden = false;
  } finally {
    state.busy = false;
  }
}

function show(name) {
  for (const each of ["hello", "work", "done"]) find(each).hidden = each !== name;
  find("progress").hidden = name === "hello";
}

function element(kind, text, parent) {
  const made = document.createElement(kind);
  made.textContent = text;
  parent.append(made);
  return made;
}

function sayProgress() {
  const mine = state.rows.filter((row) => row.mine !== null).length;
  find("bar").max = Math.max(1, state.rows.length);
  find("bar").value = mine;
  find("count").textContent = `${mine} of ${state.rows.length}`;
}

async function open() {
  const sample = await ask("/api/sample");
  find("file").textContent = sample.file;
  document.title = `Label ${sample.file}`;
  state.categories = sample.categories;
  drawCategories();
  if (sample.by) return begin(sample.by);
  hello();
}

function hello() {
  show("hello");
  find("name").value = "";
  find("name").focus();
}

function drawCategories() {
  find("filter").hidden = state.categories.length <= 9;
  state.categories.forEach((category, place) => {
    const entry = element("li", "", find("categories"));
    entry.dataset.label = category.name;
    entry.dataset.words = `${category.name} ${category.definition}`.toLowerCase();
    const button = element("button", "", entry);
    button.type = "button";
    const key = element("kbd", KEYS[place] || "·", button);
    key.setAttribute("aria-hidden", "true");
    element("b", category.name, button);
    element("span", category.definition, button).className = "definition";
    button.addEventListener("click", () => alone(() => vote(category.name)));
    drawDetails(category, entry);
  });
}

function drawDetails(category, entry) {
  const lines = [
    ...category.choose_when.map((reason) => `Choose it when ${reason}.`),
    ...category.not_when.map((reason) => `Not when ${reason}.`),
    ...category.examples.map((example) => `Example: ${example}`),
  ];
  if (!lines.length) return;
  const details = element("details", "", entry);
  element("summary", "more", details);
  for (const line of lines) element("p", line, details);
}

async function begin(name) {
  state.by = name.trim();
  try {
    state.rows = (await ask("/api/queue")).rows;
  } catch (error) {
    state.by = "";
    throw error;
  }
  state.skipped.clear();
  state.trail = [];
  state.undoable = [];
  find("who").textContent = state.by;
  find("who").title = "Somebody else labels";
  find("who").hidden = false;
  sayProgress();
  await next();
}

function following() {
  const open = (row) => row.mine === null && !state.skipped.has(row.id);
  const after = state.rows.findIndex((row, place) => place > state.at && open(row));
  return after >= 0 ? after : state.rows.findIndex(open);
}

async function next() {
  const place = following();
  if (place < 0) return finish();
  await visit(place);
}

async function visit(place) {
  const item = await ask(`/api/item?id=${encodeURIComponent(state.rows[place].id)}`);
  state.at = place;
  if (state.trail.at(-1) !== place) state.trail.push(place);
  show("work");
  find("title").textContent = item.title || "";
  find("title").hidden = !item.title;
  const empty = item.body.trim() === "";
  find("body").textContent = empty ? "(no text)" : item.body;
  find("body").classList.toggle("none", empty);
  find("item").scrollTop = 0;
  find("filter").value = "";
  filter();
  mark();
  find("item").focus({ preventScroll: true });
}

function mark() {
  const mine = state.rows[state.at].mine;
  for (const entry of find("categories").children) {
    const chosen = entry.dataset.label === mine;
    entry.classList.toggle("chosen", chosen);
    entry.firstElementChild.setAttribute("aria-pressed", String(chosen));
  }
  find("back").disabled = state.trail.length < 2;
  find("undo").disabled = state.undoable.length === 0;
}

async function vote(label) {
  const row = state.rows[state.at];
  await ask("/api/vote", { id: row.id, label });
  state.undoable.push({ place: state.at, before: row.mine });
  row.mine = label;
  state.skipped.delete(row.id);
  find("told").textContent = `${label}: stored`;
  sayProgress();
  await next();
}

async function undo() {
  const last = state.undoable.at(-1);
  if (!last) return;
  const row = state.rows[last.place];
  await ask("/api/vote", { id: row.id, label: last.before });
  state.undoable.pop();
  row.mine = last.before;
  find("told").textContent = "taken back";
  sayProgress();
  await visit(last.place);
}

async function skip() {
  const row = state.rows[state.at];
  if (row.mine === null) state.skipped.add(row.id);
  await next();
}

async function back() {
  const done = !find("done").hidden;
  if (!done) {
    if (state.trail.length < 2) return;
    state.trail.pop();
  }
  const place = state.trail.at(-1);
  if (place !== undefined) await visit(place);
}

function finish() {
  const mine = state.rows.filter((row) => row.mine !== null).length;
  const left = state.rows.length - mine;
  const rows = mine === 1 ? "1 row carries" : `${mine} rows carry`;
  find("summary").textContent = state.rows.length
    ? `${rows} your label${left ? `, and you skipped ${left}` : ""}.`
    : "Two people labelled every row, and where they disagreed a third one decided.";
  find("skipped").hidden = left === 0;
  find("again").hidden = state.trail.length === 0;
  show("done");
}

function filter() {
  const wanted = find("filter").value.trim().toLowerCase();
  for (const entry of find("categories").children) entry.hidden = !entry.dataset.words.includes(wanted);
}

function chosenByFilter() {
  const shown = [...find("categories").children].filter((entry) => !entry.hidden);
  return shown.length === 1 ? shown[0].dataset.label : null;
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || find("work").hidden) return;
  if (event.target === find("filter")) {
    const label = chosenByFilter();
    if (event.key === "Escape") find("item").focus();
    if (event.key === "Enter" && label !== null) alone(() => vote(label));
    return;
  }
  const place = KEYS.indexOf(event.key.toLowerCase());
  const commands = { ArrowRight: skip, ArrowLeft: back, Backspace: undo };
  if (event.key === "/" && !find("filter").hidden) find("filter").focus();
  else if (event.key in commands) alone(commands[event.key]);
  else if (event.key.length === 1 && place >= 0 && place < state.categories.length)
    alone(() => vote(state.categories[place].name));
  else return;
  event.preventDefault();
}

find("hello").addEventListener("submit", (event) => {
  event.preventDefault();
  alone(() => begin(find("name").value));
});
find("who").addEventListener("click", hello);
find("back").addEventListener("click", () => alone(back));
find("undo").addEventListener("click", () => alone(undo));
find("skip").addEventListener("click", () => alone(skip));
find("again").addEventListener("click", () => alone(back));
find("skipped").addEventListener("click", () => alone(() => { state.skipped.clear(); return next(); }));
find("filter").addEventListener("input", filter);
document.addEventListener("keydown", press);
alone(open);
