// The face as a three.js mesh over the rig's own arrays.

import {
  BufferAttribute, BufferGeometry, Color, DynamicDrawUsage, Mesh, MeshLambertMaterial, MeshStandardMaterial, SRGBColorSpace,
} from "three";

const PER_VERTEX = 5; // r, g, b, gloss, relief
const LINING = -1; // instead of a gloss
const SHADE = [0.2, 0.48, 0.56];

export function faceMesh(rig) {
  const geometry = new BufferGeometry();
  for (const [name, array] of [["position", rig.positions], ["normal", rig.normals]])
    geometry.setAttribute(name, new BufferAttribute(array, 3).setUsage(DynamicDrawUsage));
  geometry.setAttribute("color", new BufferAttribute(tones(rig.colors), 3));
  const materials = byGloss(rig, geometry);
  const mesh = new Mesh(geometry, materials);
  mesh.castShadow = mesh.receiveShadow = true;
  mesh.frustumCulled = false; // its bounds change with every face
  return mesh;
}

// Sends the rig's present vertices to the graphics card.
export function refresh(mesh, confidence) {
  mesh.geometry.attributes.position.needsUpdate = true;
  mesh.geometry.attributes.normal.needsUpdate = true;
}

// Linear vertex colours, darker in hollows that light from around hardly reaches; less so in red, which skin passes on.
function tones(colors) {
  const count = colors.length / PER_VERTEX;
  const out = new Float32Array(3 * count);
  const color = new Color();
  for (let i = 0; i < count; i++) {
    const [r, g, b, , relief] = colors.subarray(PER_VERTEX * i, PER_VERTEX * (i + 1));
    const hollow = Math.max(0, 1 - relief / 127.5);
    color.setRGB(r / 255, g / 255, b / 255, SRGBColorSpace).toArray(out, 3 * i);
    SHADE.forEach((share, channel) => { out[3 * i + channel] *= 1 - share * hollow; });
  }
  return out;
}

// One material, and one range of triangles, per gloss that the rig has: skin, lips, teeth, eyes. The lining of the mouth
// has one that does not shine: the lamps behind the head cast no shadow and would be mirrored in it.
function byGloss({ triangles, colors, inner }, geometry) {
  const lining = new Uint8Array(colors.length / PER_VERTEX);
  for (const [first, end] of inner) lining.fill(1, first, end);
  const ranges = new Map();
  for (let t = 0; t < triangles.length; t += 3) {
    const corners = triangles.subarray(t, t + 3);
    const gloss = corners.every((v) => lining[v]) ? LINING : Math.min(...corners.map((v) => colors[PER_VERTEX * v + 3]));
    if (!ranges.has(gloss)) ranges.set(gloss, []);
    ranges.get(gloss).push(...corners);
  }
  const index = [];
  const materials = [...ranges].map(([gloss, range], i) => {
    geometry.addGroup(index.length, range.length, i);
    for (const v of range) index.push(v);
    if (gloss === LINING) return new MeshLambertMaterial({ vertexColors: true });
    return new MeshStandardMaterial({ vertexColors: true, roughness: 0.13 + 0.45 * (1 - gloss / 255) ** 2 });
  });
  geometry.setIndex(index);
  return materials;
}
