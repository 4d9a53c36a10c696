// The face as a three.js mesh over the rig's own arrays, with what only the picture needs: hair, lashes, iris.

import { BufferAttribute, BufferGeometry, Color, DynamicDrawUsage, Mesh, MeshLambertMaterial, SRGBColorSpace } from "three";
import { eye, skin, tinting, wet } from "./skin.js";
import { Strands } from "./strands.js";

const PER_VERTEX = 5; // r, g, b, gloss, relief
const LINING = -1, SKIN = -2, EYES = -3, WET = -4; // kinds of surface
const SHADE = [0.2, 0.48, 0.56];
const BAND = 0.62; // how much of the brow's own colour its band keeps below the hairs
const DEEP_M = 0.045; // behind the lips, where no light comes
const REGIONS = [/^brow/, /^eye/, /^(cheek|nose)/, /^(mouth|jaw|tongue)/];

export function faceMesh(rig) {
  const geometry = new BufferGeometry();
  for (const [name, array] of [["position", rig.positions], ["normal", rig.normals]])
    geometry.setAttribute(name, new BufferAttribute(array, 3).setUsage(DynamicDrawUsage));
  const look = appearance(rig);
  geometry.setAttribute("color", new BufferAttribute(look.tones, 3));
  geometry.setAttribute("rest", new BufferAttribute(rig.neutral, 3));
  geometry.setAttribute("region", new BufferAttribute(look.regions, 4));
  geometry.setAttribute("hair", new BufferAttribute(look.hair, 1));
  geometry.setAttribute("lip", new BufferAttribute(look.lips, 1));
  geometry.setAttribute("gaze", new BufferAttribute(look.gaze, 3));
  const tint = tinting();
  const materials = surfaces(rig, geometry, look, tint);
  const mesh = new Mesh(geometry, materials);
  mesh.castShadow = mesh.receiveShadow = true;
  mesh.frustumCulled = false; // its bounds change with every face
  mesh.tint = tint;
  mesh.shapes = REGIONS.map((pattern) => rig.observable.filter((i) => pattern.test(rig.blendshapes[i])));
  mesh.strands = new Strands(rig, look.browColor);
  mesh.add(mesh.strands.mesh);
  return mesh;
}

// Sends the rig's present vertices to the graphics card. confidence: of each shape, for the tint; null: no tint.
export function refresh(mesh, confidence) {
  mesh.geometry.attributes.position.needsUpdate = true;
  mesh.geometry.attributes.normal.needsUpdate = true;
  mesh.strands.follow();
  mesh.tint.tinted.value = confidence ? 1 : 0;
  if (!confidence) return;
  const means = mesh.shapes.map((shapes) => shapes.reduce((sum, i) => sum + confidence[i], 0) / (shapes.length || 1));
  mesh.tint.sure.value.fromArray(means);
}

function within(parts, pattern, count) {
  const mask = new Uint8Array(count);
  for (const [name, [first, end]] of Object.entries(parts)) if (pattern.test(name)) mask.fill(1, first, end);
  return mask;
}

// What each vertex looks like: linear colour, how hairy, how much lip, which region, where it lies on its eye.
function appearance(rig) {
  const { colors, neutral, parts, lips: red, landmarks } = rig;
  const count = colors.length / PER_VERTEX;
  const skinned = within(parts, /^skin/, count), brows = within(parts, /^brows/, count);
  const inside = within(parts, /^(mouth|teeth|tongue)/, count);
  const tones = new Float32Array(3 * count), hair = new Float32Array(count), lips = new Float32Array(count);
  const color = new Color();
  const srgb = (i) => colors.subarray(PER_VERTEX * i, PER_VERTEX * i + 3);
  const luminance = (i) => 0.3 * srgb(i)[0] + 0.59 * srgb(i)[1] + 0.11 * srgb(i)[2];
  const linear = (r, g, b) => color.setRGB(r / 255, g / 255, b / 255, SRGBColorSpace).toArray();
  const height = (name) => neutral[3 * landmarks[name] + 2];
  const eyes = 0.5 * (height("pupil_left") + height("pupil_right"));
  const mouthX = neutral[3 * landmarks.lip_lower];
  // Hair: skin as dark as hair, on the top, the sides and the back of the head.
  let darkest = 255;
  for (let i = 0; i < count; i++) if (skinned[i] && neutral[3 * i + 2] > eyes + 0.05) darkest = Math.min(darkest, luminance(i));
  const ordinary = srgb(landmarks.chin), bright = luminance(landmarks.chin);
  const haired = darkest < 0.6 * bright;
  const hairTones = [];
  for (let i = 0; i < count; i++) {
    let [r, g, b] = srgb(i);
    const x = neutral[3 * i], z = neutral[3 * i + 2];
    if (haired && skinned[i] && (z > eyes + 0.03 || x < 0.055)) {
      hair[i] = Math.max(0, Math.min(1, (bright - luminance(i)) / (bright - darkest - 12)));
      if (hair[i] > 0.9) hairTones.push([r, g, b]);
      if (hair[i] > 0.02) [r, g, b] = ordinary;
    }
    if (brows[i]) [r, g, b] = [r, g, b].map((own, k) => BAND * own + (1 - BAND) * ordinary[k]);
    let tone = linear(r, g, b);
    const hollow = Math.max(0, 1 - colors[PER_VERTEX * i + 4] / 127.5);
    tone = tone.map((value, k) => value * (1 - SHADE[k] * hollow));
    if (inside[i]) {
      const dark = 1 - 0.85 * Math.max(0, Math.min(1, (mouthX - 0.004 - x) / DEEP_M));
      tone = tone.map((value) => value * dark);
    }
    tone.forEach((value, k) => { tones[3 * i + k] = value; });
  }
  for (const v of red) lips[v] = 1;
  const mean = (list) => [0, 1, 2].map((k) => list.reduce((sum, c) => sum + c[k], 0) / (list.length || 1));
  const browTones = [];
  for (let i = 0; i < count; i++) if (brows[i]) browTones.push([...srgb(i)]);
  return {
    tones, hair, lips, regions: regions(rig, count), gaze: gazes(rig, count),
    hairColor: linear(...mean(hairTones)), browColor: linear(...mean(browTones).map((c) => 0.62 * c)),
  };
}

