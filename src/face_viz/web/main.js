// Connects to the server, draws the newest frame when the screen is ready for one.

import { Boards } from "./boards.js";
import { faceMesh, refresh } from "./face.js";
import { Pace } from "./pace.js";
import { Panel } from "./panel.js";
import { Rig } from "./rig.js";
import { Stage } from "./stage.js";

const RETRY_MS = 1000;
const SHAPES = 52;
const AHEAD = [0, 0, 0, 1];

// See wire.py.
function decode(buffer) {
  const view = new DataView(buffer);
  const boards = view.getUint32(4, true);
  const weightsAt = 24 + 16;
  const boardsAt = weightsAt + 4 * SHAPES;
  const confidenceAt = boardsAt + 28 * boards;
  const poses = new Float32Array(buffer, boardsAt, 7 * boards);
  const status = new Uint8Array(buffer, confidenceAt + SHAPES, boards);
  return {
    state: view.getUint32(0, true),
    rate: view.getFloat32(8, true),
    age: view.getFloat32(12, true),
    silence: view.getFloat32(16, true),
    head: new Float32Array(buffer, 24, 4),
    weights: new Float32Array(buffer, weightsAt, SHAPES),
    confidence: Float32Array.from(new Uint8Array(buffer, confidenceAt, SHAPES), (c) => c / 255),
    boards: Array.from({ length: boards }, (_, i) => ({ pose: poses.slice(7 * i, 7 * i + 7), status: status[i] })),
  };
}

class Viewer {
  constructor(rig) {
    this.canvas = document.getElementById("face");
    this.rig = rig;
    this.face = faceMesh(rig);
    this.boards = new Boards();
    this.stage = new Stage(this.canvas, rig.bounds, () => this.ask());
    this.stage.head.add(this.face, this.boards);
    this.panel = new Panel(rig.blendshapes, rig.observable);
    this.pace = new Pace(new URLSearchParams(location.search).get("quality") === "full");
    this.frame = null;
    this.fresh = this.moved = false; // a new face; anything new in the studio
    this.asked = false;
    this.drawn = 0;
    this.sensors = document.getElementById("show-sensors");
    this.turns = document.getElementById("turn-head");
    this.options = null;
    for (const box of [this.sensors, this.turns]) box.addEventListener("change", () => this.renew());
    document.getElementById("calibrate").addEventListener("click", () => this.send("calibrate"));
    new ResizeObserver(() => this.ask()).observe(this.canvas);
    this.connect();
    this.ask();
  }

  connect() {
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/frames`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => {
      if (typeof data === "string") return this.tell(JSON.parse(data));
      this.frame = decode(data);
      this.fresh = true;
      this.ask();
    };
    this.socket.onclose = () => {
      this.panel.lost();
      if (this.frame) this.frame.silence = 1;
      this.renew();
      setTimeout(() => this.connect(), RETRY_MS);
    };
  }

  tell(message) {
    if (message.type === "notice") return this.panel.notice(message.text, message.ok);
    this.panel.scene(message);
    // A viewer's own choice stands until the node's parameter changes.
    const { options: before, sensors, turns } = this;
    const after = (this.options = message.options);
    if (before?.show_sensors !== after.show_sensors) sensors.checked = after.show_sensors;
    if (before?.turn_head !== after.turn_head) turns.checked = after.turn_head;
    this.renew();
  }

  send(command) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ command }));
  }

  renew() {
    this.moved = true;
    this.ask();
  }

  // At most one drawing per refresh of the screen, whatever arrives.
  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame((now) => {
      this.asked = false;
      this.draw(now);
    });
  }

  draw(now) {
    const { frame, fresh } = this;
    const moved = this.moved || fresh;
    this.moved = this.fresh = false;
    if (frame && moved) this.pose(frame);
    if (fresh) {
      this.panel.show(frame, now);
      document.documentElement.dataset.frames = ++this.drawn;
    }
    if (frame?.rate > 20) this.pace.note(now); // slower faces say nothing of the drawing
    this.stage.draw(this.pace.share, moved);
  }

  pose({ weights, boards, head, silence }) {
    this.rig.morph(weights);
    refresh(this.face);
    this.boards.place(this.sensors.checked ? boards : []);
    this.stage.head.quaternion.fromArray(this.turns.checked ? head : AHEAD);
    this.canvas.classList.toggle("silent", silence > 0.5);
  }
}

async function start() {
  const response = await fetch("rig");
  if (!response.ok) throw new Error(`expected the face rig, found HTTP status ${response.status}; reload the page`);
  window.imusic = new Viewer(new Rig(await response.arrayBuffer()));
}

start().catch((error) => {
  const prompt = document.getElementById("prompt");
  prompt.textContent = error.message;
  prompt.classList.add("on");
  throw error;
});
