// The panel: state, rate, latency, the strongest weights with their confidence.

const STATES = [
  ["calibrating", "Calibrating", "Relax your face and look ahead"],
  ["tracking", "Tracking", ""],
  ["degraded", "Degraded", ""],
  ["stale", "Stale", "No sensor data"],
  ["silent", "No input", "Waiting for a face"],
];
const ROW_PX = 32;
const ORDER_S = 0.25; // how often the order of the bars may change
const SMOOTH_S = 0.15; // over which a weight is averaged for its place in the list
const LATE_MS = 100; // faces later than this are no longer live
const LATE_S = 1; // for how long, before it is said
const LEAST = 0.03;

const at = (id) => document.getElementById(id);

// "mouthSmileLeft" -> ["Mouth smile", "left"]
function readable(name) {
  const side = name.match(/(Left|Right)$/)?.[1] ?? "";
  const words = name.slice(0, name.length - side.length).replace(/([A-Z])/g, " $1").toLowerCase().trim();
  return [words[0].toUpperCase() + words.slice(1), side.toLowerCase()];
}

export class Panel {
  // What IMUs cannot see is guessed from the rest, so that it has no place among what is measured.
  constructor(blendshapes, observable) {
    this.names = blendshapes.map(readable);
    this.listed = observable;
    this.before = 0;
    this.lateSince = null;
    this.troubles = [];
    this.smooth = new Float32Array(blendshapes.length);
    this.rows = [];
    this.shown = [];
    this.ordered = 0;
    this.state = null;
    this.noticeTimer = 0;
  }

  show(frame, now) {
    this.setState(frame.state);
    this.text("rate", frame.silence > 0.5 || frame.rate < 0 ? "–" : frame.rate.toFixed(0));
    this.text("latency", frame.silence > 0.5 ? "–" : frame.age.toFixed(frame.age < 10 ? 1 : 0));
    this.late(frame, now);
    this.bars(frame, now);
  }

  setState(state) {
    if (state === this.state) return;
    this.state = state;
    const [style, label, prompt] = STATES[state];
    at("state").className = `pill ${style}${at("troubles").childElementCount ? " troubled" : ""}`;
    at("state").textContent = label;
    at("prompt").textContent = prompt || at("prompt").textContent;
    at("prompt").classList.toggle("on", prompt !== "");
  }

  lost() {
    this.state = null;
    at("state").className = "pill stale";
    at("state").textContent = "Disconnected";
    at("prompt").textContent = "Connection lost, trying again";
    at("prompt").classList.add("on");
  }

  notice(text, ok) {
    at("notice").textContent = text;
    at("notice").className = ok ? "on" : "on bad";
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => at("notice").classList.remove("on"), 6000);
  }

  // Faces that lag behind the wearer for a while, whatever the nodes say of themselves.
  late({ age, silence }, now) {
    if (silence > 0.5 || age < LATE_MS) this.lateSince = null;
    else this.lateSince ??= now;
    const late = this.lateSince !== null && now - this.lateSince > LATE_S * 1000;
    if (late !== (at("latency").className === "late")) {
      at("latency").className = late ? "late" : "";
      this.tell();
    }
  }

  tell() {
    const late = at("latency").className === "late";
    const lines = this.troubles.map(({ node, level, text }) => [level, `${node}: ${text}`]);
    if (late) lines.unshift(["warning", "Faces come late: this computer is too slow"]);
    at("troubles").replaceChildren(
      ...lines.map(([className, textContent]) => Object.assign(document.createElement("li"), { className, textContent })),
    );
    at("state").classList.toggle("troubled", lines.length > 0);
  }

  scene({ title, model, layout, sensors, options, troubles }) {
    document.title = title ? `${title}: imusic` : "imusic: live face";
    this.troubles = troubles;
    this.tell();
    const good = sensors.filter((s) => s.status === 0).length;
    this.text("sensors", sensors.length ? (good === sensors.length ? `${good}` : `${good}/${sensors.length}`) : "–");
    const missing = sensors.filter((s) => s.status !== 0).map((s) => s.name.replace("_", " "));
    at("sensors").title = missing.length ? `not usable: ${missing.join(", ")}` : "all valid";
    const parts = [model && `Model ${model}`, layout && `Layout ${layout}`, missing.length && `Not usable: ${missing.join(", ")}`];
    this.text("model", parts.filter(Boolean).join(" · "));
    at("calibrate").disabled = !options.calibrate;
  }

  text(id, text) {
    const element = at(id);
    if (element.textContent !== text) element.textContent = text;
  }

  bars({ weights, confidence }, now) {
    const share = 1 - Math.exp(-(now - this.before) / (SMOOTH_S * 1000));
    this.before = now;
    for (let i = 0; i < weights.length; i++) this.smooth[i] += share * (weights[i] - this.smooth[i]);
    if (now - this.ordered > ORDER_S * 1000) {
      this.ordered = now;
      this.choose();
    }
    this.shown.forEach((shape, i) => {
      const { fill, value } = this.rows[i];
      const weight = Math.max(0, Math.min(1, weights[shape]));
      fill.style.transform = `scaleX(${weight.toFixed(3)})`;
      fill.style.opacity = (0.25 + 0.75 * confidence[shape]).toFixed(2);
      const text = weights[shape].toFixed(2);
      if (value.textContent !== text) value.textContent = text;
    });
  }

  // The strongest shapes; one already shown stays until another is clearly stronger, and keeps its row.
  choose() {
    const columns = getComputedStyle(at("bars")).gridTemplateColumns.split(" ").length; // "none" is one
    const room = columns * Math.max(1, Math.floor(at("bars").clientHeight / ROW_PX));
    const rank = (i) => this.smooth[i] + (this.shown.includes(i) ? 0.04 : 0);
    const best = this.listed.filter((i) => rank(i) > LEAST).sort((a, b) => rank(b) - rank(a)).slice(0, room);
    while (this.rows.length < room) this.rows.push(this.row());
    while (this.rows.length > room) this.rows.pop().item.remove();
    this.shown = best.sort((a, b) => rank(b) - rank(a));
    this.rows.forEach((row, i) => {
      const shape = this.shown[i];
      row.item.style.visibility = shape === undefined ? "hidden" : "visible";
      if (shape === undefined || row.shape === shape) return;
      row.shape = shape;
      const [words, side] = this.names[shape];
      row.name.replaceChildren(words, Object.assign(document.createElement("em"), { textContent: side }));
    });
  }

  row() {
    const make = (tag, className, ...children) => {
      const element = Object.assign(document.createElement(tag), { className });
      element.append(...children);
      return element;
    };
    const name = make("span", "name"), value = make("span", "value"), fill = make("div", "fill");
    const item = make("li", "", name, value, make("div", "track", fill));
    at("bars").append(item);
    return { item, name, value, fill, shape: -1 };
  }
}
