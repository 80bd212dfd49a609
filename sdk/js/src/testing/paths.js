// What a file may be called: the rules of the engine, in its order and words, for
// storage in memory.

import { encode } from "../text.js";

const PRIVATE_DIR = ".ability-storage";
const DEVICES = ["con", "prn", "aux", "nul", "conin$", "conout$"];
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Default_Ignorable_Code_Point of Unicode 16. */
const IGNORABLE =
  /[\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** The first rule that `path` breaks, in words for a person; else `null`. */
export function brokenRule(path) {
  if (path === "") return "it is empty";
  if (encode(path).length > 1024) return "it is longer than 1,024 bytes";
  if (path.startsWith("/")) return "it starts with a slash; paths are relative to the volume";
  if (path.endsWith("/")) return "it ends with a slash";
  if (path.includes("\\")) return "it contains a backslash; components are separated by /";
  if (path.includes(":")) return "it contains a colon";
  if (CONTROL.test(path)) return "it contains a control character";
  for (const component of path.split("/")) {
    const broken = brokenComponentRule(component);
    if (broken) return broken;
  }
  return null;
}

/** Whether `path` is `directory` or lies beneath it. */
export function isUnder(path, directory) {
  return path === directory || path.startsWith(`${directory}/`);
}

/** The order of the host, which is that of the bytes. */
export function byBytes(one, other) {
  const [a, b] = [encode(one), encode(other)];
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    if (a[at] !== b[at]) return a[at] - b[at];
  }
  return a.length - b.length;
}

function brokenComponentRule(component) {
  if (component === "") return "it has an empty component";
  if (component === "." || component === "..") return "it has a component . or ..";
  if (encode(component).length > 255) return "a component is longer than 255 bytes";
  if (/[. ]$/.test(component)) return "a component ends in a dot or a space";
  if (isWindowsDevice(component)) return "a component is a device name of Windows";
  if (namesPrivateDir(component)) return ".ability-storage belongs to the storage itself";
  return null;
}

function isWindowsDevice(component) {
  const [stem] = component.split(".");
  // As the engine does: letters that are not ASCII stay as they are.
  const lower = stem.replace(/ +$/, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return DEVICES.includes(lower) || /^(?:com|lpt)[0-9¹²³]$/.test(lower);
}

function namesPrivateDir(component) {
  // There and back: some letters have one upper case in common.
  const folded = component.replace(IGNORABLE, "").toUpperCase().toLowerCase();
  return folded === PRIVATE_DIR || /^(?:abilit~|ab[0-9a-f]{4}~[0-9])/.test(folded);
}
