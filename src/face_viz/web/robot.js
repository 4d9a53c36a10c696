// A robot's head beside the face: a URDF of primitive shapes, posed by joint angles, in a small canvas of its own.
// Nothing is made before a robot is described, and nothing drawn while it is switched off.

import {
  BoxGeometry, Color, CylinderGeometry, DirectionalLight, Group, HemisphereLight, Mesh, MeshStandardMaterial, PerspectiveCamera,
  Scene, SphereGeometry, Vector3, WebGLRenderer,
} from "three";
import { at, text } from "./panel.js";

const PERIOD_MS = 33;
const LOST_MS = 1500; // without angles for this long the picture is grey
const MOST_PARTS = 500;
const FOV_DEG = 24;

const numbers = (words, otherwise) => {
  const found = words?.trim() ? words.trim().split(/\s+/).map(Number) : [];
  return found.length === otherwise.length && found.every(Number.isFinite) ? found : otherwise;
};
const child = (element, name) => [...element.children].find((one) => one.tagName === name);

// URDF: fixed axes roll, pitch, yaw, that is Rz Ry Rx.
function place(object, origin) {
  object.position.set(...numbers(origin?.getAttribute("xyz"), [0, 0, 0]));
  object.rotation.set(...numbers(origin?.getAttribute("rpy"), [0, 0, 0]), "ZYX");
  return object;
}

function shape(geometry) {
  const box = child(geometry, "box"), sphere = child(geometry, "sphere"), cylinder = child(geometry, "cylinder");
  if (box) return new BoxGeometry(...numbers(box.getAttribute("size"), [0, 0, 0]));
  const [radius] = numbers((sphere ?? cylinder)?.getAttribute("radius"), [0]);
  if (sphere) return new SphereGeometry(radius, 24, 16);
  // three's stand along y, URDF's along z.
  if (cylinder) return new CylinderGeometry(radius, radius, numbers(cylinder.getAttribute("length"), [0])[0], 24).rotateX(Math.PI / 2);
  return null; // meshes are files of the robot's machine
}

// Joints and links of a description; Error where it is none.
export function robotOf(urdf) {
  const robot = new DOMParser().parseFromString(urdf, "application/xml").documentElement;
  if (robot.tagName !== "robot") throw new Error(`expected a URDF, found <${robot.tagName}>`);
  const colors = new Map();
  const colored = (element) => {
    const color = element && child(element, "color");
    return color ? new Color().setRGB(...numbers(color.getAttribute("rgba"), [0.7, 0.7, 0.7, 1]).slice(0, 3), "srgb") : null;
  };
  const links = new Map(), joints = [], lacking = new Set();
  let parts = 0;
  for (const element of robot.children) if (element.tagName === "material") colors.set(element.getAttribute("name"), colored(element));
  for (const element of robot.children) {
    if (element.tagName !== "link") continue;
    const link = new Group();
    links.set(element.getAttribute("name"), link);
    for (const visual of element.children) {
      if (visual.tagName !== "visual" || ++parts > MOST_PARTS) continue;
      const geometry = child(visual, "geometry") && shape(child(visual, "geometry"));
      if (!geometry) {
        lacking.add(element.getAttribute("name"));
        continue;
      }
      const material = child(visual, "material");
      const color = colored(material) ?? colors.get(material?.getAttribute("name")) ?? new Color(0xb8bec8);
      link.add(place(new Mesh(geometry, new MeshStandardMaterial({ color, roughness: 0.6 })), child(visual, "origin")));
    }
  }
  const children = new Set();
  for (const element of robot.children) {
    if (element.tagName !== "joint") continue;
    const [parent, moved] = ["parent", "child"].map((name) => links.get(child(element, name)?.getAttribute("link")));
    if (!parent || !moved || children.has(moved)) continue;
    const still = place(new Group(), child(element, "origin"));
    const turned = new Group();
    parent.add(still.add(turned.add(moved)));
    children.add(moved);
    const mimic = child(element, "mimic");
    const axis = new Vector3(...numbers(child(element, "axis")?.getAttribute("xyz"), [1, 0, 0])).normalize();
    joints.push({
      turned, axis, type: element.getAttribute("type"),
      name: mimic?.getAttribute("joint") ?? element.getAttribute("name"),
      factor: numbers(mimic?.getAttribute("multiplier"), [1])[0], offset: numbers(mimic?.getAttribute("offset"), [0])[0],
    });
  }
  const root = new Group();
  for (const link of links.values()) if (!children.has(link)) root.add(link);
  return { root, joints, lacking: [...lacking] };
}

export function pose({ joints }, angles) {
  for (const { turned, axis, type, name, factor, offset } of joints) {
    if (!(name in angles)) continue;
    const value = factor * angles[name] + offset;
    if (type === "prismatic") turned.position.copy(axis).multiplyScalar(value);
    else if (type === "revolute" || type === "continuous") turned.quaternion.setFromAxisAngle(axis, value);
  }
}

export class Robot {
  constructor() {
    this.canvas = at("robot-canvas");
    this.box = at("robot");
    this.switch = at("show-robot");
    this.robot = this.angles = null;
    this.told = this.drawn = 0;
    this.switch.addEventListener("change", () => this.show());
  }

  // value: { name, urdf }, or null where there is none any more.
  describe(value) {
    at("robot-switch").hidden = !value;
    if (this.robot) this.scene?.remove(this.robot.root);
    this.robot = null;
    if (value) {
      try {
        this.robot = robotOf(value.urdf);
        text("robot-word", this.robot.lacking.length ? "Parts that are meshes are not drawn" : "");
      } catch (error) {
        text("robot-word", error.message);
      }
    }
    this.show();
  }

  // angles: of each joint by name.
  move(angles) {
    this.angles = angles;
    this.told = performance.now();
    this.ask();
  }

  show() {
    this.box.hidden = !this.robot || !this.switch.checked;
    if (this.box.hidden) return;
    this.studio();
    this.scene.add(this.robot.root);
    this.ask();
    clearInterval(this.watch);
    this.watch = setInterval(() => this.canvas.classList.toggle("silent", performance.now() - this.told > LOST_MS), LOST_MS / 3);
  }

  ask() {
    if (this.asked || this.box.hidden) return;
    this.asked = true;
    requestAnimationFrame((now) => {
      this.asked = false;
      if (now - this.drawn < PERIOD_MS - 4) return this.ask();
      this.drawn = now;
      this.draw();
    });
  }

  studio() {
    if (this.scene) return;
    this.renderer = new WebGLRenderer({ canvas: this.canvas, antialias: true, alpha: true, powerPreference: "low-power" });
    this.scene = new Scene();
    const key = new DirectionalLight(0xfff0e0, 2.2);
    key.position.set(0.8, 0.5, 1.0); // three-quarter, as the face is seen
    this.scene.add(key, new HemisphereLight(0xdfe6f2, 0x6b625c, 1.6));
    this.camera = new PerspectiveCamera(FOV_DEG, 1, 0.05, 5);
    this.camera.up.set(0, 0, 1);
    this.camera.position.set(0.62, 0.28, 0.27);
    this.camera.lookAt(0.01, 0, 0.175);
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!this.robot || !width) return;
    const size = [width, height].join();
    if (size !== this.size) {
      this.size = size;
      this.renderer.setPixelRatio(Math.min(window.devicePixelRatio || 1, 2));
      this.renderer.setSize(width, height, false);
      this.camera.aspect = width / height;
      this.camera.updateProjectionMatrix();
    }
    if (this.angles) pose(this.robot, this.angles);
    this.canvas.classList.remove("silent");
    this.renderer.render(this.scene, this.camera);
  }
}
