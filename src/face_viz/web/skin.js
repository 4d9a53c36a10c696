// Materials of the face. Each is three.js' own physical material with a few lines of ours in its shader: light that goes
// round the edge of the shadow in skin, pores, hair as strands, an iris, and the tint by confidence.

import { Data3DTexture, LinearFilter, MeshStandardMaterial, RedFormat, RepeatWrapping, ShaderChunk, Vector4 } from "three";

const SIDE = 32; // of the cube of random numbers that all patterns are read from

// Shared by all materials of one face: how sure the model is of each region, 0 to 1, and how strong the tint is.
export function tinting() {
  return { sure: { value: new Vector4(1, 1, 1, 1) }, tinted: { value: 0 }, noises: { value: randomCube() } };
}

let cube = null;

// Smooth random numbers in space: the same for every face and every visit.
function randomCube() {
  if (cube) return cube;
  const data = new Uint8Array(SIDE ** 3);
  let s = 1;
  for (let i = 0; i < data.length; i++) data[i] = (s = (s * 1664525 + 1013904223) >>> 0) >>> 24;
  cube = new Data3DTexture(data, SIDE, SIDE, SIDE);
  cube.format = RedFormat;
  cube.minFilter = cube.magFilter = LinearFilter;
  cube.wrapS = cube.wrapT = cube.wrapR = RepeatWrapping;
  cube.needsUpdate = true;
  return cube;
}

const NOISE = `
uniform highp sampler3D noises;
float noise(vec3 x) { return texture(noises, x * ${(1 / SIDE).toFixed(6)}).r; }
vec3 bumped(vec3 at, vec3 n, float height, float facing) {
  vec3 sx = dFdx(at), sy = dFdy(at);
  vec3 r1 = cross(sy, n), r2 = cross(n, sx);
  float det = dot(sx, r1) * facing;
  vec3 slope = sign(det) * (dFdx(height) * r1 + dFdy(height) * r2);
  return normalize(abs(det) * n - slope);
}`;

const TINT = `
{
  float all = dot(vRegion, vec4(1.0));
  float c = all > 0.001 ? dot(vRegion, sure) / all : 0.0;
  vec3 ramp = c < 0.5 ? mix(vec3(0.80, 0.05, 0.03), vec3(0.90, 0.48, 0.03), c * 2.0) : mix(vec3(0.90, 0.48, 0.03), vec3(0.03, 0.62, 0.36), c * 2.0 - 1.0);
  diffuseColor.rgb = mix(diffuseColor.rgb, ramp, tinted * 0.6 * clamp(all, 0.0, 1.0));
}`;

// Materials of a face with or without what only a graphics card draws in time: pores, mottling, the relief of hairs.
export function setFine(materials, fine) {
  for (const material of materials) {
    if (!material.defines || Boolean(material.defines.FINE) === fine) continue;
    if (fine) material.defines.FINE = 1;
    else delete material.defines.FINE;
    material.needsUpdate = true;
  }
}

// Light reaches a little past the edge of the shadow, red farther than blue.
const ROUND = ShaderChunk.lights_physical_pars_fragment.replace(
  "reflectedLight.directDiffuse += irradiance *",
  "reflectedLight.directDiffuse += skinRound(dot(geometryNormal, directLight.direction)) * directLight.color *",
);

const SKIN_COLOR = `
float strand = 0.0, hairy = 0.0, pore = 0.0, line = 0.0;
{
#ifdef FINE
  float mottle = noise(vRest * 110.0) + 0.5 * noise(vRest * 330.0) - 0.75;
  diffuseColor.rgb *= 1.0 + mottle * vec3(0.035, 0.10, 0.10);
#endif
  if (vHair > 0.02) {
    float around = atan(vRest.y, vRest.x + 0.012), up = vRest.z;
    float wave = noise(vec3(around * 9.0, up * 30.0, 3.0));
    strand = 0.6 * noise(vec3(around * 70.0 + wave * 3.0, up * 38.0, 1.0)) + 0.4 * noise(vec3(around * 210.0 + wave * 5.0, up * 60.0, 2.0));
    hairy = smoothstep(0.30, 0.62, vHair + 0.55 * (strand - 0.5) * (1.0 - vHair));
    float lock = noise(vec3(around * 16.0 + wave * 1.5, up * 16.0, 5.0));
    diffuseColor.rgb = mix(diffuseColor.rgb, hairColor * (0.55 + 1.1 * strand) * (0.75 + 0.5 * lock), hairy);
  }
#ifdef FINE
  pore = noise(vRest * 1500.0) * (1.0 - hairy);
  line = noise(vec3(vRest.y * 900.0, vRest.x * 130.0, vRest.z * 130.0)) * vLip;
#endif
}`;

const SKIN_NORMAL = `
#ifdef FINE
normal = bumped(-vViewPosition, normal, strand * hairy * 0.0005 + pore * 0.00006 + line * 0.00025, faceDirection);
#endif`;

