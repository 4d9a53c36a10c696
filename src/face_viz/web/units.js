// Each unit of the layout with its health, and a button that blinks its light.

import { at } from "./panel.js";

// Bits of imusic/ImuFrame.status.
const VALID = 1, GYRO_SATURATED = 8, ACCEL_SATURATED = 16, MISSING = 32, FAULT = 64;

function judged({ present, status, lately }) {
  if (status === null) return present ? ["unknown", "no data yet"] : ["missing", "missing"];
  if (status & MISSING) return ["missing", "missing"];
  if (status & FAULT) return ["fault", "faulty"];
  if (!(status & VALID)) return ["fault", "not valid"];
  const said = [];
  if (lately & MISSING) said.push("was missing");
  if (lately & FAULT) said.push("was faulty");
  if (lately & (GYRO_SATURATED | ACCEL_SATURATED)) said.push("out of range");
  return said.length ? ["odd", said.join(", ")] : ["good", "good"];
}

const RANK = ["missing", "fault", "odd", "unknown", "good"];

export class Units {
  // identify: called with the number of a unit.
  constructor(identify) {
    this.identify = identify;
    this.units = [];
    this.offered = false;
  }

  show(units, offered) {
    this.units = units ?? this.units;
    this.offered = offered ?? this.offered;
    const judgedUnits = this.units.map((unit) => ({ unit, judged: judged(unit) }));
    judgedUnits.sort((a, b) => RANK.indexOf(a.judged[0]) - RANK.indexOf(b.judged[0]));
    at("units").replaceChildren(...judgedUnits.map(({ unit, judged: [kind, words] }) => this.row(unit, kind, words)));
  }

  row(unit, kind, words) {
    const make = (tag, className, textContent) => Object.assign(document.createElement(tag), { className, textContent });
    const item = make("li", kind, "");
    const button = make("button", "quiet", "Identify");
    button.type = "button";
    button.disabled = !this.offered || kind === "missing";
    button.addEventListener("click", () => this.identify(unit.id));
    const name = make("span", "name", unit.name.replaceAll("_", " "));
    name.append(make("small", "", unit.reference ? "reference" : `unit ${unit.id}`));
    item.append(name, make("span", "health", words), button);
    return item;
  }
}
