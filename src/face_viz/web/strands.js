// Hairs of the brows and lashes: small ribbons that ride on the mesh. They belong to the picture only.

import { BufferAttribute, BufferGeometry, DoubleSide, DynamicDrawUsage, Mesh, MeshStandardMaterial } from "three";

const BROW_HAIRS = 520; // of both
const BROW_LONG_M = 0.0050;
const BROW_WIDE_M = 0.00042;
const LASHES = [52, 16]; // of one eye, above and below
const LASH_LONG_M = [0.0040, 0.0016];
const LASH_WIDE_M = 0.00034;
const COINCIDE_M = 1e-5;

// The same picture every time.
function random(seed) {
  let s = seed;
  return () => ((s = (s * 1664525 + 1013904223) >>> 0) / 4294967296);
}

const sub = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const add = (a, b, k = 1) => [a[0] + k * b[0], a[1] + k * b[1], a[2] + k * b[2]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit = (a) => a.map((x) => x / (Math.hypot(...a) || 1));

export class Strands {
  // color: linear rgb of the hair.
  constructor(rig, color) {
    this.rig = rig;
    this.points = []; // { a, b, c: vertices, u: coordinates in their frame }
    if (rig.parts.brows) this.brows();
    for (const side of ["left", "right"]) if (rig.parts.sockets && rig.parts[`eye_${side}`]) this.lashes(side);
    const geometry = new BufferGeometry();
    this.positions = new Float32Array(3 * this.points.length);
    this.attribute = new BufferAttribute(this.positions, 3).setUsage(DynamicDrawUsage);
    geometry.setAttribute("position", this.attribute);
    const normals = new Float32Array(this.positions.length);
    for (let i = 0; i < normals.length; i += 3) normals[i] = 1;
    geometry.setAttribute("normal", new BufferAttribute(normals, 3));
    const material = new MeshStandardMaterial({ roughness: 0.75, side: DoubleSide });
    material.color.setRGB(...color);
    this.mesh = new Mesh(geometry, material);
    this.mesh.frustumCulled = false;
    this.mesh.receiveShadow = true;
    this.follow();
  }

  at(vertex, from = this.rig.neutral) {
    return [from[3 * vertex], from[3 * vertex + 1], from[3 * vertex + 2]];
  }

  // A corner of a ribbon, given at rest, tied to a triangle of the mesh.
  tie([a, b, c], point) {
    const o = this.at(a), e = sub(this.at(b), o), f = sub(this.at(c), o), n = unit(cross(e, f));
    const d = sub(point, o);
    const ee = dot(e, e), ff = dot(f, f), ef = dot(e, f), de = dot(d, e), df = dot(d, f);
    const det = ee * ff - ef * ef || 1e-12;
    this.points.push({ a, b, c, u: [(de * ff - df * ef) / det, (df * ee - de * ef) / det, dot(d, n)] });
  }

  brows() {
    const { triangles, parts, neutral } = this.rig;
    const [first, end] = parts.brows;
    const own = [];
    let inner = Infinity, outer = 0;
    for (let t = 0; t < triangles.length; t += 3)
      if (triangles[t] >= first && triangles[t] < end) own.push([triangles[t], triangles[t + 1], triangles[t + 2]]);
    for (let v = first; v < end; v++) {
      inner = Math.min(inner, Math.abs(neutral[3 * v + 1]));
      outer = Math.max(outer, Math.abs(neutral[3 * v + 1]));
    }
    const areas = own.map((t) => Math.hypot(...cross(sub(this.at(t[1]), this.at(t[0])), sub(this.at(t[2]), this.at(t[0])))));
    const whole = areas.reduce((sum, a) => sum + a, 0);
    const roll = random(7);
    // How high each point of the brow is in its band, -1 to 1.
    const band = (y, z) => {
      let low = Infinity, high = -Infinity;
      for (let v = first; v < end; v++) {
        if (Math.abs(neutral[3 * v + 1] - y) > 0.002) continue;
        low = Math.min(low, neutral[3 * v + 2]);
        high = Math.max(high, neutral[3 * v + 2]);
      }
      return high > low ? (2 * (z - low)) / (high - low) - 1 : 0;
    };
    for (let k = 0; k < BROW_HAIRS; k++) {
      let left = roll() * whole, i = 0;
      while (left > areas[i] && i < own.length - 1) left -= areas[i++];
      let s = roll(), t = roll();
      if (s + t > 1) [s, t] = [1 - s, 1 - t];
      const [a, b, c] = own[i].map((v) => this.at(v));
      const root = add(add(a, sub(b, a), s), sub(c, a), t);
      const n = unit(cross(sub(b, a), sub(c, a)));
      const along = Math.min(1, Math.max(0, (Math.abs(root[1]) - inner) / (outer - inner)));
      const height = band(root[1], root[2]);
      const out = Math.sign(root[1]) || 1;
      const lean = 0.95 - 1.15 * along - 0.35 * height + 0.3 * (roll() - 0.5);
      let way = [0, out * (0.25 + 0.9 * along + 0.2 * roll()), lean];
      way = unit(add(way, n, -dot(way, n)));
      const side = unit(cross(n, way));
      const long = BROW_LONG_M * (0.55 + 0.6 * roll()) * (1 - 0.35 * along);
      const start = add(root, n, 0.0001);
      const tip = add(add(start, way, long), n, 0.0009 * roll());
      this.tie(own[i], add(start, side, BROW_WIDE_M / 2));
      this.tie(own[i], add(start, side, -BROW_WIDE_M / 2));
      this.tie(own[i], tip);
    }
  }

  // Vertices of the skin where the lids end: there the lining behind them begins, at the same points.
  margin(side) {
    const { neutral, parts } = this.rig;
    const [first, end] = parts.sockets, [skin, skinEnd] = parts.skin;
    const eye = this.centre(side);
    const found = new Set();
    for (let v = first; v < end; v++) {
      const p = this.at(v);
      if (Math.sign(p[1]) !== Math.sign(eye[1])) continue;
      for (let w = skin; w < skinEnd; w++) {
        const near = Math.abs(neutral[3 * w] - p[0]) + Math.abs(neutral[3 * w + 1] - p[1]) + Math.abs(neutral[3 * w + 2] - p[2]);
        if (near < COINCIDE_M) found.add(w);
      }
    }
    const ring = [...found];
    const middle = ring.reduce((sum, v) => add(sum, this.at(v), 1 / ring.length), [0, 0, 0]);
    const angle = (v) => Math.atan2(this.at(v)[2] - middle[2], this.at(v)[1] - middle[1]);
    return ring.sort((a, b) => angle(a) - angle(b));
  }

  centre(side) {
    const [first, end] = this.rig.parts[`eye_${side}`];
    let sum = [0, 0, 0];
    for (let v = first; v < end; v++) sum = add(sum, this.at(v), 1 / (end - first));
    return sum;
  }

  lashes(side) {
    const ring = this.margin(side);
    if (ring.length < 8) return;
    const eye = this.centre(side);
    const roll = random(side === "left" ? 11 : 13);
    const outward = Math.sign(eye[1]);
    const line = (corner) => this.at(ring.reduce((best, v) => (corner * this.at(v)[1] > corner * this.at(best)[1] ? v : best), ring[0]));
    const out = line(outward), inn = line(-outward);
    const triangles = this.around(ring);
    const upper = ring.filter((v) => this.at(v)[2] > inn[2] + ((this.at(v)[1] - inn[1]) / (out[1] - inn[1])) * (out[2] - inn[2]) + 1e-4);
    const lower = ring.filter((v) => !upper.includes(v));
    [upper, lower].forEach((lid, k) => {
      lid.sort((a, b) => this.at(a)[1] - this.at(b)[1]);
      for (let n = 0; n < LASHES[k]; n++) {
        const where = ((n + 0.3 + 0.4 * roll()) / LASHES[k]) * (lid.length - 1);
        const i = Math.min(Math.floor(where), lid.length - 2);
        const [v, w] = [lid[i], lid[i + 1]];
        const root = add(this.at(v), sub(this.at(w), this.at(v)), where - i);
        const along = Math.abs(root[1] - inn[1]) / Math.abs(out[1] - inn[1]);
        if (along < 0.08) continue; // none at the inner corner
        const up = k === 0 ? 1 : -1;
        const long = LASH_LONG_M[k] * (0.45 + 0.65 * along) * (0.75 + 0.4 * roll());
        const fan = outward * (-0.25 + 1.1 * along + 0.15 * (roll() - 0.5));
        const first = unit([0.9, fan, 0.15 * up]), then = unit([0.5, fan * 1.1, 0.95 * up]);
        const middle = add(root, first, 0.5 * long), tip = add(middle, then, 0.6 * long);
        const aside = [0, LASH_WIDE_M / 2, 0];
        const triangle = triangles.get(v) ?? triangles.get(w);
        if (!triangle) continue;
        const corners = [add(root, aside), add(root, aside, -1), add(middle, aside, 0.8), add(middle, aside, -0.8)];
        for (const p of [corners[0], corners[1], corners[2], corners[2], corners[1], corners[3], corners[2], corners[3], tip]) this.tie(triangle, p);
      }
    });
  }

  // A triangle of the skin at each vertex of a ring.
  around(ring) {
    const { triangles, parts } = this.rig;
    const wanted = new Set(ring), found = new Map();
    const [skin, end] = parts.skin;
    for (let t = 0; t < triangles.length; t += 3) {
      const corners = [triangles[t], triangles[t + 1], triangles[t + 2]];
      if (corners.some((v) => v < skin || v >= end)) continue;
      for (const v of corners) if (wanted.has(v) && !found.has(v)) found.set(v, corners);
    }
    return found;
  }

  // Brings the hairs to where the mesh is now.
  follow() {
    const { positions: p } = this.rig, { positions: out } = this;
    this.points.forEach(({ a, b, c, u: [s, t, h] }, i) => {
      const ax = p[3 * a], ay = p[3 * a + 1], az = p[3 * a + 2];
      const ex = p[3 * b] - ax, ey = p[3 * b + 1] - ay, ez = p[3 * b + 2] - az;
      const fx = p[3 * c] - ax, fy = p[3 * c + 1] - ay, fz = p[3 * c + 2] - az;
      const nx = ey * fz - ez * fy, ny = ez * fx - ex * fz, nz = ex * fy - ey * fx;
      const k = h / (Math.hypot(nx, ny, nz) || 1);
      out[3 * i] = ax + s * ex + t * fx + k * nx;
      out[3 * i + 1] = ay + s * ey + t * fy + k * ny;
      out[3 * i + 2] = az + s * ez + t * fz + k * nz;
    });
    this.attribute.needsUpdate = true;
  }
}