// Drawn for each pixel, so that the edge of the iris is round whatever the mesh is.
const EYE_COLOR = `
{
  vec3 g = normalize(vGaze);
  float s = sin(EYE_LIFT), c = cos(EYE_LIFT);
  vec3 e = vec3(g.x * c + g.z * s, g.y, g.z * c - g.x * s);
  float r = e.x > 0.0 ? length(e.yz) : 1.0;
  float a = atan(e.z, e.y);
  float fibre = noise(vec3(a * 14.0, r * 9.0, 1.0)) * 0.6 + noise(vec3(a * 38.0, r * 6.0, 4.0)) * 0.4;
  float t = clamp((r - PUPIL) / (IRIS - PUPIL), 0.0, 1.0);
  vec3 iris = mix(irisInner, irisOuter, smoothstep(0.1, 0.75, t)) * (0.55 + 0.85 * fibre);
  iris *= 1.0 - 0.75 * smoothstep(0.78, 1.0, t);
  iris *= 1.0 + 0.8 * smoothstep(0.3, -0.9, e.z / IRIS); // light gathers opposite to the lamp
  float vein = smoothstep(0.62, 0.8, noise(vec3(a * 9.0, r * 16.0, 7.0))) * smoothstep(0.65, 1.0, r);
  vec3 white = mix(vec3(0.86, 0.83, 0.79), vec3(0.70, 0.50, 0.45), 0.25 * smoothstep(0.55, 0.95, r) + 0.25 * vein);
  vec3 drawn = mix(iris, white, smoothstep(IRIS - 0.02, IRIS + 0.025, r));
  drawn = mix(vec3(0.006), drawn, smoothstep(PUPIL - 0.02, PUPIL + 0.02, r));
  float shade = mix(0.7, 1.0, smoothstep(0.46, 0.18, g.z)) * mix(0.8, 1.0, smoothstep(0.95, 0.5, abs(g.y)));
  diffuseColor.rgb = drawn * shade;
}`;

const EYE_GLINT = `
{
  vec3 g = normalize(vGaze);
  vec2 window = vec2(g.y + 0.16, g.z - 0.20);
  float lit = smoothstep(0.085, 0.06, max(abs(window.x), abs(window.y) * 1.1));
  float low = smoothstep(0.10, 0.0, length(vec2(g.y - 0.20, g.z + 0.22)));
  totalEmissiveRadiance += vec3(0.95) * lit + vec3(0.10, 0.11, 0.12) * low;
}`;

// Where a pixel is only touched by a thin triangle its centre lies outside: without `centroid` normals and colours would be
// extrapolated there, which shows as dark specks beside the lips.
function inside(source, names) {
  for (const name of names)
    source = source.replace(`#include <${name}>`, ShaderChunk[name].replaceAll("varying vec", "centroid varying vec"));
  return source;
}

function patched(material, { vertex = "", pars = "", color = "", normal = "", rough = "", glint = "", round = "", uniforms }) {
  material.onBeforeCompile = (shader) => {
    Object.assign(shader.uniforms, uniforms);
    shader.vertexShader = inside(shader.vertexShader, ["normal_pars_vertex", "color_pars_vertex", "shadowmap_pars_vertex"])
      .replace("#include <common>", `#include <common>
attribute vec3 rest; attribute vec4 region; attribute float hair; attribute float lip; attribute vec3 gaze;
centroid varying vec3 vRest; centroid varying vec4 vRegion; centroid varying float vHair; centroid varying float vLip; centroid varying vec3 vGaze;`)
      .replace("#include <begin_vertex>", `#include <begin_vertex>
vRest = rest; vRegion = region; vHair = hair; vLip = lip; vGaze = gaze;${vertex}`);
    shader.fragmentShader = inside(shader.fragmentShader, ["normal_pars_fragment", "color_pars_fragment", "shadowmap_pars_fragment"])
      .replace("#include <common>", `#include <common>
centroid varying vec3 vRest; centroid varying vec4 vRegion; centroid varying float vHair; centroid varying float vLip; centroid varying vec3 vGaze;
uniform vec4 sure; uniform float tinted;
${NOISE}
${pars}`)
      .replace("#include <lights_physical_pars_fragment>", round || "#include <lights_physical_pars_fragment>")
      .replace("#include <color_fragment>", `#include <color_fragment>
${color}
${TINT}`)
      .replace("#include <roughnessmap_fragment>", `#include <roughnessmap_fragment>
${rough}`)
      .replace("#include <normal_fragment_maps>", `#include <normal_fragment_maps>
${normal}`)
      .replace("#include <emissivemap_fragment>", `#include <emissivemap_fragment>
${glint}`);
  };
  material.customProgramCacheKey = () => [color.length, normal.length, glint.length, round.length, pars].join();
  return material;
}

const glsl = (number) => number.toFixed(4);

// hairColor: linear rgb.
export function skin(roughness, hairColor, uniforms) {
  return patched(new MeshStandardMaterial({ vertexColors: true, roughness }), {
    pars: `
const vec3 hairColor = vec3(${hairColor.map(glsl).join()});
vec3 skinRound(float d) { vec3 w = vec3(0.30, 0.11, 0.06); vec3 x = clamp((d + w) / (1.0 + w), 0.0, 1.0); return x * x * (3.0 - 2.0 * x) * 0.35 + x * 0.65; }`,
    color: SKIN_COLOR, normal: SKIN_NORMAL, rough: "roughnessFactor = mix(roughnessFactor, 0.82, hairy);", round: ROUND, uniforms,
  });
}

// Teeth, tongue: as they are.
export function wet(roughness, uniforms) {
  return patched(new MeshStandardMaterial({ vertexColors: true, roughness }), { uniforms });
}

// iris, pupil: sines of the angles at which they end; lift: how far up the iris is drawn, rad.
export function eye({ iris, pupil, lift, inner, outer }, uniforms) {
  return patched(new MeshStandardMaterial({ vertexColors: true, roughness: 0.12 }), {
    pars: `
const float IRIS = ${glsl(iris)}, PUPIL = ${glsl(pupil)}, EYE_LIFT = ${glsl(lift)};
const vec3 irisInner = vec3(${inner.map(glsl).join()}), irisOuter = vec3(${outer.map(glsl).join()});`,
    color: EYE_COLOR, glint: EYE_GLINT, uniforms,
  });
}
