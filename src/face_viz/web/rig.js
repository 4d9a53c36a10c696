// The face rig: a neutral mesh, sparse displacements for 52 weights, and correctives. Layout of the bytes: see rig_file.py.

const TYPES = { f4: Float32Array, u4: Uint32Array, u1: Uint8Array };

export class Rig {
  constructor(buffer) {
    const headerLength = new DataView(buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, headerLength)));
    const array = (name) => {
      const { offset, count, type } = header.arrays[name];
      return new TYPES[type](buffer, 4 + headerLength + offset, count);
    };
    this.blendshapes = header.blendshapes;
    this.observable = header.observable; // indices of what IMUs on skin can tell
    this.pairs = header.pairs; // the two shapes of each corrective
    this.inner = header.inner; // from and to of vertices that no lamp reaches
    this.landmarks = header.landmarks;
    this.parts = header.parts; // from and to of the vertices of each part
    this.lips = header.lips; // vertices on the red of the lips
    this.neutral = array("neutral");
    this.triangles = array("triangles");
    this.start = array("delta_start");
    this.index = array("delta_index");
    this.value = array("delta_value");
    this.colors = array("color"); // r, g, b, gloss, relief
    this.positions = this.neutral.slice();
    this.normals = new Float32Array(this.neutral.length);
    this.bounds = this.measure();
    this.morph(new Float32Array(this.blendshapes.length));
  }

  // The same face to be moved by other weights; what does not move is shared.
  another() {
    const rig = Object.assign(Object.create(Rig.prototype), this);
    rig.positions = this.neutral.slice();
    rig.normals = this.normals.slice();
    return rig;
  }

  // Displaces the vertices by the weights and renews the normals, in place.
  morph(weights) {
    this.positions.set(this.neutral);
    weights.forEach((w, shape) => this.displace(shape, w));
    this.pairs.forEach(([i, j], k) => {
      const w = i === j ? 4 * weights[i] * (1 - weights[i]) : weights[i] * weights[j];
      this.displace(weights.length + k, w);
    });
    this.shade();
  }

  displace(shape, w) {
    if (Math.abs(w) < 1e-4) return;
    const { positions: p, index, value } = this;
    for (let i = this.start[shape], end = this.start[shape + 1]; i < end; i++) {
      const v = 3 * index[i];
      p[v] += w * value[3 * i];
      p[v + 1] += w * value[3 * i + 1];
      p[v + 2] += w * value[3 * i + 2];
    }
  }

  shade() {
    const { positions: p, normals: n, triangles: t } = this;
    n.fill(0);
    for (let i = 0; i < t.length; i += 3) {
      const a = 3 * t[i], b = 3 * t[i + 1], c = 3 * t[i + 2];
      const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
      const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
      const x = uy * vz - uz * vy, y = uz * vx - ux * vz, z = ux * vy - uy * vx;
      n[a] += x; n[a + 1] += y; n[a + 2] += z;
      n[b] += x; n[b + 1] += y; n[b + 2] += z;
      n[c] += x; n[c + 1] += y; n[c + 2] += z;
    }
    // Lengths are left to the shader, which normalises anyway.
    for (let i = 0; i < n.length; i++) n[i] *= 1e4;
  }

  // What must be in view: the head from crown to just below the chin, in face_head axes; plan: x and y of its vertices.
  measure() {
    const { neutral, landmarks } = this;
    const height = (name) => neutral[3 * landmarks[name] + 2];
    const eyes = 0.5 * (height("pupil_left") + height("pupil_right"));
    const bottom = height("chin") - 0.25 * (eyes - height("chin"));
    let top = -Infinity, side = 0, front = -Infinity;
    const plan = [];
    for (let i = 0; i < neutral.length; i += 3) {
      if (neutral[i + 2] < bottom) continue;
      top = Math.max(top, neutral[i + 2]);
      side = Math.max(side, Math.abs(neutral[i + 1]));
      front = Math.max(front, neutral[i]);
      plan.push(neutral[i], neutral[i + 1]);
    }
    return { top, bottom, side, front, plan };
  }
}
