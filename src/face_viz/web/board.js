// A sensor board: a small rounded plate with a chip and a lamp that shows its state. z out of the skin, x up.

const SIDE_M = 0.0078; // 0.6 cm2
const PLATE = [34, 44, 58];
const CHIP = [17, 20, 25];
const METAL = [196, 178, 132];

// Linear rgb and how far the plate takes it: valid, faulty, missing.
export const STATUS_TINTS = [
  [0.02, 0.80, 0.26, 0.05],
  [1.0, 0.30, 0.02, 0.45],
  [0.35, 0.36, 0.38, 0.75],
];

let made = null;

export function boardMesh() {
  made ??= build();
  return made;
}

function build() {
  const mesh = { p: [], n: [], c: [], t: [] };
  const half = SIDE_M / 2;
  slab(mesh, rounded(half, half, 0.0018, 6), 0.0001, 0.0011, PLATE, 0.4);
  slab(mesh, shifted(rounded(0.0014, 0.0014, 0.0002, 2), -0.0008, 0), 0.0011, 0.0018, CHIP, 0.75);
  for (const side of [-1, 1])
    for (const k of [-1, 0, 1])
      slab(mesh, shifted(rounded(0.00028, 0.0004, 0.0001, 1), -0.0008 + 0.0009 * k, side * 0.0027), 0.0011, 0.00125, METAL, 0.9);
  const before = mesh.t.length;
  slab(mesh, shifted(rounded(0.0012, 0.0012, 0.0012, 8), 0.0022, 0), 0.0011, 0.0016, [255, 255, 255], 0.3);
  boardMesh.lampCount = mesh.t.length - before;
  return {
    positions: new Float32Array(mesh.p), normals: new Float32Array(mesh.n),
    colors: new Uint8Array(mesh.c), triangles: new Uint32Array(mesh.t),
  };
}

const shifted = (outline, dx, dy) => outline.map(([x, y]) => [x + dx, y + dy]);

// Counter-clockwise outline of a rectangle with round corners of `steps` segments.
function rounded(halfX, halfY, radius, steps) {
  const outline = [];
  const corners = [[1, 1], [-1, 1], [-1, -1], [1, -1]];
  corners.forEach(([sx, sy], quarter) => {
    for (let i = 0; i <= steps; i++) {
      const a = (Math.PI / 2) * (quarter + i / steps);
      outline.push([sx * (halfX - radius) + radius * Math.cos(a), sy * (halfY - radius) + radius * Math.sin(a)]);
    }
  });
  return outline;
}

// A plate with the given outline between two heights, with a narrow bevel that catches the light.
function slab(mesh, outline, low, high, color, gloss) {
  const bevel = Math.min(0.0003, 0.4 * (high - low));
  const centre = outline.reduce((s, [x, y]) => [s[0] + x / outline.length, s[1] + y / outline.length], [0, 0]);
  const inset = outline.map(([x, y]) => {
    const [dx, dy] = [x - centre[0], y - centre[1]];
    const k = 1 - bevel / Math.hypot(dx, dy);
    return [centre[0] + k * dx, centre[1] + k * dy];
  });
  const vertex = (x, y, z, n) => {
    mesh.p.push(x, y, z);
    mesh.n.push(...n);
    mesh.c.push(...color, Math.round(255 * gloss), 128);
    return mesh.p.length / 3 - 1;
  };
  const out = ([x, y], z) => {
    const length = Math.hypot(x - centre[0], y - centre[1]) || 1;
    const s = Math.sqrt(1 - z * z);
    return [(s * (x - centre[0])) / length, (s * (y - centre[1])) / length, z];
  };
  const rings = [
    outline.map((q) => vertex(q[0], q[1], low, out(q, 0))),
    outline.map((q) => vertex(q[0], q[1], high - bevel, out(q, 0.25))),
    outline.map((q, i) => vertex(inset[i][0], inset[i][1], high, out(q, 0.85))),
  ];
  const cap = inset.map((q) => vertex(q[0], q[1], high, [0, 0, 1]));
  const count = outline.length;
  for (let i = 0; i < count; i++) {
    const j = (i + 1) % count;
    for (let r = 0; r + 1 < rings.length; r++) {
      const [a, b] = [rings[r], rings[r + 1]];
      mesh.t.push(a[i], a[j], b[j], a[i], b[j], b[i]);
    }
    if (i > 0 && j > 0) mesh.t.push(cap[0], cap[i], cap[j]);
  }
}
