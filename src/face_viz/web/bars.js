// All 52 weights as bars, by region, a pair of sides on one row; what sensors cannot tell stands apart and says so.

const REGIONS = [
  ["Brows", /^brow/],
  ["Eyes", /^eye(?!Look)/],
  ["Cheeks and nose", /^(cheek|nose)/],
  ["Jaw", /^jaw/],
  ["Mouth", /^mouth/],
  ["Gaze and tongue", /./],
];
const REGION_HIDDEN = "Guessed: sensors cannot tell these";
const PERIOD_MS = 66; // more often nobody reads numbers

// "mouthSmileLeft" -> ["Mouth smile", "left"]
export function readable(name) {
  const side = name.match(/(Left|Right)$/)?.[1] ?? "";
  const words = name.slice(0, name.length - side.length).replace(/([A-Z])/g, " $1").toLowerCase().trim();
  return [words[0].toUpperCase() + words.slice(1), side.toLowerCase()];
}

// What is left to say of a shape under the title of its region: "Smile" under "Mouth".
function within(words, region) {
  const stem = region.replace(/s$/, "");
  if (words === stem) return "Sideways";
  if (!words.startsWith(`${stem} `)) return words;
  const rest = words.slice(stem.length + 1);
  return rest[0].toUpperCase() + rest.slice(1);
}

const make = (tag, className, ...children) => {
  const element = Object.assign(document.createElement(tag), { className });
  element.append(...children);
  return element;
};

export class Bars {
  // chosen: shapes that are plotted, changed by a click on a bar; changed: called then.
  constructor(root, blendshapes, chosen, changed) {
    this.root = root;
    this.names = blendshapes;
    this.chosen = chosen;
    this.changed = changed;
    this.cells = [];
    this.shown = 0;
    this.key = "";
  }

  // Builds the rows anew where other shapes are hidden than before.
  arrange(observable) {
    const key = observable.join();
    if (key === this.key) return;
    this.key = key;
    const seen = new Set(observable);
    const left = new Set(this.names.keys());
    this.cells = [];
    const parts = [];
    const gather = (title, wanted, hidden) => {
      const rows = [];
      for (const shape of [...left].filter((i) => wanted(i))) {
        if (!left.delete(shape)) continue;
        const [words, side] = readable(this.names[shape]);
        const other = side === "left" ? this.names.indexOf(this.names[shape].replace(/Left$/, "Right")) : -1;
        const both = other >= 0 && wanted(other) && left.delete(other);
        const cells = make("div", both || !side ? "cells" : "cells lone", this.cell(shape, side), ...(both ? [this.cell(other, "right")] : []));
        rows.push(make("li", "", make("span", "name", hidden ? words : within(words, title)), cells));
      }
      if (rows.length) parts.push(make("section", hidden ? "region hidden-shapes" : "region", make("h3", "", title), make("ol", "", ...rows)));
    };
    for (const [title, pattern] of REGIONS) gather(title, (i) => seen.has(i) && pattern.test(this.names[i]), false);
    gather(REGION_HIDDEN, () => true, true);
    this.root.replaceChildren(...parts);
    this.mark();
  }

  cell(shape, side) {
    const fill = make("i", "fill"), other = make("i", "other"), sure = make("i", "sure"), value = make("span", "value");
    const cell = make("button", "bar", make("span", "track", fill, other), make("span", "surety", sure), value);
    cell.type = "button";
    cell.dataset.shape = this.names[shape];
    cell.title = `${readable(this.names[shape]).filter(Boolean).join(" ")}: click to plot`;
    if (side) cell.prepend(make("em", "", side[0].toUpperCase()));
    cell.addEventListener("click", () => {
      if (!this.chosen.delete(shape)) this.chosen.add(shape);
      this.mark();
      this.changed();
    });
    this.cells[shape] = { cell, fill, other, sure, value };
    return cell;
  }

  mark() {
    this.cells.forEach(({ cell }, shape) => cell.setAttribute("aria-pressed", this.chosen.has(shape)));
  }

  // reference: { weights, seen } of a second face, or null.
  show({ weights, confidence }, reference, now) {
    if (now - this.shown < PERIOD_MS || !this.root.offsetParent) return;
    this.shown = now;
    this.cells.forEach(({ fill, other, sure, value }, shape) => {
      const weight = Math.max(0, Math.min(1, weights[shape]));
      fill.style.transform = `scaleX(${weight.toFixed(3)})`;
      fill.style.opacity = (0.25 + 0.75 * confidence[shape]).toFixed(2);
      sure.style.transform = `scaleX(${confidence[shape].toFixed(2)})`;
      const compared = reference?.seen[shape] ?? 0;
      other.hidden = !compared;
      let text = weights[shape].toFixed(2);
      if (compared) {
        const there = reference.weights[shape];
        other.style.left = `${(100 * Math.max(0, Math.min(1, there))).toFixed(1)}%`;
        const off = weights[shape] - there;
        text = `${off < 0 ? "−" : "+"}${Math.abs(off).toFixed(2)}`;
        value.classList.toggle("apart", Math.abs(off) > 0.2);
      } else value.classList.remove("apart");
      if (value.textContent !== text) value.textContent = text;
    });
  }
}
