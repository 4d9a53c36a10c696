// Lowers the resolution where drawing is slow: without a graphics card the browser draws on the processor, which may be
// the one that runs the capture.

const SLOW_MS = 70;
const FEW = 12; // intervals looked at
const LOW = 0.55;

export class Pace {
  // fixed: always the full resolution, as ?quality=full asks for pictures.
  constructor(fixed) {
    this.fixed = fixed;
    this.share = 1;
    this.intervals = [];
    this.last = null;
  }

  // Called at each drawing that follows another without a pause.
  note(now) {
    if (this.last !== null && now - this.last < 1000) this.intervals.push(now - this.last);
    this.last = now;
    if (this.fixed || this.intervals.length < FEW) return;
    const median = this.intervals.sort((a, b) => a - b)[FEW >> 1];
    this.intervals = [];
    if (median > SLOW_MS) this.share = LOW;
  }
}