// How much each of `REGIONS` moves each vertex, sum 1 where anything does.
function regions({ blendshapes, observable, start, index, value }, count) {
  const out = new Float32Array(4 * count);
  for (const shape of observable) {
    const region = REGIONS.findIndex((pattern) => pattern.test(blendshapes[shape]));
    for (let i = start[shape]; i < start[shape + 1]; i++)
      out[4 * index[i] + region] += Math.hypot(value[3 * i], value[3 * i + 1], value[3 * i + 2]);
  }
  for (let v = 0; v < count; v++) {
    const sum = out[4 * v] + out[4 * v + 1] + out[4 * v + 2] + out[4 * v + 3];
    const reach = Math.min(1, sum / 0.002); // what hardly moves is not tinted
    if (sum > 0) for (let k = 0; k < 4; k++) out[4 * v + k] *= reach / sum;
  }
  return out;
}

// Direction of each vertex of an eye from its centre, at rest.
function gazes({ neutral, parts, landmarks }, count) {
  const out = new Float32Array(3 * count);
  for (const side of ["left", "right"]) {
    const part = parts[`eye_${side}`];
    if (!part) continue;
    const pupil = landmarks[`pupil_${side}`];
    let low = Infinity, high = -Infinity;
    for (let v = part[0]; v < part[1]; v++) {
      low = Math.min(low, neutral[3 * v + 2]);
      high = Math.max(high, neutral[3 * v + 2]);
    }
    const centre = [neutral[3 * pupil] - (high - low) / 2, neutral[3 * pupil + 1], neutral[3 * pupil + 2]];
    for (let v = part[0]; v < part[1]; v++) for (let k = 0; k < 3; k++) out[3 * v + k] = (neutral[3 * v + k] - centre[k]) * 80;
  }
  return out;
}

// A material and a range of triangles for each kind of surface. The lining of the mouth does not shine: the lamps behind
// the head cast no shadow and would be mirrored in it.
function surfaces({ triangles, colors, inner, parts }, geometry, { hairColor }, tint) {
  const count = colors.length / PER_VERTEX;
  const lining = new Uint8Array(count);
  for (const [first, end] of inner) lining.fill(1, first, end);
  const round = within(parts, /^eye_(left|right)$/, count), wetted = within(parts, /^(teeth|tooth|tongue)/, count);
  const kind = (corners) => {
    if (corners.every((v) => lining[v])) return LINING;
    if (corners.every((v) => round[v])) return EYES;
    if (corners.every((v) => wetted[v])) return WET;
    const gloss = Math.min(...corners.map((v) => colors[PER_VERTEX * v + 3]));
    return gloss === 0 ? SKIN : gloss;
  };
  const ranges = new Map();
  for (let t = 0; t < triangles.length; t += 3) {
    const corners = triangles.subarray(t, t + 3);
    const found = kind(corners);
    if (!ranges.has(found)) ranges.set(found, []);
    ranges.get(found).push(...corners);
  }
  const index = [];
  const materials = [...ranges].map(([found, range], i) => {
    geometry.addGroup(index.length, range.length, i);
    for (const v of range) index.push(v);
    if (found === LINING) return new MeshLambertMaterial({ vertexColors: true });
    if (found === SKIN) return skin(0.58, hairColor, tint);
    if (found === EYES) return eye({ iris: 0.464, pupil: 0.165, lift: 0.0, inner: [0.20, 0.23, 0.18], outer: [0.06, 0.13, 0.17] }, tint);
    if (found === WET) return wet(0.25, tint);
    return skin(0.16 + 0.3 * (1 - found / 255) ** 2, hairColor, tint); // lips
  });
  geometry.setIndex(index);
  return materials;
}
