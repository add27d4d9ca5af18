// Draws one pool: who waits, every connection as a cell, and what the server counts.
// The frames come from Python, see frames.py; nothing is sent back, because a kernel that is
// measuring would not listen.

const DOTS = 60; // More waiting requests than this are a number only.
const CELLS = 200;
const SPEAK_EVERY = 3000; // Milliseconds between two sentences for a screen reader.
const CALM_EVERY = 1000; // Milliseconds between two drawings for who wants less motion.
const HINT = "Tab and the arrow keys show what each connection does; P pauses the drawing.";
const STATES = { used: "in use", idle: "idle", empty: "not open" };
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

const make = (tag, cls, parent, attributes = {}) => {
  const element = document.createElement(tag);
  element.className = cls;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
};

const many = (count, one, several) =>
  count === null ? "not known here" : `${count} ${count === 1 ? one : several}`;

const hold = (parent, count, create) => {
  while (parent.children.length > count) parent.lastChild.remove();
  while (parent.children.length < count) create(parent.children.length);
};

const stateOf = (frame, index) =>
  index < frame.used ? "used" : index < frame.used + frame.idle ? "idle" : "empty";

const detail = (frame, index) => {
  const state = stateOf(frame, index);
  let text = `Connection ${index + 1} of ${cellsOf(frame)}: ${STATES[state]}`;
  const [pid, held, task] = (state === "used" && frame.out[index]) || [null, null, ""];
  if (held !== null) text += `, out for ${held.toFixed(1)} s`;
  if (task) text += `, borrowed by ${task}`;
  if (pid !== null) text += `, server process ${pid}`;
  return `${text}.`;
};

const cellsOf = (frame) => Math.max(frame.most ?? 0, (frame.used ?? 0) + (frame.idle ?? 0));

const box = (stage, name, title) => {
  const outer = make("div", `pool-box pool-${name}`, stage);
  make("div", "pool-name", outer).textContent = title;
  return outer;
};

function build(el, title) {
  const root = make("div", "pool-live", el, {
    role: "group",
    "aria-label": `${title}, live`,
    // Without this, JupyterLab would take the arrow keys for its own.
    "data-lm-suppress-shortcuts": "true",
  });
  const head = make("div", "pool-head", root);
  make("strong", "pool-title", head).textContent = title;
  const clock = make("span", "pool-clock", head);
  const pause = make("button", "pool-pause", head, { type: "button" });
  const stage = make("div", "pool-stage", root);
  const queue = box(stage, "queue", "Requests waiting");
  const waiting = make("div", "pool-count", queue);
  const dots = make("div", "pool-dots", queue, { "aria-hidden": "true" });
  make("div", "pool-arrow", stage, { "aria-hidden": "true" }).textContent = "\u2192";
  const pool = box(stage, "pool", "Connections");
  const counts = make("div", "pool-count", pool);
  for (const state of Object.keys(STATES)) {
    make("span", "pool-key", counts, { "aria-hidden": "true" }).dataset.state = state;
    make("span", `pool-${state}`, counts);
  }
  const cells = make("div", "pool-cells", pool, { role: "listbox", "aria-label": "Connections" });
  make("div", "pool-arrow", stage, { "aria-hidden": "true" }).textContent = "\u2192";
  const server = box(stage, "server", "PostgreSQL server");
  const sessions = make("div", "pool-count", server);
  const focused = make("div", "pool-detail", root);
  const text = make("div", "pool-text", root);
  const spoken = make("div", "pool-spoken", root, { "aria-live": "polite", role: "status" });
  return { root, clock, pause, waiting, dots, counts, cells, sessions, focused, text, spoken };
}

