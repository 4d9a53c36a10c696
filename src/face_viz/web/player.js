// The controls of a replay: they are there while a player is.

import { at, text } from "./panel.js";

const RATES = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 20];
const FASTEST = 0; // as fast as possible
const DRAG_MS = 200; // between two jumps while the bar is dragged
const SETTLE_MS = 1500; // for so long the bar stays where it was put, though the player has not said that it is there
const NEAR_S = 0.5;
const STEPS = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -30, ArrowUp: 30, PageDown: -30, PageUp: 30 };
const STATES = { waiting: "waits for inference", playing: "plays", paused: "paused", ended: "at its end", failed: "failed" };

export function minutes(seconds) {
  const tenths = Math.max(0, Math.round(10 * seconds));
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

function named(rate) {
  return rate === FASTEST ? "as fast as possible" : `${Number(rate.toFixed(2))}×`;
}

export class Player {
  // send: passes a command with its arguments to the server.
  constructor(send) {
    this.send = send;
    this.status = null;
    this.allowed = false;
    this.dragged = false;
    this.stands = false; // paused, or at its end
    this.put = null; // { position, until }: where the bar was put
    this.later = 0;
    this.seekedAt = -Infinity;
    this.offer([]);
    const bar = at("seek");
    at("play").addEventListener("click", () => this.toggle());
    bar.addEventListener("input", () => {
      this.dragged = true;
      this.drag(Number(bar.value));
    });
    bar.addEventListener("change", () => {
      this.dragged = false;
      this.seek(Number(bar.value));
    });
    at("player-rate").addEventListener("change", ({ target }) => send("set_rate", { rate: Number(target.value) }));
    at("player").addEventListener("keydown", (event) => this.press(event));
  }

  allow(allowed) {
    this.allowed = allowed;
    for (const id of ["play", "seek", "player-rate"]) at(id).disabled = !allowed;
  }

  // What the player says of itself; null: there is none.
  show(status) {
    this.status = status;
    at("player").hidden = !status;
    document.body.classList.toggle("replayed", Boolean(status));
    if (!status) {
      this.put = null;
      this.stands = false;
      this.dragged = false;
      clearTimeout(this.later);
      return;
    }
    const { begin, end, position, rate, state, name, message, laps, checked, level, reached_rate: reached } = status;
    const bar = at("seek");
    Object.assign(bar, { min: begin, max: Math.max(end, begin + 0.01) });
    if (this.put && (Math.abs(position - this.put.position) < NEAR_S || performance.now() > this.put.until)) this.put = null;
    if (!this.dragged && !this.put) bar.value = position;
    this.tellTime(this.dragged ? Number(bar.value) : this.put ? this.put.position : position);
    // A player that waits does not say whether it goes on after.
    if (state !== "waiting") this.stands = state === "paused" || state === "ended";
    text("play", state === "ended" ? "Again" : this.stands ? "Play" : "Pause");
    this.offer(RATES.includes(rate) ? [] : [rate]);
    if (document.activeElement !== at("player-rate")) at("player-rate").value = String(rate);
    const slow = state === "playing" && rate > 0 && reached < 0.9 * rate && reached > 0 ? `reaches ${reached.toFixed(1)}×` : "";
    const faces = checked ? `${checked[0]} equal, ${checked[1]} different, ${checked[2]} missing, ${checked[3]} not compared` : "";
    const words = [name, `${STATES[state]}${level === "weights" ? ", as published" : ""}`, laps ? `lap ${laps + 1}` : "", slow, faces];
    text("player-word", [...words, message].filter(Boolean).join(" · "));
    at("player-word").title = at("player-word").textContent;
    at("player").classList.toggle("bad", state === "failed");
    at("player").classList.toggle("warned", Boolean(message));
  }

  // Another speed than those that are offered can be the player's.
  offer(more) {
    const rates = [...RATES, ...more.filter((rate) => rate !== FASTEST)].sort((a, b) => a - b).concat(FASTEST);
    const key = rates.join();
    if (key === this.offered) return;
    this.offered = key;
    const options = rates.map((rate) => Object.assign(document.createElement("option"), { value: rate, textContent: named(rate) }));
    at("player-rate").replaceChildren(...options);
  }

  tellTime(position) {
    const { end } = this.status;
    text("player-time", `${minutes(position)} / ${minutes(end)}`);
    at("seek").setAttribute("aria-valuetext", `${minutes(position)} of ${minutes(end)}`);
  }

  toggle() {
    if (this.status) this.send(this.stands ? "resume" : "pause");
  }

  // Jumps that follow each other closely become fewer; the last is always asked for.
  drag(position) {
    this.tellTime(position);
    clearTimeout(this.later);
    const wait = this.seekedAt + DRAG_MS - performance.now();
    if (wait <= 0) this.seek(position);
    else this.later = setTimeout(() => this.seek(position), wait);
  }

  seek(position) {
    const { status } = this;
    if (!status || !this.allowed) return;
    clearTimeout(this.later);
    const there = Math.min(Math.max(position, status.begin), status.end);
    this.seekedAt = performance.now();
    this.put = { position: there, until: this.seekedAt + SETTLE_MS };
    if (!this.dragged) at("seek").value = there;
    this.tellTime(there);
    this.send("seek", { position: there });
  }

  // As in the terminal: see docs/recording.md.
  press(event) {
    const { status } = this;
    if (!status || !this.allowed || event.ctrlKey || event.altKey || event.metaKey) return;
    const choosing = event.target === at("player-rate");
    const { key } = event;
    const now = this.put ? this.put.position : status.position;
    if (key === " " && event.target === at("seek")) this.toggle();
    else if (key in STEPS && !choosing) this.seek(now + STEPS[key]);
    else if ((key === "0" || key === "Home") && !choosing) this.seek(status.begin);
    else if (key === "End" && !choosing) this.seek(status.end);
    else if (["+", "=", "-"].includes(key) && !choosing) {
      const { rate } = status;
      const next = key === "-" ? RATES.findLast((other) => other < rate) ?? RATES[0] : RATES.find((other) => other > rate) ?? RATES.at(-1);
      this.send("set_rate", { rate: next });
    } else return;
    event.preventDefault();
  }
}
