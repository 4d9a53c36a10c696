// What the server sends as bytes: see page_format.py.

export const SHAPES = 52;
const SIGNALS = 100, REFERENCE = 101;
const RATE_STEP = 0.1, FORCE_STEP = 0.01;

// { kind: "frame" | "reference" | "signals", ... }
export function decode(buffer) {
  const view = new DataView(buffer);
  const kind = view.getUint32(0, true);
  if (kind === SIGNALS) return signals(buffer, view);
  if (kind === REFERENCE)
    return {
      kind: "reference",
      faceSeen: view.getUint32(4, true) === 1,
      weights: new Float32Array(buffer, 8, SHAPES),
      seen: new Uint8Array(buffer, 8 + 4 * SHAPES, SHAPES),
    };
  return frame(buffer, view);
}

function frame(buffer, view) {
  const boards = view.getUint32(4, true);
  const weightsAt = 24 + 16;
  const boardsAt = weightsAt + 4 * SHAPES;
  const confidenceAt = boardsAt + 28 * boards;
  const poses = new Float32Array(buffer, boardsAt, 7 * boards);
  const status = new Uint8Array(buffer, confidenceAt + SHAPES, boards);
  return {
    kind: "frame",
    state: view.getUint32(0, true),
    rate: view.getFloat32(8, true),
    age: view.getFloat32(12, true),
    silence: view.getFloat32(16, true),
    head: new Float32Array(buffer, 24, 4),
    weights: new Float32Array(buffer, weightsAt, SHAPES),
    confidence: Float32Array.from(new Uint8Array(buffer, confidenceAt, SHAPES), (c) => c / 255),
    boards: Array.from({ length: boards }, (_, i) => ({ pose: poses.slice(7 * i, 7 * i + 7), status: status[i] })),
  };
}

// samples: [{ time in s, sensors: [{ rate: x y z in deg/s, force: x y z in m/s2 }] }]
function signals(buffer, view) {
  const sensors = view.getUint32(4, true), count = view.getUint32(8, true);
  const times = new Float64Array(buffer, 16, count);
  const steps = new Int16Array(buffer, 16 + 8 * count, 6 * sensors * count);
  const three = (from, step) => [steps[from] * step, steps[from + 1] * step, steps[from + 2] * step];
  const samples = Array.from(times, (time, n) => ({
    time,
    sensors: Array.from({ length: sensors }, (_, s) => {
      const from = 6 * (n * sensors + s);
      return { rate: three(from, RATE_STEP), force: three(from + 3, FORCE_STEP) };
    }),
  }));
  return { kind: "signals", samples };
}
