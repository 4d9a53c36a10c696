// Connects to the server, draws the newest frame when the screen is ready for one.

import { Bars } from "./bars.js";
import { Boards } from "./boards.js";
import { Curves } from "./curves.js";
import { faceMesh, refresh } from "./face.js";
import { Pace } from "./pace.js";
import { at, Panel, text } from "./panel.js";
import { Player } from "./player.js";
import { Rig } from "./rig.js";
import { Robot } from "./robot.js";
import { Session } from "./session.js";
import { setFine } from "./skin.js";
import { Stage } from "./stage.js";
import { Takes } from "./takes.js";
import { Units } from "./units.js";
import { decode } from "./wire.js";

const RETRY_MS = 1000;
const REFERENCE_MS = 2000; // without a reference for this long it is shown no more
const AHEAD = [0, 0, 0, 1];

class Viewer {
  constructor(rig) {
    this.canvas = at("face");
    this.rig = rig;
    this.face = faceMesh(rig);
    this.boards = new Boards();
    const asked = new URLSearchParams(location.search);
    this.stage = new Stage(this.canvas, rig.bounds, () => this.ask(), asked.get("view") === "front");
    this.stage.head.add(this.face, this.boards);
    this.panel = new Panel();
    this.curves = new Curves(rig.blendshapes, (signals) => this.send("watch", { signals }));
    this.bars = new Bars(at("bars"), rig.blendshapes, this.curves.chosen, () => this.curves.choose());
    this.bars.arrange(rig.observable);
    this.units = new Units((sensor) => this.send("identify", { sensor }));
    const send = (command, more) => this.send(command, more);
    this.takes = new Takes(send);
    this.session = new Session(send, () => this.takes.recorded());
    this.player = new Player(send);
    this.robot = new Robot();
    this.panel.opened = (tab) => this.curves.show(tab === "plots-tab");
    this.pace = new Pace(["full", "fine"].includes(asked.get("quality")));
    this.fine = asked.get("quality") === "fine" || !this.stage.software;
    setFine(this.face.material, this.fine);
    this.frame = null;
    this.reference = null; // { weights, seen, faceSeen, arrived }
    this.patience = REFERENCE_MS;
    this.second = null; // rig and mesh of the reference, once there was one
    this.fresh = this.moved = false; // a new face; anything new in the studio
    this.asked = false;
    this.drawn = 0;
    this.sensors = at("show-sensors");
    this.turns = at("turn-head");
    this.tints = at("show-confidence");
    this.options = null;
    for (const box of [this.sensors, this.turns, this.tints]) box.addEventListener("change", () => this.renew());
    at("calibrate").addEventListener("click", () => this.send("calibrate"));
    at("view").addEventListener("click", () => this.stage.look(!this.stage.ahead));
    new ResizeObserver(() => this.ask()).observe(this.canvas);
    this.connect();
    this.ask();
  }

  connect() {
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/frames`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.curves.connected();
    this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.tell(JSON.parse(data)) : this.receive(decode(data)));
    this.socket.onclose = () => {
      this.panel.lost();
      this.session.prompt(null);
      this.player.show(null);
      if (this.frame) this.frame.silence = 1;
      this.renew();
      setTimeout(() => this.connect(), RETRY_MS);
    };
  }

  receive(message) {
    if (message.kind === "signals") return this.curves.signals(message.samples);
    if (message.kind === "reference") {
      this.reference = { ...message, arrived: performance.now() };
      return this.renew();
    }
    this.frame = message;
    this.fresh = true;
    this.ask();
  }

  tell({ type, value, ...message }) {
    if (type === "notice") this.panel.notice(message.text, message.ok);
    else if (type === "scene") this.scene(message);
    else if (type === "units") {
      this.units.show(value?.units ?? []);
      this.curves.layout(value?.units ?? []);
    } else if (type === "services") {
      this.session.offer(value);
      this.units.show(null, Boolean(value?.identify));
    } else if (type === "recording") this.session.record(value);
    else if (type === "prompt") this.session.prompt(value);
    else if (type === "takes") this.takes.list(value);
    else if (type === "work") this.takes.tellWork(value);
    else if (type === "replayed") this.takes.tellReplay(value);
    else if (type === "player") this.player.show(value);
    else if (type === "robot") this.robot.describe(value);
    else if (type === "joints") this.robot.move(value ?? {});
    else if (type === "replay") at("replaying").hidden = !value?.on;
    else if (type === "reference") text("reference-name", value.source ? `Reference: ${value.source}` : "Reference");
  }

  scene(message) {
    this.panel.scene(message);
    for (const part of [this.session, this.takes, this.player]) part.allow(message.options.commands);
    this.bars.arrange(message.observable);
    // A viewer's own choice stands until the node's parameter changes.
    const { options: before, sensors, turns } = this;
    const after = (this.options = message.options);
    if (before?.show_sensors !== after.show_sensors) sensors.checked = after.show_sensors;
    if (before?.turn_head !== after.turn_head) turns.checked = after.turn_head;
    this.renew();
  }

  send(command, more = {}) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ command, ...more }));
    else if (command !== "watch") this.panel.notice("Not connected: nothing was asked for", false);
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
    const reference = this.compared(now);
    if (moved) this.beside(reference);
    if (fresh) {
      this.panel.show(frame, now);
      this.bars.show(frame, reference, now);
      this.curves.frame(frame, now);
      document.documentElement.dataset.frames = ++this.drawn;
    }
    if (frame?.rate > 20) this.pace.note(now); // slower faces say nothing of the drawing
    if (this.fine && this.pace.share < 1) {
      this.fine = false; // a card that draws it too slowly
      for (const face of [this.face, this.second?.face]) if (face) setFine(face.material, false);
    }
    this.stage.draw(this.pace.share, moved);
  }

  // The reference, while it comes and sees a face; null otherwise.
  compared(now) {
    const { reference } = this;
    return reference?.faceSeen && now - reference.arrived < this.patience ? reference : null;
  }

  pose({ weights, confidence, boards, head, silence }) {
    this.rig.morph(weights);
    refresh(this.face, this.tints.checked ? confidence : null);
    this.boards.place(this.sensors.checked ? boards : []);
    this.stage.head.quaternion.fromArray(this.turns.checked ? head : AHEAD);
    this.canvas.classList.toggle("silent", silence > 0.5);
  }

  // The second face, right of the measured one, turned as that one is.
  beside(reference) {
    at("captions").hidden = !reference;
    if (reference) {
      if (!this.second) {
        const rig = this.rig.another();
        const face = faceMesh(rig);
        setFine(face.material, this.fine);
        this.second = { rig, face };
        this.stage.other.add(face);
      }
      this.second.rig.morph(reference.weights);
      refresh(this.second.face, null);
      this.stage.other.quaternion.copy(this.stage.head.quaternion);
    }
    this.stage.compare(Boolean(reference));
  }
}

// A still picture of the face at these weights, without sensors, for those who judge the drawing: PNG as a data URL.
Viewer.prototype.picture = function (weights) {
  this.rig.morph(weights);
  refresh(this.face, null);
  this.boards.place([]);
  this.stage.head.quaternion.fromArray(AHEAD);
  this.stage.draw(1, true);
  this.moved = true;
  return this.canvas.toDataURL();
};

async function start() {
  const response = await fetch("rig");
  if (!response.ok) throw new Error(`expected the face rig, found HTTP status ${response.status}; reload the page`);
  window.imusic = new Viewer(new Rig(await response.arrayBuffer()));
}

start().catch((error) => {
  text("banner-word", "Cannot draw");
  text("banner-text", error.message);
  at("banner").className = "on stale";
  throw error;
});
