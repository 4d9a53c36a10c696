// The tab of plots: chosen weights, and one sensor's signals or the magnitudes of all.

import { MOST_CURVES, Plot } from "./plots.js";
import { at } from "./panel.js";
import { readable } from "./bars.js";

const ALL = "all";
const DRAW_MS = 66;
const FIRST = ["jawOpen", "mouthSmileLeft", "mouthSmileRight", "browInnerUp"];
const length = (v) => Math.hypot(...v);

export class Curves {
  // watch: called with whether sensors' signals are wanted.
  constructor(blendshapes, watch) {
    this.names = blendshapes;
    this.watch = watch;
    this.chosen = new Set(FIRST.map((name) => blendshapes.indexOf(name)));
    this.weights = new Plot(at("plot-weights"), [0, 1], 3);
    this.rate = new Plot(at("plot-rate"), [-20, 20], 0.6);
    this.force = new Plot(at("plot-force"), [-1, 11], 0.6);
    this.units = [];
    this.open = false;
    this.drawn = 0;
    this.received = 0; // pieces of signals
    at("plot-sensor").addEventListener("change", () => { this.rate.clear(); this.force.clear(); });
    document.addEventListener("visibilitychange", () => this.ask());
  }

  // Whether the tab is looked at.
  show(open) {
    this.open = open;
    if (open) this.choose();
    this.ask();
  }

  ask() {
    const wanted = this.open && !document.hidden;
    if (wanted !== this.asked) this.watch(wanted);
    this.asked = wanted;
  }

  // A new connection knows nothing of what was asked.
  connected() {
    this.asked = false;
    this.ask();
  }

  // Other weights are to be plotted; at most as many as there are colours.
  choose() {
    while (this.chosen.size > MOST_CURVES) this.chosen.delete(this.chosen.values().next().value);
    this.weights.clear();
    this.legend = null;
  }

  layout(units) {
    const names = units.map(({ name }) => name);
    if (names.join() === this.units.join()) return;
    this.units = names;
    const option = (value, textContent) => Object.assign(document.createElement("option"), { value, textContent });
    at("plot-sensor").replaceChildren(option(ALL, "all (magnitude)"), ...names.map((name, i) => option(i, name.replaceAll("_", " "))));
  }

  frame({ weights, silence }, now) {
    if (!this.open) return;
    if (silence < 0.5) this.weights.add(now / 1000, [...this.chosen].map((shape) => [this.names[shape], weights[shape]]));
    this.draw(now);
  }

  signals(samples) {
    if (!this.open) return;
    this.received++;
    const value = at("plot-sensor").value;
    for (const { time, sensors } of samples) {
      if (value === ALL) {
        this.rate.add(time, sensors.map(({ rate }, i) => [i, length(rate)]));
        this.force.add(time, sensors.map(({ force }, i) => [i, length(force)]));
      } else if (sensors[value]) {
        const { rate, force } = sensors[value];
        this.rate.add(time, ["x", "y", "z"].map((axis, k) => [axis, rate[k]]));
        this.force.add(time, ["x", "y", "z"].map((axis, k) => [axis, force[k]]));
      }
    }
  }

  draw(now) {
    if (now - this.drawn < DRAW_MS) return;
    this.drawn = now;
    for (const plot of [this.weights, this.rate, this.force]) plot.draw();
    const legend = [...this.chosen].join();
    if (legend === this.legend) return;
    this.legend = legend;
    at("plot-legend").replaceChildren(
      ...[...this.chosen].map((shape) => {
        const entry = Object.assign(document.createElement("span"), { textContent: readable(this.names[shape]).filter(Boolean).join(" ") });
        entry.style.setProperty("--tone", this.weights.color(this.names[shape]));
        return entry;
      }),
    );
  }
}
