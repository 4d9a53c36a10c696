// The wearer: guided routine, profiles, recordings.

import { at, text } from "./panel.js";

const NO_RECORDER = "No recorder runs here. Start one in a terminal: imusic record";

function clock(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

function left(seconds) {
  if (seconds === null) return "";
  if (seconds < 3600) return `, disk full in ${clock(seconds)} min`;
  return `, room for ${Math.min(999, Math.floor(seconds / 3600))} h`;
}

export class Session {
  // send: passes a command with its arguments to the server.
  // recorded: called when a recording has ended.
  constructor(send, recorded) {
    this.recorded = recorded;
    this.services = {};
    this.recording = null;
    this.longest = 1;
    this.told = "";
    this.allowed = false;
    const wearer = () => at("wearer").value.trim();
    at("routine").addEventListener("click", () => send("routine", { wearer: wearer() }));
    at("align").addEventListener("click", () => send("align"));
    at("cancel").addEventListener("click", () => send("cancel"));
    at("use-wearer").addEventListener("click", () => send("use_wearer", { wearer: wearer() }));
    at("record").addEventListener("click", () => {
      if (this.runs()) send("stop");
      else send("record", { take: at("take").value.trim(), wearer: wearer(), notes: at("notes").value.trim() });
    });
  }

  // Whether viewers of this page may do more than look.
  allow(allowed) {
    this.allowed = allowed;
    this.renew();
  }

  offer(services) {
    this.services = services ?? {};
    this.renew();
  }

  runs() {
    return this.recording?.state === "recording";
  }

  renew() {
    const { services, allowed } = this;
    for (const id of ["wearer", "take", "notes"]) at(id).disabled = !allowed;
    at("routine").disabled = !(allowed && services.routine);
    at("align").disabled = !(allowed && services.align);
    at("use-wearer").disabled = !(allowed && services.use_wearer);
    at("cancel").hidden = !allowed;
    at("record").disabled = !allowed;
    at("record").classList.toggle("absent", !services.record);
    this.tell();
  }

  // What the recorder says of itself; null before it has said anything.
  record(recording) {
    const before = this.runs();
    this.recording = recording;
    this.tell();
    if (before && !this.runs()) this.recorded();
  }

  tell() {
    const { recording } = this;
    const runs = this.runs();
    text("record", runs ? "Stop recording" : "Record");
    at("record").classList.toggle("runs", runs);
    at("taping").hidden = !runs;
    let words = "";
    if (!this.services.record && !runs) words = NO_RECORDER;
    if (recording && (runs || recording.path)) {
      const size = `${clock(recording.duration ?? 0)} min, ${(recording.bytes / 1e6).toFixed(1)} MB, ${recording.messages} messages`;
      const lost = recording.lost ? `, ${recording.lost} LOST` : "";
      const said = runs ? `${size}${lost}${left(recording.disk_time_left)}` : `Last: ${recording.path} (${size}${lost})`;
      words = [said, recording.message, words].filter(Boolean).join(". ");
      text("taping", `Recording ${clock(recording.duration ?? 0)}`);
    } else if (recording?.message) words = [recording.message, words].filter(Boolean).join(". ");
    text("recording", words);
    at("recording").classList.toggle("bad", recording?.state === "failed" || Boolean(runs && recording.lost));
  }

  // What the wearer is asked to do now; null: nothing.
  prompt(prompt) {
    at("task").hidden = !prompt;
    document.body.classList.toggle("guided", Boolean(prompt));
    if (!prompt) {
      this.told = "";
      return;
    }
    const { text: words, number, count, phase_left: phase, routine_left: rest, hold } = prompt;
    if (words + number !== this.told) {
      this.told = words + number;
      this.longest = Math.max(phase ?? 0, 0.1);
    }
    text("prompt", words);
    at("task").classList.toggle("hold", hold);
    at("task-left").value = (phase ?? 0) / this.longest;
    text("task-count", `${number ? `${number} of ${count} · ` : ""}${Math.ceil(rest ?? 0)} s left`);
  }
}
