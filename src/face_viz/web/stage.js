// The studio: camera, lights, soft room and the pivot that the head turns on. Coordinates inside it are `face_head`.

import {
  ACESFilmicToneMapping, DirectionalLight, Group, HemisphereLight, PCFShadowMap, PerspectiveCamera, Scene, WebGLRenderer,
} from "three";
import { orbit } from "./orbit.js";

const FOV_DEG = 20; // a portrait lens: less would flatten, more would enlarge the nose
const MARGIN = 1.05;
const LAMP_HALF_M = 0.17;

// Direction in face_head, colour, strength: a large warm key from above, a little to the wearer's right, a cool fill, two rims.
const LIGHTS = [
  [[0.88, -0.15, 0.45], 0xffe6cc, 2.0],
  [[0.80, 0.55, 0.15], 0xcfe0ff, 1.3],
  [[-0.62, 0.80, 0.28], 0xbcdcff, 2.0],
  [[-0.72, -0.70, 0.38], 0xffdcc0, 1.3],
];
const THREE_QUARTER_RAD = 0.42; // how far the camera stands to the wearer's left at first

function castSoftly(light) {
  light.castShadow = true;
  const view = { left: -LAMP_HALF_M, right: LAMP_HALF_M, top: LAMP_HALF_M, bottom: -LAMP_HALF_M, near: 0.1, far: 0.9 };
  Object.assign(light.shadow.camera, view);
  Object.assign(light.shadow, { intensity: 0.65, radius: 2.5, bias: -0.0008, normalBias: 0.001 });
  light.shadow.mapSize.set(512, 512);
}

// Whether the browser draws on the processor, without a graphics card.
function software(context) {
  const info = context.getExtension("WEBGL_debug_renderer_info");
  const name = info ? context.getParameter(info.UNMASKED_RENDERER_WEBGL) : "";
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

export class Stage {
  // changed: called when there is something new to draw.
  // ahead: whether the first view is from the front.
  constructor(canvas, bounds, changed, ahead) {
    this.canvas = canvas;
    this.ahead = ahead;
    this.bounds = bounds;
    const context = canvas.getContext("webgl2", { antialias: true, alpha: true, powerPreference: "low-power" });
    if (!context) throw new Error("This browser draws no WebGL 2: update it, or switch hardware acceleration on.");
    this.renderer = new WebGLRenderer({ canvas, context });
    this.renderer.toneMapping = ACESFilmicToneMapping;
    this.renderer.toneMappingExposure = 1.05;
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = PCFShadowMap;
    this.renderer.shadowMap.autoUpdate = false; // only a moved face moves its shadow
    this.renderer.shadowMap.needsUpdate = true;
    this.software = software(context);
    this.scene = new Scene();
    this.camera = new PerspectiveCamera(FOV_DEG, 1, 0.05, 5);
    this.head = new Group();
    this.other = new Group(); // the face that this one is compared with
    this.other.visible = false;
    this.pair = false;
    this.scene.add(this.studio());
    this.controls = orbit(this.camera, canvas, () => this.front());
    this.controls.addEventListener("change", changed);
    this.controls.target.set(0, (bounds.top + bounds.bottom) / 2, 0.25 * bounds.front);
    canvas.addEventListener("webglcontextrestored", () => {
      this.renderer.shadowMap.needsUpdate = true;
      changed();
    });
  }

  // face_head has x ahead and z up, the studio z ahead and y up.
  studio() {
    const studio = new Group();
    studio.quaternion.set(-0.5, -0.5, -0.5, 0.5);
    const middle = 0.5 * (this.bounds.top + this.bounds.bottom);
    for (const [direction, color, intensity] of LIGHTS) {
      const light = new DirectionalLight(color, intensity);
      light.target.position.set(0.03, 0, middle);
      light.position.set(...direction).multiplyScalar(0.5).add(light.target.position);
      studio.add(light, light.target);
    }
    castSoftly(studio.children[0]);
    const around = new HemisphereLight(0xcfd6e4, 0x9a7566, 1.5);
    around.position.set(0, 0, 1);
    return studio.add(around, this.head, this.other);
  }

  // How far the camera must be for the whole head to be in view.
  reach() {
    const { top, bottom, side, front } = this.bounds;
    const half = MARGIN * Math.max((top - bottom) / 2, side / this.camera.aspect);
    const upright = half / Math.tan((FOV_DEG * Math.PI) / 360) + 0.35 * front;
    return this.ahead ? upright : Math.max(upright, this.sidelong());
  }

  // As far as three-quarter asks for, where the back of the head comes into view and the window is narrow.
  sidelong() {
    const { plan, front } = this.bounds;
    const narrow = MARGIN / (Math.tan((FOV_DEG * Math.PI) / 360) * this.camera.aspect);
    const sin = Math.sin(THREE_QUARTER_RAD), cos = Math.cos(THREE_QUARTER_RAD);
    let reach = 0;
    for (let i = 0; i < plan.length; i += 2) {
      const ahead = plan[i] - 0.25 * front, left = plan[i + 1]; // of what the camera turns about
      reach = Math.max(reach, narrow * Math.abs(left * cos - ahead * sin) + left * sin + ahead * cos);
    }
    return reach;
  }

  front() {
    const { target } = this.controls;
    const turn = this.ahead ? 0 : THREE_QUARTER_RAD;
    const { distance } = this;
    this.camera.position.set(target.x + distance * Math.sin(turn), target.y, target.z + distance * Math.cos(turn));
    this.controls.update();
  }

  // Follows the size of the canvas, the face keeping its place in view. share: of the screen's resolution.
  resize(share) {
    const { clientWidth: whole, clientHeight: height } = this.canvas;
    const width = this.pair ? whole / 2 : whole; // of one face
    const ratio = share * Math.min(window.devicePixelRatio || 1, 2);
    const size = [width, height, ratio, this.pair].join();
    if (!width || !height || size === this.size) return;
    this.size = size;
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(whole, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.frame();
  }

  measure() {
    this.distance = this.reach();
    this.controls.minDistance = 0.35 * this.distance;
    this.controls.maxDistance = 2.5 * this.distance;
  }

  frame() {
    const { controls, distance: before } = this;
    this.measure();
    if (!before) return this.front();
    const { position } = this.camera;
    position.sub(controls.target).multiplyScalar(this.distance / before).add(controls.target);
    controls.update();
  }

  // moved: whether more than the camera did since the last drawing.
  draw(share, moved) {
    this.resize(share);
    const { renderer, scene, camera } = this;
    if (moved) renderer.shadowMap.needsUpdate = true;
    if (!this.pair) {
      renderer.render(scene, camera);
      return;
    }
    const { clientWidth: width, clientHeight: height } = this.canvas;
    renderer.setScissorTest(true);
    [this.head, this.other].forEach((shown, i) => {
      this.head.visible = shown === this.head;
      this.other.visible = !this.head.visible;
      renderer.setViewport((i * width) / 2, 0, width / 2, height);
      renderer.setScissor((i * width) / 2, 0, width / 2, height);
      renderer.shadowMap.needsUpdate = true;
      renderer.render(scene, camera);
    });
    renderer.setScissorTest(false);
    this.head.visible = true;
    this.other.visible = false;
  }

  // From the front, or as an animator looks at a face.
  look(ahead) {
    this.ahead = ahead;
    this.measure();
    this.front();
  }

  // Whether two faces stand side by side, seen by the same camera.
  compare(pair) {
    if (pair === this.pair) return;
    this.pair = pair;
    if (!pair) this.renderer.setViewport(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
  }
}
