// Looks at the face from the front, framed to fill the view; drag orbits, the wheel or a pinch zooms, a double-click resets.

import { lookAt, multiply, perspective } from "./matrix.js";

const FOV = (20 * Math.PI) / 180; // a portrait lens: less would flatten, more would enlarge the nose
const MARGIN = 1.05;
const REACH = 1.15; // rad, how far up and down one may look

export class Camera {
  constructor(canvas, bounds, changed) {
    this.bounds = bounds;
    this.changed = changed;
    this.pointers = new Map();
    this.reset();
    canvas.tabIndex = 0;
    canvas.addEventListener("pointerdown", (e) => {
      canvas.setPointerCapture(e.pointerId);
      this.pointers.set(e.pointerId, [e.clientX, e.clientY]);
    });
    canvas.addEventListener("pointermove", (e) => this.drag(e));
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, (e) => this.pointers.delete(e.pointerId));
    canvas.addEventListener("wheel", (e) => {
      e.preventDefault();
      this.scale(Math.exp(-0.0012 * e.deltaY));
    }, { passive: false });
    canvas.addEventListener("dblclick", () => { this.reset(); changed(); });
    canvas.addEventListener("keydown", (e) => this.key(e));
  }

  reset() {
    this.yaw = 0;
    this.pitch = 0;
    this.zoom = 1;
  }

  orbit(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.max(-REACH, Math.min(REACH, this.pitch + pitch));
    this.changed();
  }

  scale(factor) {
    this.zoom = Math.max(0.4, Math.min(6, this.zoom * factor));
    this.changed();
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (this.pointers.size === 1) {
      this.orbit(-0.007 * (now[0] - before[0]), 0.007 * (now[1] - before[1]));
    } else {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const span = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      this.scale(span(now) / span(before));
    }
    this.pointers.set(event.pointerId, now);
  }

  key(event) {
    const step = 0.08;
    const moves = {
      ArrowLeft: () => this.orbit(step, 0), ArrowRight: () => this.orbit(-step, 0),
      ArrowUp: () => this.orbit(0, step), ArrowDown: () => this.orbit(0, -step),
      "+": () => this.scale(1.1), "-": () => this.scale(1 / 1.1), Home: () => { this.reset(); this.changed(); },
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  // Projection times view, and where the eye is, for a view of this width over height.
  view(aspect) {
    const { top, bottom, side, front } = this.bounds;
    const tangent = Math.tan(FOV / 2);
    const fit = (MARGIN * Math.max((top - bottom) / 2, side / aspect)) / tangent;
    const target = [0.25 * front, 0, (top + bottom) / 2];
    const distance = fit / this.zoom + 0.35 * front;
    const cos = Math.cos(this.pitch);
    const eye = [
      target[0] + distance * cos * Math.cos(this.yaw),
      target[1] + distance * cos * Math.sin(this.yaw),
      target[2] + distance * Math.sin(this.pitch),
    ];
    const matrix = multiply(perspective(FOV, aspect, 0.05, 5), lookAt(eye, target, [0, 0, 1]));
    return { matrix, eye };
  }
}
