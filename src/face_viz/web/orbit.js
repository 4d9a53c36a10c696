// Drag orbits, the wheel or a pinch zooms, a double-click shows the front again; keys for those without a pointer.

import { OrbitControls } from "three/addons/controls/OrbitControls.js";

const REACH_RAD = 1.15; // how far up and down one may look
const STEP_RAD = 0.08;
const CLOSER = 0.9;

export function orbit(camera, canvas, front) {
  const controls = new OrbitControls(camera, canvas);
  controls.enablePan = false;
  controls.minPolarAngle = Math.PI / 2 - REACH_RAD;
  controls.maxPolarAngle = Math.PI / 2 + REACH_RAD;
  canvas.tabIndex = 0;
  canvas.addEventListener("dblclick", front);
  const moves = {
    ArrowLeft: () => controls.rotateLeft(-STEP_RAD), ArrowRight: () => controls.rotateLeft(STEP_RAD),
    ArrowUp: () => controls.rotateUp(STEP_RAD), ArrowDown: () => controls.rotateUp(-STEP_RAD),
    "+": () => controls.dollyIn(CLOSER), "-": () => controls.dollyOut(CLOSER), Home: front,
  };
  canvas.addEventListener("keydown", (event) => {
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  });
  return controls;
}
