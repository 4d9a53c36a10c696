// Curves over the last seconds, drawn only while somebody looks at them.

const SPAN_S = 10;
const COLORS = ["#46d3ab", "#6fb1ff", "#f2b347", "#f2695c", "#c08bff", "#e6e66a", "#ff9ecb", "#9fd65f"];
const MOST = 4096; // samples kept of a curve
export const MOST_CURVES = COLORS.length;

// Times and values of the last seconds, in a ring.
class Track {
  constructor() {
    this.times = new Float64Array(MOST);
    this.values = new Float32Array(MOST);
    this.count = 0;
  }

  add(time, value) {
    const i = this.count++ % MOST;
    this.times[i] = time;
    this.values[i] = value;
  }

  // Calls visit(time, value), the oldest first.
  each(since, visit) {
    for (let k = Math.max(0, this.count - MOST); k < this.count; k++) {
      const i = k % MOST;
      if (this.times[i] >= since) visit(this.times[i], this.values[i]);
    }
  }
}

export class Plot {
  // range: [low, high] that is always in view; grows with the curves. gap: seconds without a value that no line crosses.
  constructor(canvas, range, gap) {
    this.gap = gap;
    this.canvas = canvas;
    this.range = range;
    this.tracks = new Map(); // by name
    this.newest = 0;
  }

  // values: by name of the curve.
  add(time, values) {
    if (time < this.newest - 1) this.tracks.clear(); // a replay that jumped back
    this.newest = time;
    for (const [name, value] of values) {
      if (!this.tracks.has(name)) this.tracks.set(name, new Track());
      this.tracks.get(name).add(time, value);
    }
  }

  keep(names) {
    for (const name of this.tracks.keys()) if (!names.has(name)) this.tracks.delete(name);
  }

  clear() {
    this.tracks.clear();
    this.newest = 0;
  }

  color(name) {
    return COLORS[[...this.tracks.keys()].indexOf(name) % COLORS.length];
  }

  draw() {
    const { canvas, newest } = this;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    let [low, high] = this.range;
    for (const track of this.tracks.values()) track.each(newest - SPAN_S, (_, v) => { low = Math.min(low, v); high = Math.max(high, v); });
    const pad = 0.06 * (high - low);
    const y = (v) => height - ((v - low + pad) / (high - low + 2 * pad)) * height;
    const x = (t) => width - ((newest - t) / SPAN_S) * width;
    context.font = "10px system-ui, sans-serif";
    context.lineWidth = 1;
    for (const v of [low, 0, high]) {
      context.strokeStyle = "#2b3442";
      context.beginPath();
      context.moveTo(0, y(v));
      context.lineTo(width, y(v));
      context.stroke();
      context.fillStyle = "#8f9bad";
      context.fillText(Number(v.toPrecision(3)), 3, Math.min(height - 3, Math.max(10, y(v) - 3)));
    }
    context.lineWidth = 1.4;
    let number = 0;
    for (const track of this.tracks.values()) {
      context.strokeStyle = COLORS[number++ % COLORS.length];
      context.beginPath();
      let last = -Infinity;
      track.each(newest - SPAN_S, (t, v) => {
        if (t - last > this.gap) context.moveTo(x(t), y(v)); // nothing came: no line across
        else context.lineTo(x(t), y(v));
        last = t;
      });
      context.stroke();
    }
  }
}
