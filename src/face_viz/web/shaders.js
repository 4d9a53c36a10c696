// Light of a photo studio: a large warm key from the upper left, a cool fill, two rims from behind, a soft room.

const LIGHTS = `
const vec3 KEY = normalize(vec3(0.70, -0.52, 0.62));
const vec3 FILL = normalize(vec3(0.62, 0.80, 0.10));
const vec3 RIM_A = normalize(vec3(-0.62, 0.80, 0.28));
const vec3 RIM_B = normalize(vec3(-0.72, -0.70, 0.38));
const vec3 KEY_COLOR = vec3(1.00, 0.93, 0.86) * 1.72;
const vec3 FILL_COLOR = vec3(0.66, 0.78, 1.00) * 0.46;
const vec3 RIM_A_COLOR = vec3(0.62, 0.82, 1.00) * 1.6;
const vec3 RIM_B_COLOR = vec3(1.00, 0.84, 0.72) * 0.9;
const vec3 SKY = vec3(0.46, 0.51, 0.60) * 0.62;
const vec3 GROUND = vec3(0.34, 0.27, 0.25) * 0.62;
`;

export const KEY_DIRECTION = [0.70, -0.52, 0.62];

export const SURFACE_VERTEX = `#version 300 es
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec3 color;
layout(location = 3) in vec2 finish;
uniform mat4 model, camera, lamp;
out vec3 worldPosition, worldNormal, albedo;
out vec4 lampPosition;
out vec2 surface;
void main() {
  vec4 world = model * vec4(position, 1.0);
  worldPosition = world.xyz;
  worldNormal = mat3(model) * normal;
  albedo = pow(color, vec3(2.2));
  surface = finish;
  lampPosition = lamp * world;
  gl_Position = camera * world;
}`;

export const SURFACE_FRAGMENT = `#version 300 es
precision highp float;
precision highp sampler2DShadow;
in vec3 worldPosition, worldNormal, albedo;
in vec4 lampPosition;
in vec2 surface;
uniform vec3 eye;
uniform vec4 tint;      // rgb, share: colour laid over the surface's own
uniform float glow, fade, soft; // light of its own; greyed out when there is no input; 1 skin, 0 hard material
uniform sampler2DShadow shadowMap;
out vec4 pixel;
${LIGHTS}
float lit(vec3 n) {
  if (dot(n, KEY) < -0.45) return 0.0; // beyond the widest falloff of diffuse()
  vec3 p = 0.5 * lampPosition.xyz + 0.5;
  float bias = 0.0016 + 0.004 * (1.0 - clamp(dot(n, KEY), 0.0, 1.0));
  float sum = 0.0;
  const float r = 4.5 / 1024.0;
  // A spiral of samples, turned from pixel to pixel (interleaved gradient noise, Jimenez 2014): soft, without bands.
  float turn = 6.2832 * fract(52.9829 * fract(dot(gl_FragCoord.xy, vec2(0.06711, 0.00584))));
  for (int i = 0; i < 8; i++) {
    float a = 2.39996 * float(i) + turn;
    vec2 o = vec2(cos(a), sin(a)) * r * sqrt((float(i) + 0.5) / 8.0);
    sum += texture(shadowMap, vec3(p.xy + o, p.z - bias));
  }
  return sum / 8.0;
}
// Light that enters skin leaves it redder beside where it entered: a wider falloff for red.
vec3 diffuse(float nl) {
  vec3 wrap = vec3(0.42, 0.20, 0.14) * soft;
  return clamp((vec3(nl) + wrap) / (1.0 + wrap), 0.0, 1.0) / (1.0 + 0.5 * wrap);
}
float shine(vec3 n, vec3 v, vec3 l, float roughness) {
  vec3 h = normalize(v + l);
  float a2 = pow(roughness, 4.0);
  float nh = clamp(dot(n, h), 0.0, 1.0), nl = clamp(dot(n, l), 0.0, 1.0);
  float d = nh * nh * (a2 - 1.0) + 1.0;
  float fresnel = 0.035 + 0.965 * pow(1.0 - clamp(dot(v, h), 0.0, 1.0), 5.0);
  return nl * fresnel * a2 / (d * d) * 0.28;
}
vec3 tone(vec3 x) { // Narkowicz's fit of the ACES film curve, 2015
  return clamp((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0);
}
void main() {
  vec3 n = normalize(worldNormal), v = normalize(eye - worldPosition);
  float gloss = surface.x, hollow = 2.0 * surface.y - 1.0;
  vec3 base = mix(albedo, tint.rgb, tint.a);
  float open = clamp(1.0 + 0.75 * min(hollow, 0.0), 0.25, 1.0);
  float roughness = mix(0.50, 0.12, gloss);
  float shadow = lit(n);
  vec3 shade = mix(vec3(shadow), vec3(1.0), vec3(0.16, 0.07, 0.05) * soft);
  vec3 light = KEY_COLOR * diffuse(dot(n, KEY)) * shade
    + FILL_COLOR * diffuse(dot(n, FILL)) * open
    + RIM_A_COLOR * clamp(dot(n, RIM_A), 0.0, 1.0) * open
    + RIM_B_COLOR * clamp(dot(n, RIM_B), 0.0, 1.0) * open
    + mix(GROUND, SKY, 0.5 + 0.5 * n.z) * open;
  vec3 spec = KEY_COLOR * shine(n, v, KEY, roughness) * shadow
    + FILL_COLOR * shine(n, v, FILL, roughness)
    + RIM_A_COLOR * shine(n, v, RIM_A, roughness);
  float grazing = pow(1.0 - clamp(dot(n, v), 0.0, 1.0), 4.0);
  vec3 result = base * light * 0.62 + min(spec * (0.7 + 1.6 * gloss), vec3(mix(0.16, 0.55 + 2.0 * gloss, soft))) * open + SKY * grazing * 0.16 * open + base * glow;
  float grey = dot(result, vec3(0.3, 0.6, 0.1));
  result = mix(vec3(grey), result, 1.12); // the film curve takes colour out of bright skin
  result = mix(result, vec3(grey) * 0.8, 0.75 * fade);
  pixel = vec4(pow(tone(max(result, 0.0)), vec3(1.0 / 2.2)), 1.0);
}`;

export const SHADOW_VERTEX = `#version 300 es
layout(location = 0) in vec3 position;
uniform mat4 model, lamp;
void main() { gl_Position = lamp * model * vec4(position, 1.0); }`;

export const SHADOW_FRAGMENT = `#version 300 es
precision mediump float;
void main() {}`;

export const BACKDROP_VERTEX = `#version 300 es
out vec2 place;
void main() {
  place = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
  gl_Position = vec4(2.0 * place - 1.0, 0.9999, 1.0);
}`;

export const BACKDROP_FRAGMENT = `#version 300 es
precision highp float;
in vec2 place;
uniform float aspect;
out vec4 pixel;
void main() {
  vec2 d = (place - vec2(0.5, 0.56)) * vec2(aspect, 1.0);
  float halo = exp(-2.6 * dot(d, d));
  vec3 color = mix(vec3(0.050, 0.062, 0.083), vec3(0.205, 0.240, 0.300), halo);
  // Noise of less than one step hides the bands of a dark gradient.
  float noise = fract(sin(dot(gl_FragCoord.xy, vec2(12.9898, 78.233))) * 43758.5453);
  pixel = vec4(color + (noise - 0.5) / 255.0, 1.0);
}`;
