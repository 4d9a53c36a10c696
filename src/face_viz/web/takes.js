// The takes of this machine, and what can be done with one: replay it, check it, export it.

import { at, text } from "./panel.js";

const FORMATS = [
  ["csv", "Live Link CSV"], ["glb", "GLB, animated"], ["json", "JSON"], ["npz", "NumPy"], ["parquet", "Parquet"],
  ["vrma", "VRM animation"], ["mp4", "video"], ["gif", "GIF"],
];
const DOING = { check: "Checking", export: "Exporting" };

function make(tag, words = "", more = {}) {
  return Object.assign(document.createElement(tag), { textContent: words, ...more });
}

export class Takes {
  // send: passes a command with its arguments to the server.
  constructor(send) {
    this.send = send;
    this.allowed = false;
    this.listed = false;
    this.work = this.replayed = null;
    this.wanted = ""; // what this page asked to be exported: its browser fetches the file by itself
    at("list-takes").addEventListener("click", () => send("takes"));
    at("cancel-work").addEventListener("click", () => send("cancel_take"));
    at("end-replay").addEventListener("click", () => send("end_replay"));
  }

  allow(allowed) {
    this.allowed = allowed;
    for (const id of ["list-takes", "whose"]) at(id).disabled = !allowed;
    this.renew();
  }

  // A recording has ended: its take is in the list.
  recorded() {
    if (this.listed && this.allowed) this.send("takes");
  }

  list({ folder, takes }) {
    this.listed = true;
    text("takes-folder", takes.length ? folder : `${folder}: none`);
    text("list-takes", "renew");
    at("whose").hidden = !takes.length;
    at("takes").before(at("replayed"), at("work"));
    at("takes").replaceChildren(...takes.map((take) => this.row(take)));
    this.place("replayed", this.replayed);
    this.place("work", this.work);
    this.renew();
  }

  // What is told of a take stands with it, where it is listed.
  place(id, told) {
    const row = told && [...at("takes").children].find(({ dataset }) => dataset.take === told.take);
    if (row && at(id).parentElement !== row) row.append(at(id));
    else if (!row && at(id).closest("#takes")) at("takes").before(at(id));
  }

  row({ name, megabytes }) {
    const head = make("div");
    head.append(make("span", name), make("small", `${megabytes} MB`));
    const doing = make("div", "", { className: "doing" });
    const button = (words, command) => {
      const made = make("button", words, { type: "button", className: "quiet" });
      made.dataset.does = command;
      made.setAttribute("aria-label", `${words} ${name}`);
      made.addEventListener("click", () => this.ask(command, name));
      return made;
    };
    const formats = make("select");
    formats.dataset.does = "export_take";
    formats.setAttribute("aria-label", `Export ${name}`);
    formats.append(make("option", "Export …", { value: "" }), ...FORMATS.map(([value, words]) => make("option", words, { value })));
    formats.addEventListener("change", () => {
      const { value: format } = formats;
      formats.value = "";
      if (!format) return;
      this.wanted = `${name}.${format}`;
      this.ask("export_take", name, { format });
    });
    doing.append(button("Replay", "replay_take"), button("Check", "check_take"), formats);
    const row = make("li");
    row.dataset.take = name;
    row.append(head, doing);
    return row;
  }

  ask(command, folder, more = {}) {
    this.send(command, { folder, whose: at("whose").value.trim(), ...more });
  }

  renew() {
    const works = this.work?.state === "running";
    const replays = ["starting", "running"].includes(this.replayed?.state);
    for (const control of document.querySelectorAll("#takes [data-does]"))
      control.disabled = !this.allowed || (control.dataset.does === "replay_take" ? replays : works);
    at("cancel-work").disabled = at("end-replay").disabled = !this.allowed;
  }

  // A check or an export: what it does, or what came of it; null before there was one.
  tellWork(work) {
    this.work = work;
    at("work").hidden = !work;
    this.place("work", work);
    this.renew();
    if (!work) return;
    const { kind, take, state, share, text: words, format, findings, file, usable } = work;
    const runs = state === "running";
    const said = { running: `${DOING[kind]} ${take}`, done: kind === "check" ? `${take}: ${words}` : `${take} as ${format}: ${words}` };
    text("work-text", said[state] ?? `${take}${format ? ` as ${format}` : ""}: ${words}`);
    at("work").classList.toggle("bad", state === "failed" || usable === false);
    at("work-left").hidden = at("cancel-work").hidden = !runs;
    if (share === null || share === undefined) at("work-left").removeAttribute("value");
    else at("work-left").value = share;
    const found = (findings ?? []).filter(({ grade }) => grade !== "good");
    const good = (findings ?? []).length - found.length;
    const rows = found.map(({ about, grade, text: what }) => make("li", `${about}: ${what}`, { className: grade }));
    if (good) rows.push(make("li", `${good} more looked at, and good`, { className: "good" }));
    at("findings").replaceChildren(...rows);
    const link = at("work-file");
    link.hidden = !file;
    if (!file) return;
    link.href = file.url;
    link.download = file.name;
    text("work-file", `Download ${file.name} (${file.megabytes} MB)`);
    if (file.name !== this.wanted) return;
    this.wanted = "";
    link.click();
  }

  // A replay that was begun here, in a graph of its own; null: there is none.
  tellReplay(replayed) {
    this.replayed = replayed;
    at("replayed").hidden = !replayed;
    this.place("replayed", replayed);
    this.renew();
    if (!replayed) return;
    const { take, place, state, url, text: words } = replayed;
    const runs = state === "running";
    const said = { starting: "starts", running: `runs in ${place}, beside what is shown here` };
    text("replayed-text", `Replay of ${take} ${said[state] ?? `failed: ${words}`}`);
    at("replayed").classList.toggle("bad", state === "failed");
    const link = at("replayed-page");
    link.hidden = !(runs && /^https?:\/\//.test(url));
    if (!link.hidden) {
      link.href = url;
      text("replayed-page", `Open its page: ${url}`);
    }
    at("end-replay").hidden = state === "failed";
  }
}