function draw(parts, frame, chosen) {
  const count = Math.min(cellsOf(frame), CELLS);
  const known = frame.used !== null;
  parts.clock.textContent = `${frame.seconds.toFixed(1)} s`;
  parts.waiting.textContent = many(frame.waiting, "request", "requests");
  hold(parts.dots, Math.min(frame.waiting ?? 0, DOTS), () => make("span", "pool-dot", parts.dots));
  const empty = cellsOf(frame) - frame.used - frame.idle;
  const numbers = { used: frame.used, idle: frame.idle, empty };
  for (const [state, value] of Object.entries(numbers)) {
    const words = known ? `${value} ${STATES[state]}` : "?";
    parts.counts.querySelector(`.pool-${state}`).textContent = words;
  }
  parts.sessions.textContent = many(frame.sessions, "session", "sessions");
  parts.cells.classList.toggle("pool-small", count > 60);
  hold(parts.cells, count, () => make("span", "pool-cell", parts.cells, { role: "option" }));
  [...parts.cells.children].forEach((cell, index) => {
    const state = stateOf(frame, index);
    const label = detail(frame, index);
    if (cell.dataset.state !== state) cell.dataset.state = state;
    if (cell.getAttribute("aria-label") !== label) cell.setAttribute("aria-label", label);
    cell.tabIndex = index === chosen ? 0 : -1;
    cell.setAttribute("aria-selected", index === chosen);
  });
  parts.text.textContent = frame.text;
  const inCells = parts.cells.contains(parts.root.getRootNode().activeElement);
  parts.focused.textContent = inCells ? detail(frame, Math.min(chosen, count - 1)) : HINT;
}

export default () => {
  // JupyterLab may draw the same widget anew; this is what it must not forget then.
  const kept = { paused: false, frame: null, chosen: 0, focus: null, left: -Infinity };

  function render({ model, el }) {
    const parts = build(el, model.get("title"));
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    let waiting = 0;
    let drawn = -Infinity;
    let spoken = -Infinity;

    const say = (sentence) => {
      spoken = performance.now();
      parts.spoken.textContent = sentence;
    };
    const redraw = () => {
      waiting = 0;
      if (!kept.frame || kept.frame.seconds === undefined) return;
      drawn = performance.now();
      draw(parts, kept.frame, kept.chosen);
      if (kept.frame.done || drawn - spoken >= SPEAK_EVERY) say(kept.frame.text);
    };
    const arrive = () => {
      const frame = model.get("frame");
      if (kept.paused && kept.frame) return;
      kept.frame = frame;
      const tooSoon = calm.matches && !frame.done && performance.now() - drawn < CALM_EVERY;
      if (!waiting && !tooSoon) waiting = requestAnimationFrame(redraw);
    };
    const label = () => {
      parts.pause.textContent = kept.paused ? "Resume" : "Pause";
      parts.pause.title = "Pause or resume the drawing: key P. The load goes on.";
      parts.root.classList.toggle("pool-paused", kept.paused);
    };
    const toggle = () => {
      kept.paused = !kept.paused;
      label();
      say(kept.paused ? "The drawing is paused; the load goes on." : "The drawing goes on.");
      if (!kept.paused) arrive();
    };
    const choose = (index) => {
      const last = parts.cells.children.length - 1;
      if (last < 0) return;
      parts.cells.children[Math.max(0, Math.min(last, index))].focus();
    };
    const key = (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const inCells = parts.cells.contains(event.target);
      if (event.key === "p" || event.key === "P" || (inCells && event.key === " ")) toggle();
      else if (inCells && STEPS[event.key]) choose(kept.chosen + STEPS[event.key]);
      else if (inCells && event.key === "Home") choose(0);
      else if (inCells && event.key === "End") choose(Infinity);
      else return;
      event.preventDefault();
    };

    parts.pause.addEventListener("click", toggle);
    parts.root.addEventListener("keydown", key);
    parts.root.addEventListener("focusin", (event) => {
      const index = [...parts.cells.children].indexOf(event.target);
      kept.focus = index >= 0 ? "cells" : "pause";
      if (index >= 0) kept.chosen = index;
      redraw();
    });
    parts.root.addEventListener("focusout", () => {
      kept.left = performance.now();
      requestAnimationFrame(redraw);
    });
    model.on("change:frame", arrive);
    label();
    kept.frame ? redraw() : arrive();
    // Drawn anew a moment after the focus was lost with the old drawing: give it back.
    if (kept.focus && performance.now() - kept.left < 2000) {
      requestAnimationFrame(() => {
        if (document.activeElement !== document.body) return;
        kept.focus === "cells" ? choose(kept.chosen) : parts.pause.focus();
      });
    }
    return () => {
      model.off("change:frame", arrive);
      cancelAnimationFrame(waiting);
    };
  }
  return { render };
};
