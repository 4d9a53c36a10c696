// The panel and the banner: state, rate, latency, what is not well.

const STATES = [
  ["calibrating", "Calibrating", "Relax your face and look ahead"],
  ["tracking", "Tracking", ""],
  ["degraded", "Degraded", "Sensors are missing or faulty: see Sensors"],
  ["stale", "Stale", "No sensor data comes in"],
  ["silent", "No input", "Waiting for a face"],
];
const LOST = ["stale", "Disconnected", "Connection lost, trying again"];
const SLOW = "Faces come late: this computer is too slow";
const LATE_MS = 100; // faces later than this are no longer live
const LATE_S = 1; // for how long, before it is said
const LATE_ENDS_S = 2; // for how long faces must be in time, before it is no longer said

export const at = (id) => document.getElementById(id);

export function text(id, words) {
  const element = at(id);
  if (element.textContent !== words) element.textContent = words;
}

export class Panel {
  constructor() {
    this.lateSince = this.goodSince = null;
    this.late = false;
    this.troubles = [];
    this.state = null;
    this.noticeTimer = 0;
    for (const tab of document.querySelectorAll("#tabs button")) tab.addEventListener("click", () => this.open(tab.dataset.tab));
    this.opened = () => {};
  }

  // Shows one tab; `opened` is called with its name.
  open(name) {
    for (const tab of document.querySelectorAll("#tabs button")) tab.setAttribute("aria-selected", tab.dataset.tab === name);
    for (const section of document.querySelectorAll(".tab")) section.classList.toggle("on", section.id === name);
    this.opened(name);
  }

  show(frame, now) {
    this.setState(STATES[frame.state]);
    text("rate", frame.silence > 0.5 || frame.rate < 0 ? "–" : frame.rate.toFixed(0));
    text("latency", frame.silence > 0.5 ? "–" : frame.age.toFixed(frame.age < 10 ? 1 : 0));
    this.judge(frame, now);
  }

  lost() {
    this.setState(LOST);
  }

  setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.tell();
  }

  notice(words, ok) {
    at("notice").textContent = words;
    at("notice").className = ok ? "on" : "on bad";
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => at("notice").classList.remove("on"), 8000);
  }

  // Faces that lag behind the wearer for a while, whatever the nodes say of themselves.
  judge({ age, silence }, now) {
    const good = silence > 0.5 || age < LATE_MS;
    if (good) this.lateSince = null;
    else this.lateSince ??= now;
    if (!good) this.goodSince = null;
    else this.goodSince ??= now;
    const late = this.late
      ? this.goodSince === null || now - this.goodSince < LATE_ENDS_S * 1000
      : this.lateSince !== null && now - this.lateSince > LATE_S * 1000;
    if (late === this.late) return;
    this.late = late;
    at("latency").className = late ? "late" : "";
    this.tell();
  }

  // Pill, banner and the list of troubles; the banner says the one thing that matters most.
  tell() {
    const [style, label, words] = this.state ?? ["", "Connecting", ""];
    const lines = this.troubles.map(({ node, level, text }) => [level, `${node}: ${text}`]);
    if (this.late) lines.unshift(["warning", SLOW]);
    at("troubles").replaceChildren(
      ...lines.map(([className, textContent]) => Object.assign(document.createElement("li"), { className, textContent })),
    );
    at("state").className = `pill ${style}${lines.length ? " troubled" : ""}`;
    at("state").textContent = label;
    const slow = this.late || lines.some(([, line]) => line.includes("too slow"));
    const tracking = style === "tracking";
    if (!tracking || slow) {
      // While it fades out, the banner keeps the words it had.
      text("banner-word", tracking ? "Too slow" : label);
      text("banner-text", tracking ? "This computer is too slow: the face comes late" : words);
    }
    at("banner").className = tracking ? (slow ? "on late" : "") : style ? `on ${style}` : "";
    at("stage").dataset.state = tracking && slow ? "late" : style;
  }

  scene({ title, model, layout, sensors, options, troubles }) {
    document.title = title ? `${title}: imusic` : "imusic: live face";
    text("who", title || "imusic");
    this.troubles = troubles;
    this.tell();
    const good = sensors.filter((s) => s.status === 0).length;
    text("sensors", sensors.length ? (good === sensors.length ? `${good}` : `${good}/${sensors.length}`) : "–");
    const missing = sensors.filter((s) => s.status !== 0).map((s) => s.name.replace("_", " "));
    at("sensors").className = missing.length ? "late" : "";
    at("sensors").title = missing.length ? `not usable: ${missing.join(", ")}` : "all valid";
    const parts = [model && `Model ${model}`, layout && `Layout ${layout}`, missing.length && `Not usable: ${missing.join(", ")}`];
    text("model", parts.filter(Boolean).join(" · "));
    at("calibrate").disabled = !options.calibrate;
  }
}
